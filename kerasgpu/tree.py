"""keras.tree: functions on nested lists, tuples, named tuples, dicts and deques. Dicts go in the order of their keys."""

from __future__ import annotations

import warnings
from collections import deque

from kerasgpu.engine import nest

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put None in the place of a part."""


def is_nested(structure):
    """Whether this is a list, tuple, dict or deque.

    >>> import kerasgpu as keras
    >>> keras.tree.is_nested(42), keras.tree.is_nested({"a": 42})
    (False, True)
    """
    return isinstance(structure, (list, tuple, dict, deque))


def _children(x):
    """(keys, parts) one level down."""
    if isinstance(x, dict):
        keys = nest._keys(x)
        return keys, [x[k] for k in keys]
    return range(len(x)), list(x)


def _rebuild(like, keys, parts):
    if isinstance(like, dict):
        return nest.rebuild(like, dict(zip(keys, parts)))
    if isinstance(like, deque):
        return deque(parts, like.maxlen)
    return nest.rebuild(like, parts)


def _check_callable(func):
    if not callable(func):
        raise TypeError(f"`func` must be callable, got {func} of type {type(func)}")


def traverse(func, structure, top_down=True):
    """Call func on the structure and every part of it, depth first.

    Args:
        func: called with a part. None keeps the part; with top_down its own parts are visited then. Anything else replaces it
            (MAP_TO_NONE: by None), and with top_down its parts are not visited.
        structure: any structure.
        top_down: whether a part is visited before what is in it.

    >>> import kerasgpu as keras
    >>> keras.tree.traverse(lambda x: x + 1 if isinstance(x, int) else None, [1, (2, 3)])
    [2, (3, 4)]
    """
    _check_callable(func)
    return _traverse(func, structure, top_down)


def _traverse(func, x, top_down):
    if top_down:
        found = func(x)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(x):
        keys, parts = _children(x)
        x = _rebuild(x, keys, [_traverse(func, part, top_down) for part in parts])
    if top_down:
        return x
    found = func(x)
    return x if found is None else None if found is MAP_TO_NONE else found


def flatten(structure):
    """The leaves as a list.

    >>> import kerasgpu as keras
    >>> keras.tree.flatten({"b": [1, 2], "a": 3})
    [3, 1, 2]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure):
    """[(path, leaf), ...], a path being the tuple of indices and keys that lead to the leaf.

    >>> import kerasgpu as keras
    >>> keras.tree.flatten_with_path([{"foo": 42}])
    [((0, 'foo'), 42)]
    """
    out: list = []
    _flatten((), structure, out)
    return out


def _flatten(path, x, out):
    if not is_nested(x):
        out.append((path, x))
        return
    for key, part in zip(*_children(x)):
        _flatten((*path, key), part, out)


def _differ(a, b):
    raise ValueError(f"The structures don't have the same nested structure: {a!r} and {b!r}.")


def _check_same_level(first, others):
    """All have the container type of the first (dicts of any kind are one, lists too), its length and its keys."""
    for other in others:
        kind = next((k for k in (dict, list) if isinstance(first, k)), None)  # a tracked list of a layer is a list
        same_kind = type(other) is type(first) if kind is None else isinstance(other, kind)
        if not same_kind or len(other) != len(first) or (isinstance(first, dict) and set(first) != set(other)):
            _differ(first, other)


def map_structure(func, *structures, none_is_leaf=True):
    """The structure with func(leaf, ...) at each leaf; several structures are walked together.

    Args:
        func: takes as many arguments as there are structures.
        *structures: structures of the same layout.
        none_is_leaf: whether func is called on None; otherwise None stays.

    >>> import kerasgpu as keras
    >>> keras.tree.map_structure(lambda x, y: x * y, [1, (2,)], [3, (4,)])
    [3, (8,)]
    """
    _check_callable(func)
    if not structures:
        raise ValueError("Must provide at least one structure")
    return _map(func, structures, none_is_leaf)


def _map(func, structures, none_is_leaf):
    first = structures[0]
    if not is_nested(first):
        for other in structures[1:]:
            if is_nested(other):
                _differ(first, other)
        if not none_is_leaf and any(x is None for x in structures):
            if not all(x is None for x in structures):
                raise ValueError(f"Structure mismatch: some arguments are None, others are not. Received: {structures}.")
            return None
        return func(*structures)
    _check_same_level(first, structures[1:])
    keys, parts = _children(first)
    rest = [[s[k] for k in keys] for s in structures[1:]]
    return _rebuild(first, keys, [_map(func, group, none_is_leaf) for group in zip(parts, *rest)])


def map_structure_up_to(shallow_structure, func, *structures):
    """The shallow structure with func(part, ...) at each leaf, the parts of `structures` being whatever is there.

    >>> import kerasgpu as keras
    >>> keras.tree.map_structure_up_to([None, None], len, [[1, 1], [2]])
    [2, 1]
    """
    _check_callable(func)
    if not structures:
        raise ValueError("Must provide at least one structure")
    return _map_up_to(func, shallow_structure, structures)


def _map_up_to(func, shallow, structures):
    if not is_nested(shallow):
        return func(*structures)
    _check_same_level(shallow, structures)
    keys, parts = _children(shallow)
    groups = zip(*[[s[k] for k in keys] for s in structures]) if keys else ()
    return _rebuild(shallow, keys, [_map_up_to(func, part, group) for part, group in zip(parts, groups)])


def assert_same_structure(a, b, check_types=None):
    """Raise ValueError unless a and b are nested in the same way, with containers of the same types.

    dict, OrderedDict and defaultdict count as one type. `check_types` is deprecated and does nothing.
    """
    if check_types is not None:
        looser = " For a looser check, use `keras.tree.assert_same_paths()`, which considers `list`, `tuple`, "
        extra = "" if check_types else looser + "`namedtuple` and `deque` as matching"
        warnings.warn(
            f"The `check_types` argument is deprecated and no longer has any effect.{extra}", DeprecationWarning, stacklevel=2
        )
    _map(lambda *_: None, (a, b), True)


def assert_same_paths(a, b):
    """Raise ValueError unless the leaves of a and b have the same paths; the types of containers do not matter."""
    in_a, in_b = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if in_a != in_b:
        message = "`a` and `b` don't have the same paths."
        if in_a - in_b:
            message += f"\nPaths in `a` missing in `b`:\n{in_a - in_b}"
        if in_b - in_a:
            message += f"\nPaths in `b` missing in `a`:\n{in_b - in_a}"
        raise ValueError(message)


def pack_sequence_as(structure, flat_sequence):
    """The structure with the values of flat_sequence as its leaves: the inverse of `flatten`.

    >>> import kerasgpu as keras
    >>> keras.tree.pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
    {'b': 3, 'a': (1, 2)}
    """
    values = list(flat_sequence)
    needed = len(flatten(structure))
    if len(values) != needed:
        many = "many" if len(values) > needed else "few"
        raise ValueError(
            f"Too {many} leaves provided by `flat_sequence` for `structure`; expected: {needed}, got {len(values)}."
        )
    leaves = iter(values)
    return _map(lambda _: next(leaves), (structure,), True)


def lists_to_tuples(structure):
    """The structure with every list changed into a tuple."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func, structure):
    """`map_structure` in which a list or tuple of ints and Nones is a leaf: a shape."""
    _check_callable(func)

    def visit(x):
        is_shape = isinstance(x, (list, tuple)) and all(e is None or isinstance(e, int) for e in x)
        if is_nested(x) and not is_shape:
            return None
        found = func(x)
        return MAP_TO_NONE if found is None else found

    return traverse(visit, structure)
