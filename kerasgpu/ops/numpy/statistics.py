"""keras.ops.numpy: spread, order statistics, counts and correlation."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import (
    arithmetic,
    comparison,
    creation,
    exponential,
    indexing,
    logical,
    reduction,
    rounding,
    selection,
    shaping,
    spacing,
    tiling,
    triangular,
)
from kerasgpu.ops.numpy import sorting as sorting_ops
from kerasgpu.ops.numpy.sets import output_of
from kerasgpu.ops.primitives import matmul, sorting
from kerasgpu.ops.primitives.indexing import scatter_add
from kerasgpu.ops.primitives.lengths import root
from kerasgpu.ops.primitives.operands import as_float, as_tensor
from kerasgpu.ops.primitives.shapes import all_axes, count, one_axis, reduced_shape


@symbolic
def var(x, axis=None, keepdims=False):
    """Mean squared distance from the mean, over axes. Half-precision inputs are computed in float32.

    >>> import kerasgpu as keras
    >>> float(keras.ops.var([1.0, 3.0]))
    1.0
    """
    x = as_float(x)
    wide = casting.cast(x, dtypes.result_type(x.dtype, "float32"))
    centered = arithmetic.subtract(wide, reduction.mean(wide, axis, True))
    return casting.cast(reduction.mean(arithmetic.square(centered), axis, keepdims), x.dtype)


@symbolic
def std(x, axis=None, keepdims=False):
    """Square root of the variance, over axes. The gradient is 0 where all elements are equal.

    >>> import kerasgpu as keras
    >>> float(keras.ops.std([1.0, 3.0]))
    1.0
    """
    return root(var(x, axis, keepdims))


@symbolic
def average(x, axis=None, weights=None):
    """Weighted mean along an axis; `weights` has the shape of x, or is a vector along `axis`.

    >>> import kerasgpu as keras
    >>> float(keras.ops.average([1.0, 3.0], weights=[3.0, 1.0]))
    1.5
    """
    x = as_tensor(x)
    if weights is None:
        return reduction.mean(x, axis)
    weights = as_tensor(weights)
    dtype = dtypes.result_type(x.dtype, weights.dtype, float)
    x, weights = casting.cast(x, dtype), casting.cast(weights, dtype)
    if weights.shape != x.shape:
        if axis is None:
            raise ValueError(
                "`weights` must have the same shape as `x` when `axis=None`, but received "
                f"`weights.shape={weights.shape}` and `x.shape={x.shape}`."
            )
        k = one_axis(axis, x.ndim, "average")
        if weights.shape != (x.shape[k],):
            raise ValueError(
                f"`weights` must have the same size as `x` at `axis={axis}` but received `weights.shape={weights.shape}` "
                f"while x.shape at `{axis}` is `{x.shape[k]}`."
            )
        weights = shaping.broadcast_to(shaping.reshape(weights, [x.shape[k] if d == k else 1 for d in range(x.ndim)]), x.shape)
    return arithmetic.divide(reduction.sum(x * weights, axis), reduction.sum(weights, axis))


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile_of(x, q, axis, method, keepdims, name, skip_nan=False, percent=False):
    """Quantiles of x over axes; the dims of q come first. With skip_nan, NaN are left out; else they make the result NaN."""
    if method not in _METHODS:
        raise ValueError(f"{name}: method must be one of {_METHODS}. Received: method={method!r}")
    x = as_float(x)
    wide = dtypes.result_type(x.dtype, "float32")
    q = casting.cast(q, wide)
    if percent:
        q = q / 100
    axes = all_axes(axis, x.ndim, name)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    n = count(x.shape[k] for k in axes)
    lead = tuple(x.shape[k] for k in kept)
    lines = sorting_ops.sort(shaping.reshape(shaping.transpose(x, (*kept, *axes)), (*lead, n)), axis=-1)
    nan = logical.isnan(lines)
    q = shaping.reshape(q, (-1, *[1] * len(lead))) if q.ndim else q
    if skip_nan:
        last = casting.cast(n - 1 - reduction.sum(nan, axis=-1), wide)  # index of the last number; -1 where there is none
        at = q * arithmetic.maximum(last, 0)
    else:
        at = q * (n - 1) + creation.zeros(lead, dtype=wide)
    low, high = rounding.floor(at), rounding.ceil(at)
    if method == "nearest":
        low = high = rounding.round(at)
    between = comparison.not_equal(low, high)
    share = at - low if method == "linear" else 0.5
    low, high = _pick(lines, low, q.ndim), _pick(lines, high, q.ndim)
    if method in ("linear", "midpoint"):
        # On an element there is nothing to blend in: 0 times an infinite neighbour would be NaN.
        out = selection.where(between, low * (1 - share) + high * share, low)
    else:
        out = high if method == "higher" else low
    bad = reduction.all(nan, axis=-1) if skip_nan else reduction.any(nan, axis=-1)
    out = casting.cast(selection.where(bad, float("nan"), out), x.dtype)
    return shaping.reshape(out, (*_q_shape(q), *reduced_shape(x.shape, axes, keepdims))) if keepdims else out


def _q_shape(q):
    return q.shape[:1] if q.ndim else ()


def _pick(lines, places, q_ndim):
    """Elements of each line (last axis) at `places`, whose first dim, if q has any, is that of q."""
    places = casting.cast(places, "int32")
    places = shaping.moveaxis(places, 0, -1) if q_ndim else shaping.expand_dims(places, -1)
    found = indexing.take_along_axis(lines, places, axis=-1)
    return shaping.moveaxis(found, -1, 0) if q_ndim else shaping.squeeze(found, -1)


@symbolic
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The values below which a fraction q (a number or vector in [0, 1]) of the elements over axes lies.

    `method` says what to do between two elements: "linear", "lower", "higher", "midpoint" or "nearest".

    >>> import kerasgpu as keras
    >>> float(keras.ops.quantile([1.0, 2.0, 3.0, 4.0], 0.5))
    2.5
    """
    return quantile_of(x, q, axis, method, keepdims, "quantile")


