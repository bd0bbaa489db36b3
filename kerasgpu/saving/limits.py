"""What a model file may hold, and the error for one that breaks the rules."""

from __future__ import annotations

MAX_JSON_BYTES = 64 << 20
MAX_JSON_DEPTH = 200
MAX_MEMBERS = 10_000
MAX_STRUCTURES = 2_000_000  # nodes, links, chunks and texts of an HDF5 file
MAX_ASSET_BYTES = 1 << 30
# Weights are stored uncompressed. Re-packed files deflate a little; state that is all zeros deflates a lot, but is small.
MAX_EXPANSION = 32
SMALL = 1 << 20  # below this a size is harmless, whatever it was stored as
HARMLESS = 64 << 20  # the same for what a whole file may ask for
DTYPES = frozenset("bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 bfloat16".split())


class BadModelFile(ValueError):
    """A model file that is damaged, hostile, or of a kind that is not read."""
