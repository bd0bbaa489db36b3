"""keras.ops.numpy: complex numbers (which have no gradients here) and the bits of a tensor."""

from __future__ import annotations

import math

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.kernels.launch import numpy_dtype
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import comparison, creation, logical, selection
from kerasgpu.ops.numpy.complex_parts import is_complex
from kerasgpu.ops.primitives import host as p
from kerasgpu.ops.primitives.operands import as_float, as_tensor


@symbolic
def angle(x):
    """The angle of complex numbers in (-pi, pi]; 0 or pi by the sign of a real x.

    >>> import kerasgpu as keras
    >>> keras.ops.angle([1.0, -1.0]).numpy()
    array([0.       , 3.1415927], dtype=float32)
    """
    x = as_float(x)
    if is_complex(x):
        return p.angle(x)
    return selection.where(comparison.less(x, 0), math.pi, selection.where(logical.isnan(x), x, creation.zeros_like(x)))


@symbolic
def isreal(x):
    """Whether the imaginary part of each element is 0.

    >>> import kerasgpu as keras
    >>> bool(keras.ops.isreal(2.0))
    True
    """
    x = as_tensor(x)
    return comparison.equal(p.imag(x), 0) if is_complex(x) else creation.ones(x.shape, dtype="bool")


@symbolic
def gcd(x1, x2):
    """Greatest common divisor of integers.

    >>> import kerasgpu as keras
    >>> int(keras.ops.gcd(12, 18))
    6
    """
    return _integers(p.gcd, x1, x2, "gcd")


@symbolic
def lcm(x1, x2):
    """Least common multiple of integers.

    >>> import kerasgpu as keras
    >>> int(keras.ops.lcm(4, 6))
    12
    """
    return _integers(p.lcm, x1, x2, "lcm")


def _integers(op, x1, x2, name):
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = dtypes.result_type(x1.dtype, x2.dtype)
    if not dtypes.is_int(dtype) and MetaTensor not in (type(x1), type(x2)):
        raise TypeError(f"Arguments to {name} must be integers. Received: x1.dtype={x1.dtype}, x2.dtype={x2.dtype}")
    return op(casting.cast(x1, dtype), casting.cast(x2, dtype))


@symbolic
def view(x, dtype=None):
    """The same bytes read as another dtype; if its items are smaller or larger, the last dimension grows or shrinks.

    >>> import kerasgpu as keras
    >>> keras.ops.view(keras.ops.ones((2,)), "int32").numpy()
    array([1065353216, 1065353216], dtype=int32)
    """
    x = as_tensor(x)
    dtype = x.dtype if dtype is None else dtypes.standardize_dtype(dtype)
    old, new = numpy_dtype(x.dtype).itemsize, numpy_dtype(dtype).itemsize
    if old != new and not x.shape:
        raise ValueError("Cannot view a scalar as a different dtype if item sizes are different.")
    if old != new and x.shape[-1] * old % new:
        raise ValueError(
            f"Cannot view array of shape {x.shape} and dtype {x.dtype} as dtype {dtype} because the total number of bytes "
            "is not divisible by the new itemsize."
        )
    return x if dtype == x.dtype else p.view(x, dtype)
