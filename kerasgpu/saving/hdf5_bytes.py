"""Numbers and records of an HDF5 file, read without the HDF5 library and never outside the file."""

from __future__ import annotations

from typing import NoReturn

from kerasgpu.saving.limits import MAX_STRUCTURES, BadModelFile

UNDEFINED = 2**64 - 1  # the address that stands for "none"


class FileBytes:
    """The bytes of a file (bytes or an mmap), with a record of which structures have been visited."""

    def __init__(self, data, name):
        self.data, self.name, self.size = data, name, len(data)
        self._visited: set = set()
        self._left = MAX_STRUCTURES

    def fail(self, text) -> NoReturn:
        raise BadModelFile(f"{self.name} is damaged: {text}")

    def read(self, address, size) -> bytes:
        if address < 0 or size < 0 or address + size > self.size:
            self.fail(f"a structure of {size} bytes at byte {address} would end outside the file")
        return self.data[address : address + size]

    def number(self, address, size) -> int:
        return int.from_bytes(self.read(address, size), "little")

    def node(self, address, signature, version, what) -> None:
        """Check that a structure begins here, and that no other one has led here: then no walk can go in circles."""
        head = self.read(address, len(signature) + 1)
        if head[:-1] != signature or head[-1] != version:
            self.fail(f"there is no {what} at byte {address}, where the file says so")
        self.visit(address, what)

    def visit(self, address, what) -> None:
        if address in self._visited:
            self.fail(f"two places lead to the {what} at byte {address}, as in a structure that contains itself")
        self._visited.add(address)
        self.spend(1)

    def spend(self, count) -> None:
        """Bounds the work for the whole file."""
        self._left -= count
        if self._left < 0:
            self.fail(f"it has more than {MAX_STRUCTURES} groups, links and chunks; that is no model")


class Record:
    """Fields of a structure one after another."""

    def __init__(self, file, data, what, at=0):
        self.file, self.data, self.what, self.at = file, data, what, at

    def take(self, size) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            self.file.fail(f"a {self.what} ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size) -> int:
        return int.from_bytes(self.take(size), "little")

    def address(self):
        """An address, or None."""
        found = self.number(8)
        return None if found == UNDEFINED else found

    def left(self) -> int:
        return len(self.data) - self.at


def encoded_bytes(limit) -> int:
    """Bytes of a number up to `limit` in the formats that choose the width by it."""
    return (max(limit, 1).bit_length() - 1) // 8 + 1
