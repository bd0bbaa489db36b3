"""keras.ops.numpy: arithmetic on elements. Operands broadcast; dtypes promote as in Keras (`keras.backend.result_type`)."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import comparison, complex_parts, selection
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives import select
from kerasgpu.ops.primitives.operands import apply, as_float, as_tensor, kind_of, promote, weak


@symbolic
def add(x1, x2):
    """x1 + x2.

    >>> import kerasgpu as keras
    >>> keras.ops.add([1, 2], 3).numpy()
    array([4, 5], dtype=int32)
    """
    return promote(p.add, x1, x2)


@symbolic
def subtract(x1, x2):
    """x1 - x2.

    >>> import kerasgpu as keras
    >>> keras.ops.subtract([1.0, 2.0], 3.0).numpy()
    array([-2., -1.], dtype=float32)
    """
    return promote(p.subtract, x1, x2)


@symbolic
def multiply(x1, x2):
    """x1 * x2.

    >>> import kerasgpu as keras
    >>> keras.ops.multiply([1.0, 2.0], [[2.0], [3.0]]).numpy()
    array([[2., 4.],
           [3., 6.]], dtype=float32)
    """
    return promote(p.multiply, x1, x2)


@symbolic
def divide(x1, x2):
    """x1 / x2, a float also for integers.

    >>> import kerasgpu as keras
    >>> keras.ops.divide([1, 2], 2).numpy()
    array([0.5, 1. ], dtype=float32)
    """
    return promote(p.divide, x1, x2, float)


@symbolic
def true_divide(x1, x2):
    """The same as `divide`."""
    return promote(p.divide, x1, x2, float)


@symbolic
def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0.

    >>> import kerasgpu as keras
    >>> keras.ops.divide_no_nan([1.0, 2.0], [0.0, 2.0]).numpy()
    array([0., 1.], dtype=float32)
    """
    zero = comparison.equal(x2, 0)
    return selection.where(zero, 0, divide(x1, selection.where(zero, 1, x2)))


def _number_dtype(x1, x2):
    dtype = dtypes.result_type(kind_of(x1), kind_of(x2))
    return "int32" if dtype == "bool" else dtype


@symbolic
def floor_divide(x1, x2):
    """The largest whole number not above x1 / x2; bools count as int32.

    >>> import kerasgpu as keras
    >>> keras.ops.floor_divide([7, -7], 2).numpy()
    array([ 3, -4], dtype=int32)
    """
    x1, x2 = weak(x1), weak(x2)
    return apply(p.floor_divide, x1, x2, _number_dtype(x1, x2))


@symbolic
def mod(x1, x2):
    """x1 - x2 * floor_divide(x1, x2): the remainder with the sign of x2.

    >>> import kerasgpu as keras
    >>> keras.ops.mod([7, -7], 3).numpy()
    array([1, 2], dtype=int32)
    """
    x1, x2 = weak(x1), weak(x2)
    return apply(p.mod, x1, x2, _number_dtype(x1, x2))


@symbolic
def fmod(x1, x2):
    """The remainder of x1 / x2 with the sign of x1, as C's fmod.

    >>> import kerasgpu as keras
    >>> keras.ops.fmod([7, -7], 3).numpy()
    array([ 1, -1], dtype=int32)
    """
    x1, x2 = weak(x1), weak(x2)
    return apply(p.fmod, x1, x2, _number_dtype(x1, x2))


def divmod(x1, x2):
    """(floor_divide(x1, x2), mod(x1, x2)): what Python's divmod gives on tensors."""
    return floor_divide(x1, x2), mod(x1, x2)


@symbolic
def power(x1, x2):
    """x1 to the power x2.

    >>> import kerasgpu as keras
    >>> keras.ops.power([1.0, 2.0, 3.0], 2).numpy()
    array([1., 4., 9.], dtype=float32)
    """
    if type(x2) in (int, float) and x2 == 2 and hasattr(x1, "dtype"):
        x1 = as_tensor(x1)
        if "float" in x1.dtype:
            return p.square(x1)
    return promote(p.power, x1, x2)


@symbolic
def maximum(x1, x2):
    """The larger of x1 and x2 for each element; NaN if either is.

    >>> import kerasgpu as keras
    >>> keras.ops.maximum([1.0, 5.0], 3.0).numpy()
    array([3., 5.], dtype=float32)
    """
    return promote(p.maximum, x1, x2)


@symbolic
def minimum(x1, x2):
    """The smaller of x1 and x2 for each element; NaN if either is.

    >>> import kerasgpu as keras
    >>> keras.ops.minimum([1.0, 5.0], 3.0).numpy()
    array([1., 3.], dtype=float32)
    """
    return promote(p.minimum, x1, x2)


@symbolic
def fmax(x1, x2):
    """The larger of x1 and x2, ignoring NaN where only one is.

    >>> import kerasgpu as keras
    >>> keras.ops.fmax([1.0, float("nan")], 0.5).numpy()
    array([1. , 0.5], dtype=float32)
    """
    return promote(p.fmax, x1, x2)


