"""Proves that what an HDF5 file is made of ends, before the HDF5 library follows it.

The library is C code that trusts addresses and sizes in the file: two changed bytes make it follow a loop for ever, and nothing
can stop a loop in C. So each object is walked here first, when it is about to be opened: its header with all continuations, its
attributes and the heaps of their texts, the tree of its members or chunks. What a walk meets twice, or outside the file, is
refused, and so are kinds of structures that no model needs: messages shared between objects, driver information, images of
the library's cache, and the indices of chunks that HDF5 1.10 added.

    superblock -> header of the root -> links -> headers of its members -> ...
    header: messages (type, size, flags, data), in one or several blocks
"""

from __future__ import annotations

import math
import mmap
import os
import zlib
from dataclasses import dataclass, field

from kerasgpu.saving.hdf5_bytes import FileBytes, Record
from kerasgpu.saving.hdf5_indices import FractalHeap, group_members, tree2_records, tree_leaves
from kerasgpu.saving.hdf5_types import ELSEWHERE, Attribute, Type, read_attribute, read_shape, read_type
from kerasgpu.saving.heaps import GlobalHeaps
from kerasgpu.saving.limits import BadModelFile

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SHAPE, _LINKS, _TYPE, _OLD_FILL, _FILL, _LINK, _ELSEWHERE, _LAYOUT = 1, 2, 3, 4, 5, 6, 7, 8
_FILTERS, _ATTRIBUTE, _SHARED, _MORE, _MEMBERS, _DRIVER, _ATTRIBUTES, _CACHE = 11, 12, 15, 16, 17, 20, 21, 24
_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_BLOCKS = 1000  # of one header
_DEFLATE = 1


@dataclass
class Object:
    """What a header says. Chunks are (address, bytes stored, bits of filters that were left out)."""

    links: dict = field(default_factory=dict)  # name: address, or None for a link to elsewhere
    attributes: dict = field(default_factory=dict)
    type: Type | None = None
    shape: tuple | None = None
    chunks: list = field(default_factory=list)
    chunk_bytes: int = 0
    filters: tuple = ()


