"""What the types of HDF5 are made of, and what an attribute holds. Reads the file's own description, not the data.

A type is a class and a version (4 bits each), 3 bytes of flags, a size (4 bytes), and properties, which may be other types.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kerasgpu.saving.hdf5_bytes import Record

_PLAIN_BYTES = {0: 4, 1: 12, 2: 2, 3: 0, 4: 4, 7: 0}  # class: bytes of its properties
_OPAQUE, _COMPOUND, _REFERENCE, _ENUM, _VARIABLE, _ARRAY, _COMPLEX = 5, 6, 7, 8, 9, 10, 11
_DEPTH = 8
ELSEWHERE = frozenset((_REFERENCE, _VARIABLE))  # classes whose values lie outside of the record that has them


@dataclass
class Type:
    kind: int
    classes: frozenset  # of it and of everything inside it
    size: int
    text: bool  # a text of variable length


@dataclass
class Attribute:
    type: Type
    shape: tuple | None  # None: no value at all
    references: list  # (length, address of a global heap, number of the object in it) of texts of variable length


def read_type(record, depth=0) -> Type:
    if depth > _DEPTH:
        record.file.fail(f"a dtype is nested more than {_DEPTH} levels deep")
    first, flags, size = record.number(1), record.number(3), record.number(4)
    kind, version = first & 15, first >> 4
    inner: list = []
    if kind in _PLAIN_BYTES:
        record.take(_PLAIN_BYTES[kind])
    elif kind == _OPAQUE:
        record.take((flags & 255) + 7 & ~7 if version < 3 else flags & 255)
    elif kind == _COMPOUND:
        inner = [_member(record, version, size, depth) for _ in range(flags & 0xFFFF)]
    elif kind == _ENUM:
        inner = [read_type(record, depth + 1)]
        for _ in range(flags & 0xFFFF):
            _name(record, padded=version < 3)
        record.take((flags & 0xFFFF) * inner[0].size)
    elif kind in (_VARIABLE, _COMPLEX):
        inner = [read_type(record, depth + 1)]
    elif kind == _ARRAY:
        ndim = record.number(1)
        record.take(4 * ndim if version >= 3 else 3 + 8 * ndim)
        inner = [read_type(record, depth + 1)]
    else:
        record.file.fail(f"a dtype has the class {kind}, which does not exist")
    classes = frozenset({kind}).union(*(t.classes for t in inner))
    return Type(kind, classes, size, kind == _VARIABLE and flags & 15 == 1 and not (classes - {_VARIABLE}) & ELSEWHERE)


def _member(record, version, size, depth) -> Type:
    _name(record, padded=version < 3)
    record.take(encoded_offset(size) if version >= 3 else 4)
    if version == 1:
        record.take(28)  # a shape of its own, which arrays have replaced
    return read_type(record, depth + 1)


def encoded_offset(size) -> int:
    return max(1, (max(size, 1).bit_length() + 7) // 8)


def _name(record, padded) -> bytes:
    end = record.data.find(b"\0", record.at)
    if end < 0:
        record.file.fail(f"a name in a {record.what} has no end")
    length = end + 1 - record.at
    return record.take(length + 7 & ~7 if padded else length)[: length - 1]


def read_shape(record) -> tuple | None:
    version, ndim = record.number(1), record.number(1)
    record.take(1)
    if version == 1:
        record.take(5)
    elif version == 2:
        if record.number(1) == 2:
            return None
    else:
        record.file.fail(f"a shape is written in version {version}, which does not exist")
    if ndim > 32:
        record.file.fail(f"a shape has {ndim} dimensions")
    return tuple(record.number(8) for _ in range(ndim))


def read_attribute(file, data) -> tuple[bytes, Attribute]:
    """(name, what it holds) of an attribute message."""
    record = Record(file, data, "attribute")
    version, flags = record.number(1), record.number(1)
    if version not in (1, 2, 3) or (version > 1 and flags):
        file.fail("an attribute shares its dtype or shape with another object, or is of an unknown version")
    sizes = [record.number(2) for _ in range(3)]
    if version == 3:
        record.take(1)
    padded = [n + 7 & ~7 if version == 1 else n for n in sizes]
    name, of_type, of_shape = (record.take(n) for n in padded)
    made = read_type(Record(file, of_type, "dtype"))
    shape = read_shape(Record(file, of_shape, "shape"))
    found = Attribute(made, shape, [])
    if made.text and shape is not None:
        count = math.prod(shape)
        if made.size != 16 or 16 * count > record.left():
            file.fail("an attribute has more texts than it stores")
        file.spend(count)
        found.references = [(record.number(4), record.number(8), record.number(4)) for _ in range(count)]
    return name[: sizes[0]].split(b"\0")[0], found
