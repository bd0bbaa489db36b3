"""Operations on each element: one instruction of the `elementwise` kernel each, with broadcasting.

A binary operation takes (x, y), or (x, None, c) with a Python number c in y's place, or (x, None, c, True) with c in x's
place; a number becomes a constant of the kernel. Both tensors have one dtype. Gradient rules are written on operands that
may be numbers; the sum that undoes broadcasting is added here.
"""

from __future__ import annotations

import math

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import Primitive, parameter_names, primitive
from kerasgpu.kernels import elementwise as kernels
from kerasgpu.ops.primitives.shapes import broadcast_shapes, unbroadcast

_run = kernels.elementwise


def _named(function, name):
    function.__name__ = function.__qualname__ = name
    return function


def _unary(name, opcode, gradient=None, result=None):
    """gradient: (g, x) or (g, y, x) -> gradient of x."""
    op = primitive(tensors=1, differentiable=gradient is not None)(_named(lambda x: _run(opcode, x), name))
    if gradient is not None:
        op.gradient(gradient)
    if result is not None:
        op.shape(lambda x: (x.shape, result))
    return op


def _binary(name, opcode, left=None, right=None, result=None):
    """left, right: (g, a, b) or (g, y, a, b) -> gradient of a and of b, before the sum over broadcast dims. None: zero."""

    def forward(x, y=None, c=None, is_left=False):
        if y is None:
            return _run(opcode, c, x) if is_left else _run(opcode, x, c)
        if x.shape != y.shape:
            broadcast_shapes(name, x.shape, y.shape)
        return _run(opcode, x, y)

    op = primitive(tensors=2, differentiable=left is not None or right is not None)(_named(forward, name))

    @op.shape
    def _(x, y=None, c=None, is_left=False):
        shape = x.shape if y is None else broadcast_shapes(name, x.shape, y.shape)
        return shape, result or x.dtype

    if left is None and right is None:
        return op

    def entries(g, saved, x, y, c, is_left):
        if y is None:
            rule = right if is_left else left
            a, b = (c, x) if is_left else (x, c)
            return (None if rule is None else lambda: rule(g, *saved, a, b)), None
        return (
            None if left is None else lambda: unbroadcast(left(g, *saved, x, y), x.shape),
            None if right is None else lambda: unbroadcast(right(g, *saved, x, y), y.shape),
        )

    if len(parameter_names(left or right)) == 4:

        @op.gradient
        def _(g, y, a, b=None, c=None, is_left=False):
            return entries(g, (y,), a, b, c, is_left)

    else:

        @op.gradient
        def _(g, a, b=None, c=None, is_left=False):
            return entries(g, (), a, b, c, is_left)

    return op


# -- arithmetic -----------------------------------------------------------------------------------------------------
copy = _unary("copy", "copy", lambda g, x: g)
negative: Primitive = _unary("negative", "neg", lambda g, x: negative(g))
absolute = _unary("absolute", "abs", lambda g, x: g * sign(x))
sign: Primitive = _unary("sign", "sign")
square = _unary("square", "square", lambda g, x: g * (x * 2))
reciprocal = _unary("reciprocal", "reciprocal", lambda g, y, x: negative(g * square(y)))
sqrt = _unary("sqrt", "sqrt", lambda g, y, x: g * 0.5 / y)
rsqrt = _unary("rsqrt", "rsqrt", lambda g, y, x: g * -0.5 * y / x)
cbrt = _unary("cbrt", "cbrt", lambda g, y, x: g / (square(y) * 3))

