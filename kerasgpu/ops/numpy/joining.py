"""keras.ops.numpy: joining tensors and cutting them apart."""

from __future__ import annotations

import itertools
import operator

from kerasgpu.engine.state import PER_OUTPUT, spend_while_loading
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import shaping
from kerasgpu.ops.primitives import movement as p
from kerasgpu.ops.primitives.operands import as_tensor, promote_all
from kerasgpu.ops.primitives.shapes import one_axis


@symbolic
def concatenate(xs, axis=0):
    """Tensors one after another along an axis; their other dimensions are equal. Dtypes promote.

    >>> import kerasgpu as keras
    >>> keras.ops.concatenate([[1, 2], [3]]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    xs = promote_all(xs)
    if not xs:
        raise ValueError("concatenate: needs at least one tensor")
    first = xs[0].shape
    axis = one_axis(axis, len(first), "concatenate")
    for x in xs[1:]:
        if len(x.shape) != len(first) or x.shape[:axis] != first[:axis] or x.shape[axis + 1 :] != first[axis + 1 :]:
            raise ValueError(
                f"concatenate: shapes {', '.join(str(x.shape) for x in xs)} must be equal but for axis {axis}, "
                "along which they are joined"
            )
    return xs[0] if len(xs) == 1 else p.concatenate(xs, axis)


@symbolic
def stack(x, axis=0):
    """Tensors of one shape along a new axis of the result. Dtypes promote.

    >>> import kerasgpu as keras
    >>> keras.ops.stack([[1, 2], [3, 4]], axis=1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    xs = promote_all(x)
    if not xs:
        raise ValueError("stack: needs at least one tensor")
    shape = xs[0].shape
    for t in xs[1:]:
        if t.shape != shape:
            raise ValueError(f"stack: all tensors must have one shape; received {', '.join(str(t.shape) for t in xs)}")
    axis = one_axis(axis, len(shape) + 1, "stack")
    wide = (*shape[:axis], 1, *shape[axis:])
    return p.concatenate([p.reshape(t, wide) for t in xs], axis)


@symbolic
def append(x1, x2, axis=None):
    """x2 after x1 along an axis; both flattened for axis=None.

    >>> import kerasgpu as keras
    >>> keras.ops.append([1, 2], [[3], [4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    if axis is None:
        return concatenate([shaping.ravel(x1), shaping.ravel(x2)], 0)
    return concatenate([x1, x2], axis)


def _at_least(x, ndim):
    x = as_tensor(x)
    while x.ndim < ndim:
        x = shaping.reshape(x, (1, *x.shape) if x.ndim < 2 else (*x.shape, 1))
    return x


@symbolic
def vstack(xs):
    """Tensors as rows under each other.

    >>> import kerasgpu as keras
    >>> keras.ops.vstack([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    return concatenate([_at_least(x, 2) for x in xs], 0)


@symbolic
def hstack(xs):
    """Tensors side by side: along the second dimension, vectors along their only one.

    >>> import kerasgpu as keras
    >>> keras.ops.hstack([[1, 2], [3]]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    xs = [_at_least(x, 1) for x in xs]
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1)


@symbolic
def dstack(xs):
    """Tensors behind each other: along the third dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.dstack([[1, 2], [3, 4]]).shape
    (1, 2, 2)
    """
    return concatenate([_at_least(x, 3) for x in xs], 2)


def _cut(x, cuts, axis):
    """Pieces of x between consecutive places in `cuts`."""
    n = x.shape[axis]
    pieces = []
    starts = [0] * x.ndim
    for begin, end in itertools.pairwise(cuts):
        begin, end, _ = slice(begin, end).indices(n)
        starts[axis] = begin if end > begin else 0
        size = (*x.shape[:axis], max(end - begin, 0), *x.shape[axis + 1 :])
        pieces.append(p.strided_slice(x, tuple(starts), (1,) * x.ndim, size))
    return pieces


def _places(sections, n):
    return [0, *(operator.index(k) for k in sections), n]


def _is_number(x):
    return not isinstance(x, (tuple, list)) and getattr(x, "ndim", 0) == 0


@symbolic
def split(x, indices_or_sections, axis=0):
    """A list of pieces of x along an axis: so many equal ones, or cut at the given places.

    >>> import kerasgpu as keras
    >>> [t.shape for t in keras.ops.split(keras.ops.zeros((6,)), [1, 3])]
    [(1,), (2,), (3,)]
    """
    x = as_tensor(x)
    axis = one_axis(axis, x.ndim, "split")
    n = x.shape[axis]
    if not _is_number(indices_or_sections):
        return _cut(x, _places(indices_or_sections, n), axis)
    parts = operator.index(indices_or_sections)
    if parts <= 0 or n % parts:
        raise ValueError(f"split: dimension {axis} of shape {x.shape} does not divide into {parts} equal parts")
    spend_while_loading(parts * PER_OUTPUT)
    return _cut(x, [k * (n // parts) for k in range(parts + 1)], axis)


@symbolic
def array_split(x, indices_or_sections, axis=0):
    """As `split`, but the pieces may differ in size by one.

    >>> import kerasgpu as keras
    >>> [t.shape for t in keras.ops.array_split(keras.ops.zeros((5,)), 2)]
    [(3,), (2,)]
    """
    x = as_tensor(x)
    axis = one_axis(axis, x.ndim, "array_split")
    n = x.shape[axis]
    if not _is_number(indices_or_sections):
        return _cut(x, _places(indices_or_sections, n), axis)
    parts = operator.index(indices_or_sections)
    if parts <= 0:
        raise ValueError(f"array_split: the number of sections must be positive. Received: {parts}")
    spend_while_loading(parts * PER_OUTPUT)
    small, extra = divmod(n, parts)
    return _cut(x, [k * small + min(k, extra) for k in range(parts + 1)], axis)


@symbolic
def vsplit(x, indices_or_sections):
    """`split` along the first dimension."""
    return _split_of(x, indices_or_sections, 0, 2, "vsplit")


@symbolic
def hsplit(x, indices_or_sections):
    """`split` along the second dimension, of a vector along its only one."""
    x = as_tensor(x)
    return _split_of(x, indices_or_sections, 0 if x.ndim == 1 else 1, 1, "hsplit")


@symbolic
def dsplit(x, indices_or_sections):
    """`split` along the third dimension."""
    return _split_of(x, indices_or_sections, 2, 3, "dsplit")


def _split_of(x, sections, axis, least, name):
    x = as_tensor(x)
    if x.ndim < least:
        raise ValueError(f"{name} only works on arrays of {least} or more dimensions; received shape {x.shape}")
    return split(x, sections, axis)
