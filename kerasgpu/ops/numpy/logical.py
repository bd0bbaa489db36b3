"""keras.ops.numpy: logic, bits, and tests of elements (NaN, infinite, close, contained)."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, comparison, reduction
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives.operands import apply, as_tensor, kind_of, weak


def _logical(op, x1, x2):
    return apply(op, _as_bool(x1), _as_bool(x2), "bool")


def _as_bool(x):
    x = weak(x)
    if not hasattr(x, "dtype"):
        return bool(x)
    return x if x.dtype == "bool" else casting.cast(x, "bool")


@symbolic
def logical_and(x1, x2):
    """Whether both are true (not zero).

    >>> import kerasgpu as keras
    >>> keras.ops.logical_and([True, False], True).numpy()
    array([ True, False])
    """
    return _logical(p.logical_and, x1, x2)


@symbolic
def logical_or(x1, x2):
    """Whether at least one is true (not zero).

    >>> import kerasgpu as keras
    >>> keras.ops.logical_or([True, False], False).numpy()
    array([ True, False])
    """
    return _logical(p.logical_or, x1, x2)


@symbolic
def logical_xor(x1, x2):
    """Whether exactly one is true (not zero).

    >>> import kerasgpu as keras
    >>> keras.ops.logical_xor([True, False], True).numpy()
    array([False,  True])
    """
    return _logical(p.logical_xor, x1, x2)


@symbolic
def logical_not(x):
    """Whether x is false (zero).

    >>> import kerasgpu as keras
    >>> keras.ops.logical_not([True, False]).numpy()
    array([False,  True])
    """
    return p.logical_not(casting.cast(x, "bool"))


@symbolic
def isnan(x):
    """Whether each element is NaN.

    >>> import kerasgpu as keras
    >>> keras.ops.isnan([1.0, float("nan")]).numpy()
    array([False,  True])
    """
    return p.isnan(as_tensor(x))


@symbolic
def isinf(x):
    """Whether each element is positive or negative infinity.

    >>> import kerasgpu as keras
    >>> keras.ops.isinf([1.0, float("inf")]).numpy()
    array([False,  True])
    """
    return p.isinf(as_tensor(x))


@symbolic
def isfinite(x):
    """Whether each element is neither NaN nor infinite.

    >>> import kerasgpu as keras
    >>> keras.ops.isfinite([1.0, float("inf")]).numpy()
    array([ True, False])
    """
    return p.isfinite(as_tensor(x))


@symbolic
def isposinf(x):
    """Whether each element is positive infinity.

    >>> import kerasgpu as keras
    >>> keras.ops.isposinf([float("inf"), float("-inf")]).numpy()
    array([ True, False])
    """
    return logical_and(isinf(x), comparison.greater(x, 0))


@symbolic
def isneginf(x):
    """Whether each element is negative infinity.

    >>> import kerasgpu as keras
    >>> keras.ops.isneginf([float("inf"), float("-inf")]).numpy()
    array([False,  True])
    """
    return logical_and(isinf(x), comparison.less(x, 0))


@symbolic
def signbit(x):
    """Whether the sign bit is set: true for negative numbers and -0.0.

    >>> import kerasgpu as keras
    >>> keras.ops.signbit([-0.0, 1.0]).numpy()
    array([ True, False])
    """
    return p.signbit(as_tensor(x))


@symbolic
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| <= atol + rtol * |x2| for each element; equal infinities are close.

    >>> import kerasgpu as keras
    >>> keras.ops.isclose([1.0, 2.0], [1.0 + 1e-7, 2.1]).numpy()
    array([ True, False])
    """
    x1, x2 = weak(x1), weak(x2)
    dtype = dtypes.result_type(kind_of(x1), kind_of(x2), float)
    x1, x2 = as_tensor(x1, dtype), as_tensor(x2, dtype)
    close = comparison.less_equal(arithmetic.absolute(x1 - x2), arithmetic.absolute(x2) * rtol + atol)
    close = logical_or(logical_and(close, isfinite(x2)), comparison.equal(x1, x2))
    if equal_nan:
        close = logical_or(close, logical_and(isnan(x1), isnan(x2)))
    return close


@symbolic
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all elements are close, as a bool tensor of no dimensions; see `isclose`.

    >>> import kerasgpu as keras
    >>> bool(keras.ops.allclose([1.0, 2.0], [1.0, 2.0 + 1e-7]))
    True
    """
    return reduction.all(isclose(x1, x2, rtol, atol, equal_nan))


# -- bits -----------------------------------------------------------------------------------------------------------
def _bitwise(op, x, y, name):
    x, y = weak(x), weak(y)
    dtype = dtypes.result_type(kind_of(x), kind_of(y))
    if dtype == "bool" and name.endswith("shift"):
        dtype = "int32"
    if dtypes.is_float(dtype) and MetaTensor not in (type(x), type(y)):
        raise TypeError(f"{name}: operands must be integers or bools. Received dtypes {kind_of(x)} and {kind_of(y)}")
    return apply(op, x, y, dtype)


@symbolic
def bitwise_and(x, y):
    """Bits set in both integers.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_and(6, 3))
    2
    """
    return _bitwise(p.bitwise_and, x, y, "bitwise_and")


@symbolic
def bitwise_or(x, y):
    """Bits set in either integer.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_or(6, 3))
    7
    """
    return _bitwise(p.bitwise_or, x, y, "bitwise_or")


@symbolic
def bitwise_xor(x, y):
    """Bits set in exactly one of the integers.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_xor(6, 3))
    5
    """
    return _bitwise(p.bitwise_xor, x, y, "bitwise_xor")


@symbolic
def bitwise_invert(x):
    """All bits flipped; of a bool, its negation.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_invert(6))
    -7
    """
    x = as_tensor(x)
    if dtypes.is_float(x.dtype) and type(x) is not MetaTensor:
        raise TypeError(f"bitwise_invert: x must hold integers or bools. Received dtype {x.dtype}")
    return p.logical_not(x) if x.dtype == "bool" else p.bitwise_not(x)


@symbolic
def bitwise_not(x):
    """The same as `bitwise_invert`."""
    return bitwise_invert(x)


@symbolic
def bitwise_left_shift(x, y):
    """x * 2**y on the bits of x.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_left_shift(3, 2))
    12
    """
    return _bitwise(p.left_shift, x, y, "bitwise_left_shift")


@symbolic
def left_shift(x, y):
    """The same as `bitwise_left_shift`."""
    return bitwise_left_shift(x, y)


@symbolic
def bitwise_right_shift(x, y):
    """x / 2**y rounded down, on the bits of x.

    >>> import kerasgpu as keras
    >>> int(keras.ops.bitwise_right_shift(12, 2))
    3
    """
    return _bitwise(p.right_shift, x, y, "bitwise_right_shift")


@symbolic
def right_shift(x, y):
    """The same as `bitwise_right_shift`."""
    return bitwise_right_shift(x, y)
