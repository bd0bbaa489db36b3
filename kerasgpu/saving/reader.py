"""The only code, with hdf5.py, that opens model files. What is in a file is untrusted until it has passed through here.

Rules (docs/security.md explains each): parse to plain data, check, then use; nothing is extracted to disk; no member name is a
path; only data in the file itself, as numbers; declared sizes are compared with stored bytes before memory is asked for; what
a config builds may not need more memory than the file can fill.
"""

from __future__ import annotations

import io
import lzma
import math
import os
import stat
import struct
import zipfile
import zlib

from kerasgpu.engine import state
from kerasgpu.saving.hdf5 import LegacyFile, WeightsReader
from kerasgpu.saving.json_text import parse_json
from kerasgpu.saving.limits import (
    HARMLESS,
    MAX_ASSET_BYTES,
    MAX_EXPANSION,
    MAX_JSON_BYTES,
    MAX_MEMBERS,
    BadModelFile,
)

__all__ = [
    "BadModelFile",
    "LegacyFile",
    "ModelFile",
    "WeightsReader",
    "budget_for",
    "is_hdf5",
    "is_zip",
    "largest_of",
    "parse_json",
    "variable_budget",
]

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, MemoryError),
    *(zlib.error, lzma.LZMAError, struct.error, LookupError),
)


def is_zip(path) -> bool:
    return os.path.isfile(path) and zipfile.is_zipfile(path)


def is_hdf5(path) -> bool:
    """Whether a file begins as HDF5 does, whatever its name says. Its first 512, 1024 or 2048 bytes may be something else, but not
    those of a zip: the weights in a `.keras` file are HDF5, and may begin at such a place."""
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        return False
    with open(path, "rb") as file:
        head = file.read(2048 + len(_HDF5))
    return any(head.startswith(_HDF5, start) for start in ((0,) if head.startswith(b"PK") else (0, 512, 1024, 2048)))


class ModelFile:
    """A `.keras` file (path or file object) or a folder with the same members, opened for reading.

    Attributes: `config`, `metadata` (plain data), `weights` (a WeightsReader or None). Use as a context manager.
    """

    def __init__(self, source):
        self.name = str(source) if isinstance(source, (str, os.PathLike)) else "the model file"
        self._zip = None
        self.weights = None
        if isinstance(source, (str, os.PathLike)) and os.path.isdir(source):
            self._root = os.path.realpath(source)
            self._sizes = dict(_plain_files(self._root, self.name))
        else:
            self._root = None
            self._open_zip(source)
        try:
            if CONFIG not in self._sizes:
                raise BadModelFile(f"{self.name} has no {CONFIG}: it is not a model saved by Keras 3 or kerasgpu")
            self.config = parse_json(self._read(CONFIG, MAX_JSON_BYTES), f"{CONFIG} of {self.name}")
            self.metadata = parse_json(self._read(METADATA, MAX_JSON_BYTES), METADATA) if METADATA in self._sizes else {}
            if WEIGHTS in self._sizes:
                self.weights = WeightsReader(io.BytesIO(self._read(WEIGHTS, None)), f"{WEIGHTS} of {self.name}")
        except BaseException:
            self.close()
            raise

    def _open_zip(self, source):
        if isinstance(source, (str, os.PathLike)):
            if os.path.exists(source) and not os.path.isfile(source):
                raise BadModelFile(f"{self.name} is not a file")
        elif not (hasattr(source, "read") and hasattr(source, "seek")):
            raise BadModelFile(f"a model is read from a path or a binary file object, not from a {type(source).__name__}")
        try:
            self._zip = zipfile.ZipFile(source, "r")
            self._zip.fp.seek(0, os.SEEK_END)
            archive_bytes = self._zip.fp.tell()
        except FileNotFoundError:
            raise
        except (*_ZIP_ERRORS, AttributeError, TypeError) as error:
            raise BadModelFile(f"{self.name} is not a readable .keras file (a zip archive): {error}") from None
        try:
            self._sizes = dict(_safe_members(self._zip.infolist(), archive_bytes, self.name))
        except BaseException:
            self.close()
            raise

    def _read(self, name, limit) -> bytes:
        size = self._sizes[name]
        if limit is not None and size > limit:
            raise BadModelFile(f"{self.name}: {name} declares {size} bytes; at most {limit} are read")
        if self._zip is None:
            with open(os.path.join(self._root, *name.split("/")), "rb") as f:
                return f.read(size)
        try:
            with self._zip.open(name) as f:
                data = f.read(size + 1)
        except _ZIP_ERRORS as error:
            raise BadModelFile(f"{self.name} is damaged: {name} cannot be read ({error})") from None
        if len(data) != size:
            raise BadModelFile(f"{self.name} is damaged: {name} has {len(data)} bytes, its entry says {size}")
        return data

    def assets(self, path: str) -> dict:
        """{name: bytes} of the asset files of one object; names are labels without folders. Deeper ones are other objects'."""
        prefix = "/".join(p for p in (ASSETS, path) if p) + "/"
        mine = {n[len(prefix) :]: n for n in self._sizes if n.startswith(prefix)}
        mine = {label: n for label, n in mine.items() if label and "/" not in label}
        if sum(self._sizes[n] for n in mine.values()) > MAX_ASSET_BYTES:
            raise BadModelFile(f"{self.name}: more than {MAX_ASSET_BYTES} bytes of assets for {path!r}")
        return {label: self._read(n, MAX_ASSET_BYTES) for label, n in mine.items()}

    def close(self):
        if self.weights is not None:
            self.weights.close()
        if self._zip is not None:
            self._zip.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def _plain_files(root, name):
    """(member name, bytes) of the regular files below a folder; links are not followed."""
    count = 0
    for folder, _, files in os.walk(root, followlinks=False):
        for f in files:
            full = os.path.join(folder, f)
            info = os.lstat(full)
            if not stat.S_ISREG(info.st_mode):
                continue
            count += 1
            if count > MAX_MEMBERS:
                raise BadModelFile(f"{name} has more than {MAX_MEMBERS} files; that is no model")
            yield os.path.relpath(full, root).replace(os.sep, "/"), info.st_size


