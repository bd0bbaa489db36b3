"""keras.ops.numpy: reductions that leave out NaN."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, logical, reduction, selection
from kerasgpu.ops.numpy.statistics import quantile_of
from kerasgpu.ops.primitives.lengths import root
from kerasgpu.ops.primitives.operands import as_float, as_tensor


def _replaced(x, value):
    """(x with NaN replaced by a number, where they were or None for integers)."""
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        return x, None
    nan = logical.isnan(x)
    return selection.where(nan, value, x), nan


@symbolic
def nansum(x, axis=None, keepdims=False):
    """Sum over axes, NaN counting as 0.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nansum([1.0, float("nan"), 2.0]))
    3.0
    """
    return reduction.sum(_replaced(x, 0)[0], axis, keepdims)


@symbolic
def nanprod(x, axis=None, keepdims=False):
    """Product over axes, NaN counting as 1.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanprod([3.0, float("nan"), 2.0]))
    6.0
    """
    return reduction.prod(_replaced(x, 1)[0], axis, keepdims)


@symbolic
def nancumsum(x, axis=None, dtype=None):
    """Running sum along an axis, NaN counting as 0.

    >>> import kerasgpu as keras
    >>> keras.ops.nancumsum([1.0, float("nan"), 2.0]).numpy()
    array([1., 1., 3.], dtype=float32)
    """
    return reduction.cumsum(_replaced(x, 0)[0], axis, dtype)


@symbolic
def nancumprod(x, axis=None, dtype=None):
    """Running product along an axis, NaN counting as 1.

    >>> import kerasgpu as keras
    >>> keras.ops.nancumprod([3.0, float("nan"), 2.0]).numpy()
    array([3., 3., 6.], dtype=float32)
    """
    return reduction.cumprod(_replaced(x, 1)[0], axis, dtype)


def _extreme(reduce, worst, x, axis, keepdims):
    x, nan = _replaced(x, worst)
    out = reduce(x, axis, keepdims)
    return out if nan is None else selection.where(reduction.all(nan, axis, keepdims), float("nan"), out)


@symbolic
def nanmax(x, axis=None, keepdims=False):
    """Largest number over axes; NaN where there is none.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanmax([1.0, float("nan"), 2.0]))
    2.0
    """
    return _extreme(reduction.max, float("-inf"), x, axis, keepdims)


@symbolic
def nanmin(x, axis=None, keepdims=False):
    """Smallest number over axes; NaN where there is none.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanmin([1.0, float("nan"), 2.0]))
    1.0
    """
    return _extreme(reduction.min, float("inf"), x, axis, keepdims)


def _place(find, worst, x, axis, keepdims):
    x, nan = _replaced(x, worst)
    out = find(x, axis, keepdims)
    return out if nan is None else selection.where(reduction.all(nan, axis, keepdims), -1, out)


@symbolic
def nanargmax(x, axis=None, keepdims=False):
    """Index of the largest number along an axis; -1 where there is none.

    >>> import kerasgpu as keras
    >>> int(keras.ops.nanargmax([1.0, float("nan"), 2.0]))
    2
    """
    return _place(reduction.argmax, float("-inf"), x, axis, keepdims)


@symbolic
def nanargmin(x, axis=None, keepdims=False):
    """Index of the smallest number along an axis; -1 where there is none.

    >>> import kerasgpu as keras
    >>> int(keras.ops.nanargmin([float("nan"), 1.0, 2.0]))
    1
    """
    return _place(reduction.argmin, float("inf"), x, axis, keepdims)


@symbolic
def nanmean(x, axis=None, keepdims=False):
    """Mean over axes of what is not NaN; NaN where nothing is left.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanmean([1.0, float("nan"), 3.0]))
    2.0
    """
    x = as_float(x)
    wide = casting.cast(x, dtypes.result_type(x.dtype, "float32"))
    there = casting.cast(logical.logical_not(logical.isnan(x)), wide.dtype)
    return casting.cast(nansum(wide, axis, keepdims) / reduction.sum(there, axis, keepdims), x.dtype)


@symbolic
def nanvar(x, axis=None, keepdims=False):
    """Variance over axes of what is not NaN.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanvar([1.0, float("nan"), 3.0]))
    1.0
    """
    x = as_float(x)
    wide = casting.cast(x, dtypes.result_type(x.dtype, "float32"))
    nan = logical.isnan(wide)
    # NaN is replaced before the square: 0 times its slope would be NaN in the gradient
    centered = selection.where(nan, 0, wide - nanmean(wide, axis, True))
    left = reduction.sum(casting.cast(logical.logical_not(nan), wide.dtype), axis, keepdims)
    return casting.cast(reduction.sum(arithmetic.square(centered), axis, keepdims) / left, x.dtype)


@symbolic
def nanstd(x, axis=None, keepdims=False):
    """Standard deviation over axes of what is not NaN.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanstd([1.0, float("nan"), 3.0]))
    1.0
    """
    return root(nanvar(x, axis, keepdims))


@symbolic
def nanmedian(x, axis=None, keepdims=False):
    """Median over axes of what is not NaN.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanmedian([1.0, float("nan"), 3.0]))
    2.0
    """
    return quantile_of(x, 0.5, axis, "linear", keepdims, "nanmedian", skip_nan=True)


@symbolic
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` of what is not NaN.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanquantile([1.0, float("nan"), 3.0], 0.5))
    2.0
    """
    return quantile_of(x, q, axis, method, keepdims, "nanquantile", skip_nan=True)


@symbolic
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """`percentile` of what is not NaN.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nanpercentile([1.0, float("nan"), 3.0], 50))
    2.0
    """
    return quantile_of(x, q, axis, method, keepdims, "nanpercentile", skip_nan=True, percent=True)
