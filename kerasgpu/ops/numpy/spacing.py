"""keras.ops.numpy: evenly spaced numbers."""

from __future__ import annotations

import operator

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels import launch
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, creation, exponential, rounding, shaping
from kerasgpu.ops.primitives.operands import as_tensor


@symbolic
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`num` evenly spaced numbers from start to stop (with it if `endpoint`); with `retstep` also the spacing.

    start and stop may be tensors that broadcast; the numbers then lie along a new axis.

    >>> import kerasgpu as keras
    >>> keras.ops.linspace(0.0, 1.0, 3).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"linspace: num must not be negative. Received: num={num}")
    out_dtype = _float_result(start, stop) if dtype is None else dtypes.standardize_dtype(dtype)
    compute = dtypes.result_type(_float_result(start, stop), "float32")
    start, stop = as_tensor(start, compute), as_tensor(stop, compute)
    start, stop = start + creation.zeros_like(stop), stop + creation.zeros_like(start)
    parts = num - 1 if endpoint else num
    step = (stop - start) / parts if parts > 0 else creation.full_like(start, float("nan"))
    at = np.arange(num, dtype="float64")
    ratio = convert_to_tensor((at / parts if parts > 0 else at * 0).astype(launch.numpy_dtype(compute)))
    ratio = shaping.reshape(ratio, (num, *[1] * start.ndim))
    out = start * (1 - ratio) + stop * ratio
    if out_dtype.startswith(("int", "uint")):
        out = rounding.floor(out)
    if axis not in (0, -out.ndim):
        out = shaping.moveaxis(out, 0, axis)
    out = casting.cast(out, out_dtype)
    return (out, step) if retstep else out


def _float_result(*xs):
    kinds = [
        getattr(x, "dtype", None) or (type(x) if isinstance(x, (int, float, np.number)) else as_tensor(x).dtype) for x in xs
    ]
    return dtypes.result_type(*kinds, float)


@symbolic
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """base**linspace(start, stop): numbers evenly spaced on a logarithmic scale.

    >>> import kerasgpu as keras
    >>> keras.ops.logspace(0.0, 2.0, 3).numpy()
    array([  1.,  10., 100.], dtype=float32)
    """
    dtype = _float_result(start, stop) if dtype is None else dtypes.standardize_dtype(dtype)
    powers = linspace(start, stop, num, endpoint=endpoint, axis=axis)
    return casting.cast(arithmetic.power(base, powers), dtype)


@symbolic
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Numbers from start to stop, each the same multiple of the one before.

    >>> import kerasgpu as keras
    >>> keras.ops.geomspace(1.0, 4.0, 3).numpy()
    array([1., 2., 4.], dtype=float32)
    """
    dtype = _float_result(start, stop) if dtype is None else dtypes.standardize_dtype(dtype)
    compute = dtypes.result_type(_float_result(start, stop), "float32")
    start, stop = as_tensor(start, compute), as_tensor(stop, compute)
    sign = arithmetic.sign(start)
    powers = linspace(
        exponential.log2(arithmetic.absolute(start)),
        exponential.log2(arithmetic.absolute(stop)),
        num,
        endpoint=endpoint,
        axis=axis,
    )
    if sign.ndim and axis not in (0, -powers.ndim):
        sign = shaping.expand_dims(sign, axis)
    return casting.cast(exponential.exp2(powers) * sign, dtype)