def _safe_members(members, archive_bytes, archive):
    """(member name, bytes) of a zip archive; anything that no model has is refused, whether it would be read or not."""
    if len(members) > MAX_MEMBERS:
        raise BadModelFile(f"{archive} has {len(members)} members; at most {MAX_MEMBERS} are read")
    seen = set()
    for m in members:
        name = m.filename
        # zipfile cuts names at a zero byte and turns the system's separator into "/": the stored name counts.
        for label in (name, m.orig_filename):
            parts = label.removesuffix("/").split("/")
            if any(c in label for c in "\\:\0") or any(p in ("", ".", "..") for p in parts):
                raise BadModelFile(f"{archive} has a member with the unsafe name {label!r}")
        if stat.S_ISLNK(m.external_attr >> 16):
            raise BadModelFile(f"{archive} has the symbolic link {name!r} as a member")
        if name in seen:
            raise BadModelFile(f"{archive} has the member {name!r} twice")
        seen.add(name)
        if m.flag_bits & 1:
            raise BadModelFile(f"{archive}: member {name!r} is encrypted")
        if m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadModelFile(f"{archive}: member {name!r} uses compression {m.compress_type}; only deflate is read")
        if m.compress_size > archive_bytes:
            raise BadModelFile(f"{archive} is damaged: {name!r} declares more bytes than the file has")
        if m.file_size > HARMLESS and m.file_size > m.compress_size * MAX_EXPANSION:
            raise BadModelFile(
                f"{archive}: {name!r} would expand from {m.compress_size} to {m.file_size} bytes; that is no model"
            )
        if not m.is_dir():
            yield name, m.file_size


class variable_budget:
    """Context manager: variables made inside may not need more than `limit` bytes together; checked before allocation."""

    def __init__(self, limit: int, name: str):
        self.limit, self.name = limit, name
        self.used = 0

    def take(self, shape, dtype_bytes):
        n = dtype_bytes
        for d in shape:
            n *= d
        self.used += n
        if self.used > self.limit:
            raise BadModelFile(
                f"{self.name}: its config asks for variables of {self.used} bytes or more, but the file stores too little to "
                f"fill them (limit {self.limit}); the config does not belong to these weights"
            )

    def __enter__(self):
        self._before, state.thread.variable_budget = state.thread.variable_budget, self
        return self

    def __exit__(self, *exc):
        state.thread.variable_budget = self._before


def largest_of(variables):
    """Bytes, in the widest dtype, of the largest of these variables; None if there are none."""
    return max((8 * math.prod(v.shape) for v in variables if isinstance(getattr(v, "shape", None), tuple)), default=None)


def budget_for(file) -> variable_budget:
    """What a model of this file may allocate: a few times what is stored (not all state is), and a little for small ones.

    file: a ModelFile or a LegacyFile.
    """
    weights = file.weights if isinstance(file, ModelFile) else file
    stored = weights.stored_bytes if weights is not None else 0
    return variable_budget(8 * stored + HARMLESS, file.name)
