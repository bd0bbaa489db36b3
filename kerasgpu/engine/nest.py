"""Nested structures of lists, tuples, named tuples and dicts (in sorted key order), the part that the engine needs.

The public `keras.tree` is built on this.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict


def _is_namedtuple(x) -> bool:
    return isinstance(x, tuple) and hasattr(x, "_fields")


def _keys(x):
    if isinstance(x, OrderedDict):
        return list(x)
    try:
        return sorted(x)
    except TypeError:
        return list(x)


def is_nested(x) -> bool:
    return isinstance(x, (list, tuple, dict))


def flatten(x) -> list:
    """The leaves of x in order."""
    out: list = []
    _flatten(x, out)
    return out


def _flatten(x, out):
    if isinstance(x, (list, tuple)):
        for v in x:
            _flatten(v, out)
    elif isinstance(x, dict):
        for k in _keys(x):
            _flatten(x[k], out)
    else:
        out.append(x)


def map_structure(function, *structures):
    """The same structure with function(leaf_1, ..., leaf_n) at each leaf; all structures must have the first one's shape."""
    first = structures[0]
    if isinstance(first, (list, tuple)):
        for s in structures[1:]:
            if not isinstance(s, (list, tuple)) or len(s) != len(first):
                raise ValueError(f"structures differ: {first!r} and {s!r}")
        return rebuild(first, [map_structure(function, *parts) for parts in zip(*structures)])
    if isinstance(first, dict):
        for s in structures[1:]:
            if not isinstance(s, dict) or set(s) != set(first):
                raise ValueError(f"structures differ: keys {sorted(map(str, first))} and {s!r}")
        mapped = {k: map_structure(function, *(s[k] for s in structures)) for k in _keys(first)}
        return rebuild(first, mapped)
    return function(*structures)


def rebuild(like, parts):
    """A container of like's type holding parts (a list, or a dict for mappings)."""
    if isinstance(like, dict):
        ordered = ((k, parts[k]) for k in like)
        if isinstance(like, defaultdict):
            return defaultdict(like.default_factory, ordered)
        return OrderedDict(ordered) if isinstance(like, OrderedDict) else dict(ordered)  # tracked ones become plain
    if _is_namedtuple(like):
        return type(like)(*parts)
    if isinstance(like, tuple):
        return tuple(parts)
    return list(parts)


def pack_sequence_as(structure, flat: list):
    """The inverse of flatten: structure with the leaves replaced by those of flat."""
    leaves = iter(flat)
    try:
        packed = _pack(structure, leaves)
    except StopIteration:
        raise ValueError(f"too few leaves for the structure: got {len(flat)}, need {len(flatten(structure))}") from None
    for _ in leaves:
        raise ValueError(f"too many leaves for the structure: got {len(flat)}, need {len(flatten(structure))}")
    return packed


def _pack(structure, leaves):
    if isinstance(structure, (list, tuple)):
        return rebuild(structure, [_pack(v, leaves) for v in structure])
    if isinstance(structure, dict):
        return rebuild(structure, {k: _pack(structure[k], leaves) for k in _keys(structure)})
    return next(leaves)
