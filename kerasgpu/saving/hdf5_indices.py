"""Walks the trees and heaps by which an HDF5 file finds members, attributes and chunks, so that none leads in circles.

The formats are those of the HDF5 File Format Specification, with addresses and lengths of 8 bytes. Every node may be reached
once, lies inside the file, and is one level below the node that led to it.
"""

from __future__ import annotations

from kerasgpu.saving.hdf5_bytes import UNDEFINED, FileBytes, Record, encoded_bytes

_NO_FREE_BLOCK = 1


def local_heap(file, address) -> bytes:
    """The names of a group of the old kind, after its list of free blocks was followed to its end."""
    file.node(address, b"HEAP", 0, "heap of names")
    record = Record(file, file.read(address, 32), "heap of names", at=8)
    size, free, at = record.number(8), record.number(8), record.number(8)
    data = file.read(at, size)
    seen: set = set()
    while free != _NO_FREE_BLOCK and free != UNDEFINED:
        if free in seen or free + 16 > size:
            file.fail(f"the free blocks in the heap of names at byte {address} lead in circles or outside of it")
        seen.add(free)
        file.spend(1)
        free = int.from_bytes(data[free : free + 8], "little")
    return data


def tree_leaves(file, address, kind, key_bytes, level=None):
    """(key, address) below the leaves of a B-tree of version 1: nodes of a group (kind 0), or chunks (kind 1)."""
    file.visit(address, "tree")
    head = Record(file, file.read(address, 24), "tree")
    if head.take(4) != b"TREE" or head.number(1) != kind:
        file.fail(f"there is no tree of that kind at byte {address}, where the file says so")
    found, count = head.number(1), head.number(2)
    if level is not None and found != level:
        file.fail(f"the node of a tree at byte {address} is on level {found}, not {level}")
    entries = Record(file, file.read(address + 24, count * (key_bytes + 8) + key_bytes), "tree")
    file.spend(count)
    for _ in range(count):
        key, child = entries.take(key_bytes), entries.number(8)
        if found:
            yield from tree_leaves(file, child, kind, key_bytes, found - 1)
        else:
            yield key, child


def group_members(file, tree, heap) -> list:
    """(name, address, cached tree and heap or None, soft) of the members of a group of the old kind."""
    names = local_heap(file, heap)
    members = []
    for _, node in tree_leaves(file, tree, 0, 8):
        file.node(node, b"SNOD", 1, "list of members")
        count = file.number(node + 6, 2)
        entries = Record(file, file.read(node + 8, 40 * count), "list of members")
        file.spend(count)
        for _ in range(count):
            at, address, cached = entries.number(8), entries.number(8), entries.number(4)
            entries.take(4)
            scratch = entries.take(16)
            end = names.find(b"\0", at) if at < len(names) else -1
            if end < 0:
                file.fail("a name of a member lies outside of its heap")
            pair = (int.from_bytes(scratch[:8], "little"), int.from_bytes(scratch[8:], "little")) if cached == 1 else None
            members.append((names[at:end], address, pair, cached == 2))
    return members


