"""keras.ops.numpy: products of vectors, matrices and tensors, sums of differences."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import comparison, joining, reduction, shaping
from kerasgpu.ops.primitives import matmul
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import count, one_axis


def _common(x1, x2):
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = dtypes.result_type(x1.dtype, x2.dtype)
    return casting.cast(x1, dtype), casting.cast(x2, dtype)


@symbolic
def tensordot(x1, x2, axes=2):
    """Sum of products over pairs of axes: the last `axes` of x1 with the first of x2, or (axes of x1, axes of x2).

    >>> import kerasgpu as keras
    >>> float(keras.ops.tensordot([1.0, 2.0], [3.0, 4.0], axes=1))
    11.0
    """
    x1, x2 = _common(x1, x2)
    if isinstance(axes, (int, np.integer)):
        if axes < 0 or axes > min(x1.ndim, x2.ndim):
            raise ValueError(f"tensordot: axes={axes} for shapes {x1.shape} and {x2.shape}")
        a, b = list(range(x1.ndim - axes, x1.ndim)), list(range(axes))
    else:
        a, b = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
        a = [one_axis(k, x1.ndim, "tensordot") for k in a]
        b = [one_axis(k, x2.ndim, "tensordot") for k in b]
    if len(a) != len(b) or any(x1.shape[i] != x2.shape[j] for i, j in zip(a, b)):
        raise ValueError(f"tensordot: sizes along axes {a} of shape {x1.shape} and {b} of shape {x2.shape} differ")
    kept1 = [k for k in range(x1.ndim) if k not in a]
    kept2 = [k for k in range(x2.ndim) if k not in b]
    inner = count(x1.shape[k] for k in a)
    shape1, shape2 = [x1.shape[k] for k in kept1], [x2.shape[k] for k in kept2]
    left = shaping.reshape(shaping.transpose(x1, kept1 + a), (count(shape1), inner))
    right = shaping.reshape(shaping.transpose(x2, b + kept2), (inner, count(shape2)))
    return shaping.reshape(_matmul(left, right), shape1 + shape2)


def _matmul(a, b):
    """matmul in the dtype of a, also for int8 (which matmul alone would widen)."""
    return casting.cast(matmul.matmul(a, b), a.dtype)


@symbolic
def dot(x1, x2):
    """Sum of products over the last axis of x1 and the second to last (or only) axis of x2; a scalar multiplies.

    >>> import kerasgpu as keras
    >>> float(keras.ops.dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    x1, x2 = _common(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return x1 * x2
    return tensordot(x1, x2, axes=[[-1], [-1 if x2.ndim == 1 else -2]])


@symbolic
def inner(x1, x2):
    """Sum of products over the last axes; a scalar multiplies.

    >>> import kerasgpu as keras
    >>> float(keras.ops.inner([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    x1, x2 = _common(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return x1 * x2
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"inner: the last dimension of x1 and x2 must be equal; received shapes {x1.shape} and {x2.shape}")
    return tensordot(x1, x2, axes=[[-1], [-1]])


@symbolic
def vdot(x1, x2):
    """Sum of products of all elements of two tensors of equal size.

    >>> import kerasgpu as keras
    >>> float(keras.ops.vdot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    x1, x2 = _common(x1, x2)
    return tensordot(shaping.ravel(x1), shaping.ravel(x2), axes=1)


@symbolic
def outer(x1, x2):
    """All products of an element of x1 and one of x2, as a matrix.

    >>> import kerasgpu as keras
    >>> keras.ops.outer([1, 2], [3, 4]).numpy()
    array([[3, 4],
           [6, 8]], dtype=int32)
    """
    x1, x2 = _common(x1, x2)
    return shaping.reshape(x1, (x1.size, 1)) * shaping.reshape(x2, (1, x2.size))


@symbolic
def kron(x1, x2):
    """Kronecker product: each element of x1 times the whole of x2, in its place.

    >>> import kerasgpu as keras
    >>> keras.ops.kron([[1, 2]], [[1, 1]]).numpy()
    array([[1, 1, 2, 2]], dtype=int32)
    """
    x1, x2 = _common(x1, x2)
    ndim = max(x1.ndim, x2.ndim)
    s1 = (1,) * (ndim - x1.ndim) + x1.shape
    s2 = (1,) * (ndim - x2.ndim) + x2.shape
    wide1 = [d for n in s1 for d in (n, 1)]
    wide2 = [d for n in s2 for d in (1, n)]
    return shaping.reshape(shaping.reshape(x1, wide1) * shaping.reshape(x2, wide2), [a * b for a, b in zip(s1, s2)])


@symbolic
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Vector product of 3-vectors along an axis; a 2-vector has third component 0, of two of them the result is that component.

    >>> import kerasgpu as keras
    >>> keras.ops.cross([1, 0, 0], [0, 1, 0]).numpy()
    array([0, 0, 1], dtype=int32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = _common(x1, x2)
    x1, x2 = shaping.moveaxis(x1, axisa, -1), shaping.moveaxis(x2, axisb, -1)
    for name, x, at in (("x1", x1, axisa), ("x2", x2, axisb)):
        if x.shape[-1] not in (2, 3):
            raise ValueError(f"`{name}`'s dim on axis {at} must be either 2 or 3, but received: {x.shape[-1]}")
    a = [x1[..., k] for k in range(x1.shape[-1])]
    b = [x2[..., k] for k in range(x2.shape[-1])]
    z = a[0] * b[1] - a[1] * b[0]
    if len(a) == 2 and len(b) == 2:
        return z
    if len(a) == 3 and len(b) == 3:
        parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], z]
    elif len(a) == 3:
        parts = [-(a[2] * b[1]), a[2] * b[0], z]
    else:
        parts = [a[1] * b[2], -(a[0] * b[2]), z]
    return joining.stack(parts, axis=axisc)


@symbolic
def diff(a, n=1, axis=-1):
    """Differences of neighbours along an axis, n times; of bools: whether they differ.

    >>> import kerasgpu as keras
    >>> keras.ops.diff([1, 4, 9]).numpy()
    array([3, 5], dtype=int32)
    """
    x = as_tensor(a)
    if n < 0:
        raise ValueError(f"diff: order must be non-negative. Received: n={n}")
    if x.ndim == 0:
        raise ValueError("diff: requires an input that is at least one dimensional")
    axis = one_axis(axis, x.ndim, "diff")
    lead = (slice(None),) * axis
    for _ in range(min(n, x.shape[axis])):  # nothing is left after that
        high, low = x[lead + (slice(1, None),)], x[lead + (slice(None, -1),)]
        x = comparison.not_equal(high, low) if x.dtype == "bool" else high - low
    return x


@symbolic
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """Integral of y along an axis by the trapezoidal rule, at points x or with spacing dx.

    >>> import kerasgpu as keras
    >>> float(keras.ops.trapezoid([1.0, 2.0, 3.0]))
    4.0
    """
    y = as_tensor(y)
    dtype = dtypes.result_type(y.dtype, float)
    y = shaping.moveaxis(casting.cast(y, dtype), axis, -1)
    if x is None:
        width = dx
    else:
        x = casting.cast(x, dtype)
        width = diff(x if x.ndim == 1 else shaping.moveaxis(x, axis, -1))
    return reduction.sum((y[..., 1:] + y[..., :-1]) * width, axis=-1) * 0.5
