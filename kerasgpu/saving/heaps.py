"""Texts of variable length in an HDF5 file, checked without asking the library to read them.

Texts without a fixed size lie in collections ("global heaps"); an attribute holds references to them.

    collection: "GCOL", version (1 byte), reserved (3), size of the collection (8), objects
    object:     number (2 bytes), count of references (2), reserved (4), size (8), data, padded to 8 bytes
    number 0:   the free rest of the collection; its size counts these 16 bytes too

The library adds up sizes until the collection is full, so a free rest of size 0 would keep it busy for ever. And a hostile
attribute may refer to one long text thousands of times: the library copies it each time.
"""

from __future__ import annotations

from kerasgpu.saving.hdf5_bytes import Record

_HEAD = 16


class GlobalHeaps:
    """The collections of a file, each walked once, when something refers to it."""

    def __init__(self, file):
        self._file = file
        self._known: dict = {}

    def text_bytes(self, references) -> int:
        """Bytes that the texts of these references have together, after a check of each."""
        total = 0
        for length, address, number in references:
            if length == 0:  # an empty text, which has no place
                continue
            if address not in self._known:
                self._known[address] = self._walk(address)
            stored = self._known[address].get(number)
            if stored != length:
                self._file.fail(f"text {number} of the heap at byte {address} has {stored} bytes, its reference says {length}")
            total += length
        return total

    def _walk(self, address) -> dict:
        """{number: size} of the objects of a collection."""
        file = self._file
        file.node(address, b"GCOL", 1, "heap of texts")
        size = file.number(address + 8, 8)
        if size < 4096:
            file.fail(f"the heap of texts at byte {address} has only {size} bytes")
        record = Record(file, file.read(address, size), "heap of texts", at=_HEAD)
        sizes: dict = {}
        while record.left() >= _HEAD:
            number = record.number(2)
            record.take(6)
            length = record.number(8)
            if number in sizes or (number == 0 and length < _HEAD):
                file.fail(f"the heap of texts at byte {address} has the object {number} twice, or with {length} bytes")
            record.take(length - _HEAD if number == 0 else length + 7 & ~7)
            file.spend(1)
            sizes[number] = length
        sizes.pop(0, None)
        return sizes