class Structure:
    """The structure of one HDF5 file: a path, or a file in memory."""

    def __init__(self, source, name):
        self._close = []
        if isinstance(source, (str, os.PathLike)):
            try:
                handle = open(source, "rb")
            except OSError as error:
                raise BadModelFile(f"{name} is not a readable HDF5 file: {error}") from None
            self._close.append(handle)
            size = os.fstat(handle.fileno()).st_size
            data: object = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            if size:
                self._close.append(data)
        else:
            data = source.getvalue()
        self.file = FileBytes(data, name)
        self.heaps = GlobalHeaps(self.file)
        self._objects: dict = {}
        self._pairs: dict = {}  # address of a group: its tree and heap, as a link to it says
        try:
            self.root = self._superblock()
        except BaseException:
            self.close()
            raise

    def close(self):
        for handle in reversed(self._close):
            handle.close()

    def _superblock(self) -> int:
        file = self.file
        if file.size < 48 or file.read(0, 8) != _SIGNATURE:
            raise BadModelFile(f"{file.name} is not a readable HDF5 file: it does not begin with the signature of one")
        version = file.number(8, 1)
        old = version < 2
        record = Record(file, file.read(0, 96 if old else 48), "start of the file", at=13 if old else 9)
        if version > 3 or record.take(2) != b"\x08\x08":
            file.fail(f"its start has version {version}, or addresses that have not 8 bytes")
        record.at = (24 if version == 0 else 28) if old else 12
        base, extra, end, last = (record.address() for _ in range(4))
        if end is None or end > file.size:
            raise BadModelFile(
                f"{file.name} is not a readable HDF5 file: it was cut off (it has {file.size} bytes, its start says {end})"
            )
        if base != 0:
            file.fail("its data do not begin at its first byte; no model has a block of a user's before them")
        if not old:
            if extra is not None:
                self._messages(extra)
            return self._defined(last, "root")
        if last is not None:
            file.fail("it is one of several files that belong together; only data in the file itself is read")
        record.take(8)
        root, cached = record.number(8), record.number(4)
        record.take(4)
        pair = (record.number(8), record.number(8)) if cached == 1 else None
        self._object(root, pair)
        return root

    def _defined(self, address, what) -> int:
        if address is None:
            self.file.fail(f"it has no {what}")
        return address

    def object(self, address) -> Object:
        """The object at an address, walked when it is asked for the first time."""
        return self._object(address, self._pairs.get(address))

    def _object(self, address, pair) -> Object:
        if address not in self._objects:
            made = Object()
            messages = self._messages(address)
            self._read(made, messages)
            self._objects[address] = made, [m for kind, m in messages if kind == _MEMBERS]
        made, members = self._objects[address]
        # A group that was turned into one of the new kind has no tree any more; what links say about it is then of no use.
        trees = [(int.from_bytes(m[:8], "little"), int.from_bytes(m[8:16], "little")) for m in members]
        if pair is not None and trees not in ([], [pair]):
            self.file.fail(f"the group at byte {address} and a link to it name different trees")
        return made

    # -- headers ------------------------------------------------------------------------------------------------
    def _messages(self, address) -> list:
        """[(type, data)] of a header, with those of its continuations."""
        file = self.file
        if file.read(address, 4) == b"OHDR":
            file.node(address, b"OHDR", 2, "header")
            flags = file.number(address + 5, 1)
            start = address + 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
            width = 1 << (flags & 3)
            size, head, ordered = file.number(start, width), 4, 2 if flags & 4 else 0
            blocks = [(start + width, size)]
        else:
            file.node(address, b"\1", 0, "header")
            blocks, head, ordered = [(address + 16, file.number(address + 8, 4))], 8, 0
        found: list = []
        for at, size in blocks:  # grows inside
            record = Record(file, file.read(at, size), "header")
            while record.left() >= head + ordered:
                kind, length = record.number(2 if head == 8 else 1), record.number(2)
                flags = record.number(1)
                record.take(3 if head == 8 else ordered)
                data = record.take(length)
                file.spend(1)
                if (kind and flags & 2) or kind in (_SHARED, _DRIVER, _CACHE):
                    file.fail(f"the object at byte {address} shares a message (type {kind}) with others; no model does")
                if kind == _MORE:
                    blocks.append(self._continuation(data, old=head == 8))
                    if len(blocks) > _BLOCKS:
                        file.fail(f"the header at byte {address} has more than {_BLOCKS} blocks")
                elif kind:
                    found.append((kind, data))
        return found

    def _continuation(self, data, old) -> tuple[int, int]:
        record = Record(self.file, data, "header")
        at, size = record.number(8), record.number(8)
        if old:
            self.file.visit(at, "part of a header")
            return at, size
        if self.file.read(at, 4) != b"OCHK":
            self.file.fail(f"there is no part of a header at byte {at}, where the file says so")
        self.file.visit(at, "part of a header")
        return at + 4, size - 8

    def _read(self, made, messages):
        layout = None
        for kind, data in messages:
            record = Record(self.file, data, "message")
            if kind == _SHAPE:
                made.shape = read_shape(record)
            elif kind == _TYPE:
                made.type = read_type(record)
            elif kind == _FILTERS:
                made.filters = _filters(record)
            elif kind == _ATTRIBUTE:
                self._add_attribute(made, data)
            elif kind == _ATTRIBUTES:
                self._dense(record, lambda m: self._add_attribute(made, m), ids=lambda r: r[:8])
            elif kind == _LINK:
                self._add_link(made, data)
            elif kind == _LINKS:
                self._dense(record, lambda m: self._add_link(made, m), ids=lambda r: r[-7:], start_bytes=8)
            elif kind == _MEMBERS:
                self._old_members(made, record)
            elif kind == _ELSEWHERE:
                self._from_elsewhere()
            elif kind == _LAYOUT:
                layout = record
        if layout is not None:
            self._layout(made, layout)
        if made.type is not None and made.type.classes & ELSEWHERE and any(_has_fill(k, m) for k, m in messages):
            self.file.fail("a dataset of texts or references has a default value")

    def _from_elsewhere(self):
        raise BadModelFile(
            f"{self.file.name} has a variable that takes its data from another file; only data in the file itself is read"
        )

    # -- members and attributes ---------------------------------------------------------------------------------
    def _old_members(self, made, record):
        for name, address, pair, soft in group_members(self.file, record.number(8), record.number(8)):
            self._put(made, name, None if soft else address)
            if pair is not None and not soft:
                self._pairs.setdefault(address, pair)

    def _put(self, made, name, address):
        if name in made.links:
            self.file.fail(f"a group has two members with the name {name!r}")
        made.links[name] = address

    def _add_link(self, made, data):
        record = Record(self.file, data, "link")
        version, flags = record.number(1), record.number(1)
        if version != 1:
            self.file.fail(f"a link has version {version}")
        kind = record.number(1) if flags & 8 else 0
        record.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
        name = record.take(record.number(1 << (flags & 3)))
        self._put(made, name, record.number(8) if kind == 0 else None)

    def _add_attribute(self, made, data):
        name, attribute = read_attribute(self.file, data)
        if name in made.attributes:
            self.file.fail(f"an object has two attributes with the name {name!r}")
        made.attributes[name] = attribute

    def _dense(self, record, add, ids, start_bytes=2):
        """Links or attributes that lie in a heap, with an index by name and perhaps one by order."""
        if record.number(1) != 0:
            self.file.fail("a list of links or attributes is of an unknown version")
        flags = record.number(1)
        record.take(start_bytes if flags & 1 else 0)
        heap, by_name = record.address(), record.address()
        by_order = record.address() if flags & 2 else None
        if heap is None:
            return
        store = FractalHeap(self.file, heap)
        keys = [ids(r) for r in tree2_records(self.file, self._defined(by_name, "index of names"))]
        if by_order is not None:
            # Records by order: links have the number first, attributes the place; ids() takes the right end of both.
            other = [ids(r) for r in tree2_records(self.file, by_order)]
            if sorted(other) != sorted(keys):
                self.file.fail("the two lists of a group's members or attributes differ")
        for key in keys:
            add(store.get(key))

    # -- datasets -----------------------------------------------------------------------------------------------
    def _layout(self, made, record):
        version, kind = record.number(1), record.number(1)
        if version not in (3, 4):
            self.file.fail(f"a variable is stored in a layout of version {version}, which is not read")
        if kind == _VIRTUAL:
            self._from_elsewhere()
        if kind in (_COMPACT, _CONTIGUOUS):
            return
        if kind != _CHUNKED or version != 3:
            self.file.fail(
                "the chunks of a variable have an index of HDF5 1.10; write it with libver='earliest', or without chunks"
            )
        ndim, tree = record.number(1), record.address()
        made.chunk_bytes = math.prod(record.number(4) for _ in range(ndim))
        for key, address in tree_leaves(self.file, tree, 1, 8 + 8 * ndim) if tree is not None else ():
            made.chunks.append((address, int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")))

    def check_chunks(self, made, where):
        """Each chunk lies in the file, and expands to no more than it declares: a filter would expand it without end."""
        for address, stored, mask in made.chunks:
            data = self.file.read(address, stored)
            if _DEFLATE in made.filters and not mask >> made.filters.index(_DEFLATE) & 1:
                self._expands(data, made, where)

    def _expands(self, data, made, where):
        if made.filters.count(_DEFLATE) > 1:
            raise BadModelFile(f"{where} is compressed twice; that is no model")
        most, left = made.chunk_bytes + 64, data
        unpack = zlib.decompressobj()
        try:
            while left and most >= 0 and not unpack.eof:
                most -= len(unpack.decompress(left, 1 << 20))
                left = unpack.unconsumed_tail
        except zlib.error as error:
            raise BadModelFile(f"{where} is damaged: {error}") from None
        if most < 0:
            raise BadModelFile(f"{where} has a chunk that expands to more than its {made.chunk_bytes} bytes")

    def text_bytes(self, attribute: Attribute) -> int:
        return self.heaps.text_bytes(attribute.references)


def _filters(record) -> tuple:
    """The numbers of the filters of a variable, in order."""
    version, count = record.number(1), record.number(1)
    record.take(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        code = record.number(2)
        length = record.number(2) if version == 1 or code >= 256 else 0
        record.take(2)
        values = record.number(2)
        record.take((length + 7 & ~7 if version == 1 else length) + 4 * values + (4 if version == 1 and values & 1 else 0))
        found.append(code)
    return tuple(found)


def _has_fill(kind, data) -> bool:
    if kind == _OLD_FILL:
        return any(data[:4])
    if kind != _FILL or not data:
        return False
    if data[0] == 3:
        return bool(data[1] & 32) and any(data[2:6])
    return len(data) >= 8 and data[3] != 0 and any(data[4:8])
