"""norm: of vectors and of matrices."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, comparison, reduction, selection, shaping
from kerasgpu.ops.primitives import factorizations
from kerasgpu.ops.primitives.lengths import length, scale_of
from kerasgpu.ops.primitives.shapes import one_axis

__all__ = ["norm"]


def _vector(x, ord, axis, keepdims):
    if ord is None or ord == 2:
        return length(x, axis, keepdims)
    if ord == math.inf:
        return reduction.max(arithmetic.absolute(x), axis=axis, keepdims=keepdims)
    if ord == -math.inf:
        return reduction.min(arithmetic.absolute(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return reduction.sum(casting.cast(comparison.not_equal(x, 0), x.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return reduction.sum(arithmetic.absolute(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid `ord` argument for vector norm. Received: ord={ord}")
    return _power_norm(arithmetic.absolute(x), ord, axis, keepdims)


def _power_norm(size, p, axis, keepdims):
    """sum(size^p)^(1/p); 0, with the gradient 0, where the sum is."""
    if 0 in size.shape:
        return arithmetic.power(reduction.sum(arithmetic.power(size, p), axis=axis, keepdims=keepdims), 1.0 / p)
    scale = scale_of(size, axis)
    size = size / scale
    nothing = comparison.equal(size, 0)  # its power has no slope there for p < 1
    powers = selection.where(nothing, 0 if p > 0 else math.inf, arithmetic.power(selection.where(nothing, 1, size), p))
    total = reduction.sum(powers, axis=axis, keepdims=True)
    zero = comparison.equal(total, 0 if p > 0 else math.inf)
    out = selection.where(zero, 0, arithmetic.power(selection.where(zero, 1, total), 1.0 / p)) * scale
    return out if keepdims else shaping.squeeze(out, axis)


def _matrix(x, ord, axes, keepdims):
    row, column = axes
    if ord is None or ord == "fro":
        return length(x, axes, keepdims)
    if ord in (1, -1, math.inf, -math.inf):
        inner, outer = (row, column) if ord in (1, -1) else (column, row)
        sums = reduction.sum(arithmetic.absolute(x), axis=inner, keepdims=True)
        out = (reduction.max if ord > 0 else reduction.min)(sums, axis=outer, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = factorizations.singular_values(shaping.moveaxis(x, axes, (-2, -1)))
        reduce = {2: reduction.max, -2: reduction.min, "nuc": reduction.sum}[ord]
        out = shaping.expand_dims(reduce(s, axis=-1), tuple(sorted(axes)))
    else:
        raise ValueError(
            f"Invalid `ord` argument for matrix norm. Expected one of {{'fro', 'nuc', inf, -inf, 1, -1, 2, -2}}. Received: "
            f"ord={ord}"
        )
    return out if keepdims else shaping.squeeze(out, tuple(sorted(axes)))


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
    x = casting.cast(x, kind)
    if axis is None:
        if ord is None:
            out = length(x, None)
            return shaping.reshape(out, (1,) * x.ndim) if keepdims else out
        axis = tuple(range(x.ndim))
    axes = tuple(one_axis(a, x.ndim, "norm") for a in ((axis,) if isinstance(axis, (int, np.integer)) else axis))
    if len(axes) == 1:
        return _vector(x, ord, axes[0], keepdims)
    if len(axes) == 2 and axes[0] != axes[1]:
        return _matrix(x, ord, axes, keepdims)
    raise ValueError(f"Invalid axis values. Expected one axis or two different ones. Received: axis={axis}, x.shape={x.shape}")
