"""How long a text in an HDF5 file can be, without asking the library to read it.

Texts without a fixed size lie in collections ("global heaps"); an array of texts holds references to them. A hostile array has
thousands of references to one long text, and the library copies it for each. No text is longer than the collection it is in.

    collection: "GCOL", version (1 byte), reserved (3 bytes), size of the collection (2, 4 or 8 bytes), texts
"""

from __future__ import annotations

import contextlib
import mmap
import os

_SIGNATURE = b"GCOL"
_MANY = 100_000


def longest_text(source, file_bytes: int, size_bytes: int) -> int:
    """Bytes of the largest collection in a file (a path, or a file in memory). size_bytes: width of its size field."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, (str, os.PathLike)):
            file = stack.enter_context(open(source, "rb"))
            data = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if file_bytes else b""
        else:
            data = source.getvalue()
        largest, at = 0, data.find(_SIGNATURE)
        for _ in range(_MANY):
            if at < 0:
                return largest
            size = int.from_bytes(data[at + 8 : at + 8 + size_bytes], "little")
            largest = max(largest, min(size, file_bytes))
            at = data.find(_SIGNATURE, at + 4)
    return file_bytes  # the signature is all over the file, which no library wrote so
