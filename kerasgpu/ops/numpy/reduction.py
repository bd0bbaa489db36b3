"""keras.ops.numpy: sums, products, extremes and their places, over one axis, several, or all (axis=None)."""

from __future__ import annotations

import builtins

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, creation, shaping
from kerasgpu.ops.primitives import reduce as p
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import all_axes, count, one_axis, reduced_shape


def sum_dtype(dtype):
    """The dtype in which numbers of `dtype` are added: small integers become 32 bits wide."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


@symbolic
def sum(x, axis=None, keepdims=False):
    """Sum over axes. Bools and small integers are summed as int32 or uint32.

    >>> import kerasgpu as keras
    >>> keras.ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    x = as_tensor(x)
    dtype = sum_dtype(x.dtype)
    return p.sum(x, all_axes(axis, x.ndim, "sum"), bool(keepdims), None if x.dtype == dtype else dtype)


@symbolic
def mean(x, axis=None, keepdims=False):
    """Mean over axes; of integers, in the default float dtype. Half-precision inputs are summed in float32.

    >>> import kerasgpu as keras
    >>> keras.ops.mean([[1, 2], [3, 4]], axis=1).numpy()
    array([1.5, 3.5], dtype=float32)
    """
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        x = casting.cast(x, dtypes.result_type(x.dtype, "float32"))
    return p.mean(x, all_axes(axis, x.ndim, "mean"), bool(keepdims))


@symbolic
def prod(x, axis=None, keepdims=False, dtype=None):
    """Product over axes, in `dtype` if given; bools and small integers as int32 or uint32.

    >>> import kerasgpu as keras
    >>> float(keras.ops.prod([2.0, 3.0, 4.0]))
    24.0
    """
    x = as_tensor(x)
    dtype = sum_dtype(x.dtype) if dtype is None else dtypes.standardize_dtype(dtype)
    return p.prod(casting.cast(x, dtype), all_axes(axis, x.ndim, "prod"), bool(keepdims))


def _extreme(op, both, name, x, axis, keepdims, initial):
    x = as_tensor(x)
    axes = all_axes(axis, x.ndim, name)
    if count(x.shape[k] for k in axes) == 0:
        if initial is None:
            raise ValueError(f"{name}: no elements to reduce in a tensor of shape {x.shape} over axis {axis}; pass `initial`")
        return creation.full(reduced_shape(x.shape, axes, keepdims), initial, dtype=x.dtype)
    out = op(x, axes, bool(keepdims)) if axes else x
    return out if initial is None else both(out, casting.cast(initial, x.dtype))


@symbolic
def max(x, axis=None, keepdims=False, initial=None):
    """Largest element over axes, at least `initial` if that is given; NaN if one is there.

    >>> import kerasgpu as keras
    >>> keras.ops.max([[1.0, 5.0], [3.0, 4.0]], axis=1).numpy()
    array([5., 4.], dtype=float32)
    """
    return _extreme(p.max, arithmetic.maximum, "max", x, axis, keepdims, initial)


@symbolic
def min(x, axis=None, keepdims=False, initial=None):
    """Smallest element over axes, at most `initial` if that is given; NaN if one is there.

    >>> import kerasgpu as keras
    >>> keras.ops.min([[1.0, 5.0], [3.0, 4.0]], axis=1).numpy()
    array([1., 3.], dtype=float32)
    """
    return _extreme(p.min, arithmetic.minimum, "min", x, axis, keepdims, initial)


@symbolic
def amax(x, axis=None, keepdims=False):
    """The same as `max`."""
    return max(x, axis, keepdims)


@symbolic
def amin(x, axis=None, keepdims=False):
    """The same as `min`."""
    return min(x, axis, keepdims)


@symbolic
def ptp(x, axis=None, keepdims=False):
    """Largest minus smallest element over axes.

    >>> import kerasgpu as keras
    >>> float(keras.ops.ptp([1.0, 5.0, 3.0]))
    4.0
    """
    return arithmetic.subtract(max(x, axis, keepdims), min(x, axis, keepdims))


@symbolic
def any(x, axis=None, keepdims=False):
    """Whether any element is true (not zero), over axes.

    >>> import kerasgpu as keras
    >>> bool(keras.ops.any([False, True]))
    True
    """
    x = casting.cast(x, "bool")
    return p.any(x, all_axes(axis, x.ndim, "any"), bool(keepdims))


@symbolic
def all(x, axis=None, keepdims=False):
    """Whether all elements are true (not zero), over axes.

    >>> import kerasgpu as keras
    >>> bool(keras.ops.all([False, True]))
    False
    """
    x = casting.cast(x, "bool")
    return p.all(x, all_axes(axis, x.ndim, "all"), bool(keepdims))


@symbolic
def count_nonzero(x, axis=None):
    """How many elements are not zero, over axes, as int32.

    >>> import kerasgpu as keras
    >>> int(keras.ops.count_nonzero([0, 3, 0, 1]))
    2
    """
    return sum(casting.cast(x, "bool"), axis)


def _place(op, name, x, axis, keepdims):
    x = as_tensor(x)
    if x.ndim == 0:
        return creation.zeros((), dtype="int32")
    flat_shape = (1,) * x.ndim
    if axis is None:
        x = shaping.reshape(x, (-1,)) if x.size else x.reshape((0,))
        axis = 0
    else:
        axis, flat_shape = one_axis(axis, x.ndim, name), None
    if x.shape[axis] == 0:
        raise ValueError(f"{name}: no elements along axis {axis} of a tensor of shape {x.shape}")
    if x.dtype == "bool":
        x = casting.cast(x, "uint8")
    out = op(x, axis, bool(keepdims) and flat_shape is None)
    return shaping.reshape(out, flat_shape) if keepdims and flat_shape else out


@symbolic
def argmax(x, axis=None, keepdims=False):
    """Index (int32) of the first largest element along an axis, of the flattened tensor for axis=None.

    >>> import kerasgpu as keras
    >>> int(keras.ops.argmax([1.0, 5.0, 3.0]))
    1
    """
    return _place(p.argmax, "argmax", x, axis, keepdims)


@symbolic
def argmin(x, axis=None, keepdims=False):
    """Index (int32) of the first smallest element along an axis, of the flattened tensor for axis=None.

    >>> import kerasgpu as keras
    >>> int(keras.ops.argmin([1.0, 5.0, 3.0]))
    0
    """
    return _place(p.argmin, "argmin", x, axis, keepdims)


def _running(op, name, x, axis, dtype):
    x = as_tensor(x)
    dtype = dtypes.standardize_dtype(dtype) if dtype is not None else ("int32" if x.dtype == "bool" else x.dtype)
    x = casting.cast(x, dtype)
    if isinstance(axis, (tuple, list)):
        if not axis:
            return x
        (axis,) = axis
    if axis is None:
        x, axis = shaping.ravel(x), 0
    return op(x, one_axis(axis, builtins.max(x.ndim, 1), name))


@symbolic
def cumsum(x, axis=None, dtype=None):
    """Running sum along an axis (of the flattened tensor for axis=None).

    >>> import kerasgpu as keras
    >>> keras.ops.cumsum([1, 2, 3]).numpy()
    array([1, 3, 6], dtype=int32)
    """
    return _running(p.cumsum, "cumsum", x, axis, dtype)


@symbolic
def cumprod(x, axis=None, dtype=None):
    """Running product along an axis (of the flattened tensor for axis=None).

    >>> import kerasgpu as keras
    >>> keras.ops.cumprod([1, 2, 3]).numpy()
    array([1, 2, 6], dtype=int32)
    """
    return _running(p.cumprod, "cumprod", x, axis, dtype)
