"""keras.ops.numpy: rounding, and replacing what is not a number."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.kernels.launch import numpy_dtype
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import selection
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives.operands import as_float, as_tensor


@symbolic
def floor(x):
    """The largest whole number not above x, as a float.

    >>> import kerasgpu as keras
    >>> keras.ops.floor([1.5, -1.5]).numpy()
    array([ 1., -2.], dtype=float32)
    """
    return p.floor(as_float(x))


@symbolic
def ceil(x):
    """The smallest whole number not below x, as a float.

    >>> import kerasgpu as keras
    >>> keras.ops.ceil([1.5, -1.5]).numpy()
    array([ 2., -1.], dtype=float32)
    """
    return p.ceil(as_float(x))


@symbolic
def trunc(x):
    """x without its fraction; integers stay what they are.

    >>> import kerasgpu as keras
    >>> keras.ops.trunc([1.5, -1.5]).numpy()
    array([ 1., -1.], dtype=float32)
    """
    x = as_tensor(x)
    return p.trunc(x) if dtypes.is_float(x.dtype) else x


@symbolic
def round(x, decimals=0):
    """x to so many decimals, halves to the even neighbour; negative decimals round to tens, hundreds, ...

    >>> import kerasgpu as keras
    >>> keras.ops.round([1.25, 2.5], 1).numpy()
    array([1.2, 2.5], dtype=float32)
    """
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        if decimals >= 0:
            return x
        wide = casting.cast(x, "float64")
        return casting.cast(p.round(wide * 10.0**decimals) * 10.0**-decimals, x.dtype)
    if decimals == 0:
        return p.round(x)
    if decimals < 0:
        return p.round(x / 10.0**-decimals) * 10.0**-decimals
    return p.round(x * 10.0**decimals) / 10.0**decimals


@symbolic
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with NaN replaced by `nan` and infinities by `posinf` and `neginf` (default: the largest finite numbers).

    >>> import kerasgpu as keras
    >>> keras.ops.nan_to_num([1.0, float("nan")]).numpy()
    array([1., 0.], dtype=float32)
    """
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        return x
    largest = float(_finfo(x.dtype).max)
    out = selection.where(p.isnan(x), nan, x)
    infinite = p.isinf(x)
    out = selection.where(p.logical_and(infinite, p.greater(x, None, 0)), largest if posinf is None else posinf, out)
    return selection.where(p.logical_and(infinite, p.less(x, None, 0)), -largest if neginf is None else neginf, out)


def _finfo(dtype):
    if dtype == "bfloat16":
        import ml_dtypes

        return ml_dtypes.finfo(ml_dtypes.bfloat16)
    return np.finfo(numpy_dtype(dtype))
