"""norm: of vectors and of matrices."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.primitives import factorizations
from kerasgpu.ops.primitives.lengths import length, scale_of
from kerasgpu.ops.primitives.shapes import one_axis

__all__ = ["norm"]


def _vector(x, ord, axis, keepdims):
    if ord is None or ord == 2:
        return length(x, axis, keepdims)
    if ord == math.inf:
        return ops.max(ops.absolute(x), axis=axis, keepdims=keepdims)
    if ord == -math.inf:
        return ops.min(ops.absolute(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return ops.sum(ops.cast(ops.not_equal(x, 0), x.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return ops.sum(ops.absolute(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
    return _power_norm(ops.absolute(x), ord, axis, keepdims)


def _power_norm(size, p, axis, keepdims):
    """sum(size^p)^(1/p); 0, with the gradient 0, where the sum is."""
    if 0 in size.shape:
        return ops.power(ops.sum(ops.power(size, p), axis=axis, keepdims=keepdims), 1.0 / p)
    scale = scale_of(size, axis)
    size = size / scale
    nothing = ops.equal(size, 0)  # its power has no slope there for p < 1
    powers = ops.where(nothing, 0 if p > 0 else math.inf, ops.power(ops.where(nothing, 1, size), p))
    total = ops.sum(powers, axis=axis, keepdims=True)
    zero = ops.equal(total, 0 if p > 0 else math.inf)
    out = ops.where(zero, 0, ops.power(ops.where(zero, 1, total), 1.0 / p)) * scale
    return out if keepdims else ops.squeeze(out, axis)


def _matrix(x, ord, axes, keepdims):
    row, column = axes
    if ord is None or ord == "fro":
        return length(x, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        inner, outer = (row, column) if ord in (1, -1) else (column, row)
        sums = ops.sum(ops.absolute(x), axis=inner, keepdims=True)
        out = (ops.max if ord > 0 else ops.min)(sums, axis=outer, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = factorizations.singular_values(ops.moveaxis(x, axes, (-2, -1)))
        reduce = {2: ops.max, -2: ops.min, "nuc": ops.sum}[ord]
        out = ops.expand_dims(reduce(s, axis=-1), tuple(sorted(axes)))
    else:
        raise ValueError(
            f"Invalid `ord` argument for matrix norm. Expected one of {{'fro', 'nuc', inf, -inf, 1, -1, 2, -2}}. Received: "
            f"ord={ord}"
        )
    return out if keepdims else ops.squeeze(out, tuple(sorted(axes)))


@symbolic
def norm(x, ord=None, axis=None, keepdims=False):
    """Norms of vectors or matrices.

    Args:
        x: tensor; integers become floats.
        ord: for vectors None or 2, inf, -inf, 0, or any number p for sum(|x|^p)^(1/p); for matrices None or
            "fro", "nuc", inf, -inf,
            1, -1, 2 or -2.
        axis: an int for vectors along it, two for matrices; None for all of x, flattened if ord is None.
        keepdims: whether the reduced dims stay, as 1.

    Squares and powers neither overflow nor vanish, and the gradient of a zero vector is 0.

    >>> import kerasgpu as keras
    >>> float(keras.ops.norm([3.0, 4.0]))
    5.0
    """
    x = convert_to_tensor(x)
    kind = dtypes.floatx() if x.dtype == "int64" else dtypes.result_type(x.dtype, float)
    x = ops.cast(x, kind)
    if axis is None:
        if ord is None:
            out = length(x, None)
            return ops.reshape(out, (1,) * x.ndim) if keepdims else out
        axis = tuple(range(x.ndim))
    axes = tuple(one_axis(a, x.ndim, "norm") for a in ((axis,) if isinstance(axis, (int, np.integer)) else axis))
    if len(axes) == 1:
        return _vector(x, ord, axes[0], keepdims)
    if len(axes) == 2 and axes[0] != axes[1]:
        return _matrix(x, ord, axes, keepdims)
    raise ValueError(f"Invalid axis values. Expected one axis or two different ones. Received: axis={axis}, x.shape={x.shape}")