add = _binary("add", "add", lambda g, a, b: g, lambda g, a, b: g)
subtract = _binary("subtract", "sub", lambda g, a, b: g, lambda g, a, b: negative(g))
multiply = _binary("multiply", "mul", lambda g, a, b: g * b, lambda g, a, b: g * a)
divide = _binary("divide", "div", lambda g, y, a, b: g / b, lambda g, y, a, b: negative(g * y / b))
floor_divide = _binary("floor_divide", "floor_div")
mod = _binary("mod", "mod", lambda g, a, b: g, lambda g, a, b: negative(g * ops.floor_divide(a, b)))
fmod = _binary("fmod", "fmod", lambda g, a, b: g, lambda g, a, b: negative(g * ops.trunc(ops.divide(a, b))))
squared_difference = _binary(
    "squared_difference", "squared_difference", lambda g, a, b: g * 2 * (a - b), lambda g, a, b: g * 2 * (b - a)
)
hypot = _binary("hypot", "hypot", lambda g, y, a, b: g * _safe_ratio(a, y), lambda g, y, a, b: g * _safe_ratio(b, y))
copysign = _binary("copysign", "copysign", lambda g, y, a, b: g * ops.sign(a) * sign(y), None)
nextafter = _binary("nextafter", "nextafter")
ldexp: Primitive = _binary("ldexp", "ldexp", lambda g, a, b: ldexp(g, b) if hasattr(b, "dtype") else ldexp(g, None, b), None)


def _safe_ratio(a, y):
    """a / y, and 0 where y is 0."""
    return ops.where(ops.equal(y, 0), 0, ops.divide(a, ops.where(ops.equal(y, 0), 1, y)))


def _over_square(a, y):
    """a / y^2 for |a| <= y without over- or underflow of the square, and 0 where y is 0."""
    y = ops.where(ops.equal(y, 0), 1, y)
    return ops.divide(ops.divide(a, y), y)


def _power_of_base(g, a, b):
    # b a^(b-1), and 0 where b is 0 (there a^(b-1) may be infinite).
    if not hasattr(b, "dtype"):
        return ops.zeros_like(g) if b == 0 else g * (ops.power(a, b - 1) * b)
    zero = ops.equal(b, 0)
    return g * ops.where(zero, 0, b * ops.power(a, ops.where(zero, 1, b - 1)))


def _power_of_exponent(g, y, a, b):
    # a^b log(a), and 0 where a is 0; a negative base has no derivative here and gives NaN.
    if not hasattr(a, "dtype"):
        return g * y * (math.log(a) if a > 0 else 0.0 if a == 0 else math.nan)
    zero = ops.equal(a, 0)
    return g * ops.where(zero, 0, y * ops.log(ops.where(zero, 1, a)))


power = _binary("power", "pow", lambda g, y, a, b: _power_of_base(g, a, b), _power_of_exponent)


def _share(a, b):
    """1 where a wins over b, 1/2 where they are equal: the slope of a maximum."""
    like = a if hasattr(a, "dtype") else b
    return lambda wins: ops.cast(wins, like.dtype) + 0.5 * ops.cast(ops.equal(a, b), like.dtype)


maximum = _binary(
    "maximum", "max", lambda g, a, b: g * _share(a, b)(ops.greater(a, b)), lambda g, a, b: g * _share(a, b)(ops.less(a, b))
)
minimum = _binary(
    "minimum", "min", lambda g, a, b: g * _share(a, b)(ops.less(a, b)), lambda g, a, b: g * _share(a, b)(ops.greater(a, b))
)


def _not_nan(wins, a, b, other):
    """The slope of fmax and fmin: as for a maximum, but an operand also wins where the other one is NaN."""
    return ops.logical_or(wins, ops.isnan(other))


fmax = _binary(
    "fmax",
    "fmax",
    lambda g, a, b: g * _share(a, b)(_not_nan(ops.greater(a, b), a, b, b)),
    lambda g, a, b: g * _share(a, b)(_not_nan(ops.less(a, b), a, b, a)),
)
fmin = _binary(
    "fmin",
    "fmin",
    lambda g, a, b: g * _share(a, b)(_not_nan(ops.less(a, b), a, b, b)),
    lambda g, a, b: g * _share(a, b)(_not_nan(ops.greater(a, b), a, b, a)),
)