@symbolic
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` with q in percent.

    >>> import kerasgpu as keras
    >>> float(keras.ops.percentile([1.0, 2.0, 3.0, 4.0], 50))
    2.5
    """
    return quantile_of(x, q, axis, method, keepdims, "percentile", percent=True)


@symbolic
def median(x, axis=None, keepdims=False):
    """The middle element over axes, or the mean of the middle two.

    >>> import kerasgpu as keras
    >>> float(keras.ops.median([1.0, 5.0, 3.0]))
    3.0
    """
    return quantile_of(x, 0.5, axis, "linear", keepdims, "median")


@symbolic
def corrcoef(x):
    """Pearson correlation coefficients of the rows of x: (variables, observations) to (variables, variables).

    >>> import kerasgpu as keras
    >>> keras.ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).numpy().round(3)
    array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    x = as_tensor(x)
    x = casting.cast(x, "float64") if x.dtype == "int64" else as_float(x)
    if x.ndim == 0:
        return creation.full((), float("nan"), dtype=x.dtype)
    rows = x if x.ndim > 1 else shaping.reshape(x, (1, -1))
    centered = rows - reduction.mean(rows, axis=-1, keepdims=True)
    cov = matmul.matmul(centered, shaping.swapaxes(centered, -1, -2))
    scale = exponential.sqrt(triangular.diagonal(cov, axis1=-2, axis2=-1))
    out = arithmetic.clip(cov / shaping.expand_dims(scale, -1) / shaping.expand_dims(scale, -2), -1.0, 1.0)
    return out if x.ndim > 1 else shaping.reshape(out, ())


@symbolic
def correlate(x1, x2, mode="valid"):
    """sum_n x1[n + k] * x2[n] of two vectors, for the k of "valid", "same" or "full" overlap.

    >>> import kerasgpu as keras
    >>> keras.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"correlate: x1 and x2 must be vectors; received shapes {x1.shape} and {x2.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"correlate: `mode` must be either `valid`, `same`, or `full`, but received: {mode}")
    dtype = dtypes.result_type(x1.dtype, x2.dtype)
    dtype = "float64" if dtype == "int64" else dtype if dtype in ("bfloat16", "float16", "float64") else "float32"
    x1, x2 = casting.cast(x1, dtype), casting.cast(x2, dtype)
    n, m = x1.shape[0], x2.shape[0]
    if n < m:  # the other way round: reversed
        return shaping.flip(correlate(x2, x1, mode))
    before = {"valid": 0, "same": m // 2, "full": m - 1}[mode]
    length = {"valid": n - m + 1, "same": n, "full": n + m - 1}[mode]
    after = length + m - 1 - n - before
    windows = np.arange(length, dtype="int32")[:, None] + np.arange(m, dtype="int32")
    return matmul.matmul(indexing.take(tiling.pad(x1, ((before, after),)), windows, axis=0), x2)


@symbolic
def searchsorted(sorted_sequence, values, side="left"):
    """Where `values` belong in a sorted vector: how many of its elements are less ("left") or not greater ("right").

    >>> import kerasgpu as keras
    >>> keras.ops.searchsorted([1, 3, 5], [0, 3, 6]).numpy()
    array([0, 1, 3], dtype=int32)
    """
    line, values = as_tensor(sorted_sequence), as_tensor(values)
    if line.ndim != 1:
        raise ValueError(
            "`searchsorted` only supports 1-D sorted sequences. You can use `keras.ops.vectorized_map` to extend it to N-D "
            f"sequences. Received: sorted_sequence.shape={line.shape}"
        )
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right'. Received: side={side!r}")
    dtype = dtypes.result_type(line.dtype, values.dtype)
    line, values = casting.cast(line, dtype), casting.cast(values, dtype)
    return sorting.searchsorted(line, values, side)


@symbolic
def digitize(x, bins):
    """The number of the bin of each element: bins[i - 1] <= x < bins[i] gives i (for decreasing bins the other way).

    >>> import kerasgpu as keras
    >>> keras.ops.digitize([0.2, 6.4, 3.0], [0.0, 1.0, 2.5, 4.0]).numpy()
    array([1, 4, 3], dtype=int32)
    """
    x, bins = as_tensor(x), as_tensor(bins)
    if bins.ndim != 1:
        raise ValueError(f"`bins` must be a 1D array. Received: bins={bins} with shape bins.shape={bins.shape}")
    if bins.shape[0] == 0:
        return creation.zeros(x.shape, dtype="int32")
    up = searchsorted(bins, x, side="right")
    down = bins.shape[0] - searchsorted(shaping.flip(bins), x, side="left")
    return selection.where(comparison.less_equal(bins[0], bins[-1]), up, down)


@symbolic
def histogram(x, bins=10, range=None):
    """(counts, edges) of a vector in equal bins over `range` (default: from its smallest to its largest element).

    >>> import kerasgpu as keras
    >>> counts, edges = keras.ops.histogram([1.0, 2.0, 2.0, 4.0], bins=3)
    >>> counts.numpy()
    array([1., 2., 1.], dtype=float32)
    """
    if not isinstance(bins, (int, np.integer)):
        raise TypeError(f"Argument `bins` must be of type `int`. Received: bins={bins}")
    if bins < 0:
        raise ValueError(f"Argument `bins` should be a non-negative integer. Received: bins={bins}")
    if range:
        if len(range) < 2 or not isinstance(range, tuple):
            raise ValueError(f"Argument `range` must be a tuple of two elements. Received: range={range}")
        if range[1] < range[0]:
            raise ValueError(f"The second element of `range` must be greater than the first. Received: range={range}")
    x = as_tensor(x)
    if x.ndim > 1:
        raise ValueError(f"Input tensor must be 1-dimensional. Received: input.shape={x.shape}")
    x = shaping.reshape(x, (x.size,))
    wide = dtypes.result_type(x.dtype, "float32")
    values = casting.cast(x, wide)
    if range:
        low, high = creation.full((), float(range[0]), dtype=wide), creation.full((), float(range[1]), dtype=wide)
    elif x.size:
        low, high = reduction.min(values), reduction.max(values)
    else:
        low, high = creation.zeros((), dtype=wide), creation.ones((), dtype=wide)
    flat = comparison.equal(low, high)  # all in one point: NumPy makes the range one wide around it
    low, high = selection.where(flat, low - 0.5, low), selection.where(flat, high + 0.5, high)
    edges = spacing.linspace(low, high, bins + 1)
    inside = logical.logical_and(comparison.greater_equal(values, low), comparison.less_equal(values, high))
    place = searchsorted(edges[1:-1], values, side="right")
    counts = scatter_add(place, casting.cast(inside, x.dtype if x.dtype != "bool" else "int32"), (bins,))
    return casting.cast(counts, x.dtype), casting.cast(edges, x.dtype)


def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each integer 0, 1, ... occurs in x (or the sum of `weights` there), per row if x has two dimensions.

    The result is as long as the largest element needs, at least `minlength`.

    >>> import kerasgpu as keras
    >>> keras.ops.bincount([1, 2, 2, 3]).numpy()
    array([0, 1, 2, 1], dtype=int32)
    """
    if sparse:
        raise ValueError("bincount: sparse=True is not supported; tensors are dense")
    spec = output_of(x, lambda t: [((*t.shape[:-1], None), "int32" if weights is None else as_tensor(weights).dtype)], bincount)
    if spec is not None:
        return spec(x, weights=weights, minlength=minlength)
    x = as_tensor(x)
    if x.ndim not in (1, 2) or dtypes.is_float(x.dtype):
        raise ValueError(f"bincount: x must be integers in one or two dimensions; received shape {x.shape}, dtype {x.dtype}")
    length = max(int(minlength), int(reduction.max(casting.cast(x, "int64"))) + 1 if x.size else 0)
    dtype = "int32" if weights is None else dtypes.result_type(x.dtype, as_tensor(weights).dtype)
    counted = creation.ones(x.shape, dtype=dtype) if weights is None else as_tensor(weights, dtype)
    places = casting.cast(x, "int64")
    rows = x.shape[0] if x.ndim == 2 else 1
    # Row r counts into r * length ...; a negative element is skipped.
    start = shaping.reshape(convert_to_tensor(np.arange(rows) * length), (rows, 1) if x.ndim == 2 else (1,))
    places = selection.where(comparison.less(places, 0), rows * length, places + start)
    counts = scatter_add(shaping.ravel(places), shaping.ravel(counted), (rows * length,))
    return shaping.reshape(counts, (*x.shape[:-1], length))