def tree2_records(file, address) -> list:
    """The records of a B-tree of version 2, as bytes."""
    file.node(address, b"BTHD", 0, "tree")
    head = Record(file, file.read(address, 38), "tree", at=5)
    kind, node_bytes, record_bytes, depth = head.number(1), head.number(4), head.number(2), head.number(2)
    head.take(2)
    root, count = head.address(), head.number(2)
    if not 0 < record_bytes <= node_bytes <= file.size or depth > 16:
        file.fail(f"the tree at byte {address} has records of {record_bytes} bytes in {node_bytes}, and depth {depth}")
    if root is None or count == 0:
        return []
    most = (node_bytes - 10) // record_bytes
    count_bytes, total_bytes, levels = encoded_bytes(most), 0, [0]
    total = most
    for _ in range(depth):
        levels.append(8 + count_bytes + total_bytes)
        most = max(0, (node_bytes - 10 - levels[-1]) // (record_bytes + levels[-1]))
        total = (most + 1) * total + most
        total_bytes = encoded_bytes(total)
    records: list = []

    def node(at, n, level):
        file.node(at, b"BTIN" if level else b"BTLF", 0, "tree")
        if file.number(at + 5, 1) != kind:
            file.fail(f"the node of a tree at byte {at} is of another kind")
        body = Record(file, file.read(at + 6, node_bytes - 6), "tree")
        file.spend(n)
        records.extend(body.take(record_bytes) for _ in range(n))
        for _ in range(n + 1 if level else 0):
            child, below = body.number(8), body.number(count_bytes)
            body.take(levels[level] - 8 - count_bytes)
            node(child, below, level - 1)

    node(root, count, depth)
    return records


class FractalHeap:
    """The heap of links or attributes of a group of the new kind: `get(id)` gives the bytes of one."""

    def __init__(self, file: FileBytes, address):
        file.node(address, b"FRHP", 0, "heap")
        self._file = file
        head = Record(file, file.read(address, 142), "heap", at=5)
        self._id_bytes, filters, self._flags, most = head.number(2), head.number(2), head.number(1), head.number(4)
        head.take(8)
        large = head.address()
        head.take(8 * 10)
        self._width, self._start, self._largest, bits = head.number(2), head.number(8), head.number(8), head.number(2)
        head.take(2)
        root, rows = head.address(), head.number(2)
        if filters:
            file.fail("it has compressed links or attributes; they are not read")
        sizes = (self._start, self._largest, self._width)
        if any(n <= 0 or n & (n - 1) for n in sizes) or self._start > self._largest or not 0 < bits <= 64:
            file.fail(f"the heap at byte {address} has blocks of impossible sizes")
        self._offset_bytes = (bits + 7) // 8
        self._length_bytes = min(encoded_bytes(self._largest), encoded_bytes(most))
        self._address = address
        self._blocks: list = []  # (offset in the heap, size, address)
        # Objects that no block can hold: number -> (address, bytes).
        records = tree2_records(file, large) if large is not None else []
        self._large = {r[16:24]: (int.from_bytes(r[:8], "little"), int.from_bytes(r[8:16], "little")) for r in records}
        if root is not None:
            if rows:
                self._indirect(root, rows, 0)
            else:
                self._direct(root, self._start, 0)

    def _check(self, at, signature, offset):
        self._file.node(at, signature, 0, "block of a heap")
        found = self._file.number(at + 5, 8), self._file.number(at + 13, self._offset_bytes)
        if found != (self._address, offset):
            self._file.fail(f"the block of a heap at byte {at} belongs elsewhere")

    def _direct(self, at, size, offset):
        self._check(at, b"FHDB", offset)
        self._file.read(at, size)
        self._blocks.append((offset, size, at))

    def _indirect(self, at, rows, offset):
        if rows > 64:
            self._file.fail(f"the block of a heap at byte {at} has {rows} rows")
        self._check(at, b"FHIB", offset)
        children = Record(self._file, self._file.read(at + 13 + self._offset_bytes, 8 * rows * self._width), "heap")
        self._file.spend(rows * self._width)
        for row in range(rows):
            size = self._start << max(0, row - 1)
            for _ in range(self._width):
                child = children.address()
                if child is not None and size <= self._largest:
                    self._direct(child, size, offset)
                elif child is not None:
                    first = (self._start * self._width).bit_length()
                    self._indirect(child, size.bit_length() - first + 1, offset)
                offset += size

    def get(self, key) -> bytes:
        record = Record(self._file, key, "reference to a heap")
        kind = record.number(1) >> 4 & 3
        if kind == 1:
            number = record.take(min(self._id_bytes - 1, 8)).ljust(8, b"\0")
            return self._file.read(*self._large.get(number, (self._file.size, 1)))
        offset, length = record.number(self._offset_bytes), record.number(self._length_bytes)
        for start, size, at in self._blocks:
            if kind == 0 and start <= offset and offset + length <= start + size:
                return self._file.read(at + offset - start, length)
        self._file.fail("a link or an attribute lies outside of its heap")