@symbolic
def fmin(x1, x2):
    """The smaller of x1 and x2, ignoring NaN where only one is.

    >>> import kerasgpu as keras
    >>> keras.ops.fmin([1.0, float("nan")], 0.5).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return promote(p.fmin, x1, x2)


@symbolic
def negative(x):
    """-x.

    >>> import kerasgpu as keras
    >>> keras.ops.negative([1.0, -2.0]).numpy()
    array([-1.,  2.], dtype=float32)
    """
    return p.negative(as_tensor(x))


@symbolic
def absolute(x):
    """|x|, in the dtype of x.

    >>> import kerasgpu as keras
    >>> keras.ops.absolute([-1, 2]).numpy()
    array([1, 2], dtype=int32)
    """
    x = as_tensor(x)
    if x.dtype == "bool" or x.dtype.startswith("uint"):
        return x
    if x.dtype.startswith("complex"):
        return p.hypot(complex_parts.real(x), complex_parts.imag(x))
    return p.absolute(x)


@symbolic
def abs(x):
    """The same as `absolute`."""
    return absolute(x)


@symbolic
def fabs(x):
    """|x| as a float.

    >>> import kerasgpu as keras
    >>> keras.ops.fabs([-1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    return p.absolute(as_float(x))


@symbolic
def sign(x):
    """-1, 0 or 1 by the sign of x; NaN stays NaN.

    >>> import kerasgpu as keras
    >>> keras.ops.sign([-3.0, 0.0, 2.0]).numpy()
    array([-1.,  0.,  1.], dtype=float32)
    """
    x = as_tensor(x)
    return p.sign(casting.cast(x, "int32") if x.dtype == "bool" else x)


@symbolic
def square(x):
    """x * x; bools become int32.

    >>> import kerasgpu as keras
    >>> keras.ops.square([1.0, 3.0]).numpy()
    array([1., 9.], dtype=float32)
    """
    x = as_tensor(x)
    return p.square(casting.cast(x, "int32") if x.dtype == "bool" else x)


@symbolic
def reciprocal(x):
    """1 / x.

    >>> import kerasgpu as keras
    >>> keras.ops.reciprocal([2.0, 4.0]).numpy()
    array([0.5 , 0.25], dtype=float32)
    """
    return p.reciprocal(as_float(x))


@symbolic
def hypot(x1, x2):
    """sqrt(x1**2 + x2**2) without overflow.

    >>> import kerasgpu as keras
    >>> float(keras.ops.hypot(3.0, 4.0))
    5.0
    """
    return promote(p.hypot, x1, x2, float)


@symbolic
def heaviside(x1, x2):
    """0 where x1 < 0, 1 where x1 > 0, and x2 where x1 is 0.

    >>> import kerasgpu as keras
    >>> keras.ops.heaviside([-1.0, 0.0, 2.0], 0.5).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x1, x2 = weak(x1), weak(x2)
    dtype = dtypes.result_type(kind_of(x1), kind_of(x2), float)
    x1 = as_tensor(x1, dtype)
    step = casting.cast(p.greater(x1, None, 0), dtype)
    step = selection.where(p.isnan(x1), x1, step)
    return selection.where(p.equal(x1, None, 0), casting.cast(x2, dtype), step)


@symbolic
def ldexp(x1, x2):
    """x1 * 2**x2 for an integer x2.

    >>> import kerasgpu as keras
    >>> keras.ops.ldexp([0.5, 3.0], 2).numpy()
    array([ 2., 12.], dtype=float32)
    """
    x2 = as_tensor(x2)
    if not dtypes.is_int(x2.dtype) and type(x2) is not MetaTensor:
        raise TypeError(f"ldexp exponent must be an integer type. Received: x2 dtype={x2.dtype}")
    x1 = as_tensor(x1)
    dtype = dtypes.result_type(x1.dtype, x2.dtype, float)
    return p.ldexp(casting.cast(x1, dtype), casting.cast(x2, dtype))


@symbolic
def nextafter(x1, x2):
    """The next float after x1 in the direction of x2.

    >>> import kerasgpu as keras
    >>> float(keras.ops.nextafter(1.0, 2.0)) > 1.0
    True
    """
    return promote(p.nextafter, x1, x2, float)


@symbolic
def clip(x, x_min, x_max):
    """x limited to [x_min, x_max] (numbers or tensors that broadcast); bools become int32.

    >>> import kerasgpu as keras
    >>> keras.ops.clip([-1.0, 0.5, 3.0], 0.0, 1.0).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x = as_tensor(x)
    if x.dtype == "bool":
        x = casting.cast(x, "int32")
    x_min = None if x_min is None else weak(x_min)
    x_max = None if x_max is None else weak(x_max)
    dtype = dtypes.result_type(x.dtype, *(kind_of(b) for b in (x_min, x_max) if b is not None))
    x = casting.cast(x, dtype)
    if type(x_min) in (int, float) and type(x_max) in (int, float):
        return select.clip(x, x_min, x_max)
    if x_min is not None:
        x = maximum(x, x_min)
    return x if x_max is None else minimum(x, x_max)