# -- exponentials ---------------------------------------------------------------------------------------------------
exp = _unary("exp", "exp", lambda g, y, x: g * y)
exp2 = _unary("exp2", "exp2", lambda g, y, x: g * (y * math.log(2)))
expm1 = _unary("expm1", "expm1", lambda g, y, x: g * (y + 1))
log = _unary("log", "log", lambda g, x: g / x)
log1p = _unary("log1p", "log1p", lambda g, x: g / (x + 1))
log2 = _unary("log2", "log2", lambda g, x: g / (x * math.log(2)))
log10 = _unary("log10", "log10", lambda g, x: g / (x * math.log(10)))
# d logaddexp / da = exp(a - y)
logaddexp = _binary("logaddexp", "logaddexp", lambda g, y, a, b: g * _softness(a, y), lambda g, y, a, b: g * _softness(b, y))


def _softness(a, y):
    # y - a is NaN where both are the same infinity; a winner there has slope 1
    return ops.where(ops.equal(y, a), 1, ops.exp(ops.subtract(a, y)))


# -- trigonometry ---------------------------------------------------------------------------------------------------
sin = _unary("sin", "sin", lambda g, x: g * cos(x))
cos: Primitive = _unary("cos", "cos", lambda g, x: negative(g * sin(x)))
tan = _unary("tan", "tan", lambda g, y, x: g * (square(y) + 1))
arcsin = _unary("arcsin", "asin", lambda g, x: g / sqrt(1 - square(x)))
arccos = _unary("arccos", "acos", lambda g, x: negative(g) / sqrt(1 - square(x)))
arctan = _unary("arctan", "atan", lambda g, x: g / (square(x) + 1))
sinh = _unary("sinh", "sinh", lambda g, x: g * cosh(x))
cosh: Primitive = _unary("cosh", "cosh", lambda g, x: g * sinh(x))
tanh = _unary("tanh", "tanh", lambda g, y, x: g * (1 - square(y)))
arcsinh = _unary("arcsinh", "asinh", lambda g, x: g / sqrt(square(x) + 1))
arccosh = _unary("arccosh", "acosh", lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)))
arctanh = _unary("arctanh", "atanh", lambda g, x: g / (1 - square(x)))
arctan2 = _binary(
    "arctan2",
    "atan2",
    lambda g, a, b: g * _over_square(b, ops.hypot(a, b)),
    lambda g, a, b: negative(g) * _over_square(a, ops.hypot(a, b)),
)

# -- special functions ----------------------------------------------------------------------------------------------
erf = _unary("erf", "erf", lambda g, x: g * exp(negative(square(x))) * (2 / math.sqrt(math.pi)))
erfc = _unary("erfc", "erfc", lambda g, x: g * exp(negative(square(x))) * (-2 / math.sqrt(math.pi)))
erfinv = _unary("erfinv", "erfinv", lambda g, y, x: g * exp(square(y)) * (math.sqrt(math.pi) / 2))
lgamma = _unary("lgamma", "lgamma", lambda g, x: g * digamma(x))
digamma: Primitive = _unary("digamma", "digamma")

# -- rounding, tests, logic, bits -----------------------------------------------------------------------------------
floor = _unary("floor", "floor")
ceil = _unary("ceil", "ceil")
round = _unary("round", "round")
trunc = _unary("trunc", "trunc")
isnan = _unary("isnan", "isnan", result="bool")
isinf = _unary("isinf", "isinf", result="bool")
isfinite = _unary("isfinite", "isfinite", result="bool")
signbit = _unary("signbit", "signbit", result="bool")
logical_not = _unary("logical_not", "logical_not", result="bool")
bitwise_not = _unary("bitwise_not", "bitwise_not")
equal = _binary("equal", "eq", result="bool")
not_equal = _binary("not_equal", "ne", result="bool")
less = _binary("less", "lt", result="bool")
less_equal = _binary("less_equal", "le", result="bool")
greater = _binary("greater", "gt", result="bool")
greater_equal = _binary("greater_equal", "ge", result="bool")
logical_and = _binary("logical_and", "logical_and", result="bool")
logical_or = _binary("logical_or", "logical_or", result="bool")
logical_xor = _binary("logical_xor", "logical_xor", result="bool")
bitwise_and = _binary("bitwise_and", "bitwise_and")
bitwise_or = _binary("bitwise_or", "bitwise_or")
bitwise_xor = _binary("bitwise_xor", "bitwise_xor")
left_shift = _binary("left_shift", "left_shift")
right_shift = _binary("right_shift", "right_shift")
