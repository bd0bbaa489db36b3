"""Shape arithmetic shared by operations: broadcasting, axes, and the sum that undoes a broadcast."""

from __future__ import annotations

import functools
import operator

from kerasgpu.config.installed import ops


@functools.lru_cache(4096)
def broadcast_shapes(name, *shapes):
    """The common shape of `shapes`; ValueError that names the operation if there is none."""
    ndim = max(map(len, shapes))
    out = [1] * ndim
    for shape in shapes:
        for k, d in enumerate(shape, ndim - len(shape)):
            if d != 1:
                if out[k] not in (1, d):
                    raise ValueError(f"{name}: shapes {' and '.join(map(str, shapes))} do not broadcast")
                out[k] = d
    return tuple(out)


def unbroadcast(g, shape):
    """Sum g over the dims along which an operand of this shape was repeated: the gradient of that operand."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = (*range(extra), *(k + extra for k, d in enumerate(shape) if d == 1 and g.shape[k + extra] != 1))
    if axes:
        g = ops.sum(g, axis=axes, keepdims=True)
    return ops.reshape(g, shape) if g.shape != shape else g


def one_axis(axis, ndim, name):
    """`axis` as a number in [0, ndim)."""
    try:
        k = operator.index(axis)
    except TypeError:
        raise ValueError(f"{name}: axis must be an integer. Received: axis={axis!r}") from None
    if not -ndim <= k < ndim:
        raise ValueError(f"{name}: axis {k} is out of bounds for a tensor of {ndim} dimensions")
    return k + ndim if k < 0 else k


def all_axes(axis, ndim, name):
    """`axis` (None for all, a number, or a sequence) as a sorted tuple of numbers in [0, ndim)."""
    if axis is None:
        return tuple(range(ndim))
    if isinstance(axis, (tuple, list)):
        out = tuple(sorted(one_axis(a, ndim, name) for a in axis))
        if len(set(out)) != len(out):
            raise ValueError(f"{name}: axis {axis} names a dimension twice")
        return out
    return (one_axis(axis, ndim, name),)


def reduced_shape(shape, axes, keepdims):
    """`shape` without the dims in `axes` (a tuple from all_axes), or with 1 in their places."""
    if keepdims:
        return tuple(1 if k in axes else d for k, d in enumerate(shape))
    return tuple(d for k, d in enumerate(shape) if k not in axes)


def count(shape):
    n = 1
    for d in shape:
        n *= d
    return n
