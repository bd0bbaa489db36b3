"""keras.ops.numpy: trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import selection
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives.operands import as_float, promote


@symbolic
def sin(x):
    """Sine of each element, in radians.

    >>> import kerasgpu as keras
    >>> keras.ops.sin([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.sin(as_float(x))


@symbolic
def cos(x):
    """Cosine of each element, in radians.

    >>> import kerasgpu as keras
    >>> keras.ops.cos([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return p.cos(as_float(x))


@symbolic
def tan(x):
    """Tangent of each element, in radians.

    >>> import kerasgpu as keras
    >>> keras.ops.tan([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.tan(as_float(x))


@symbolic
def arcsin(x):
    """Inverse sine in [-pi/2, pi/2]; NaN outside [-1, 1].

    >>> import kerasgpu as keras
    >>> keras.ops.arcsin([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arcsin(as_float(x))


@symbolic
def arccos(x):
    """Inverse cosine in [0, pi]; NaN outside [-1, 1].

    >>> import kerasgpu as keras
    >>> keras.ops.arccos([1.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arccos(as_float(x))


@symbolic
def arctan(x):
    """Inverse tangent in (-pi/2, pi/2).

    >>> import kerasgpu as keras
    >>> keras.ops.arctan([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arctan(as_float(x))


@symbolic
def sinh(x):
    """Hyperbolic sine of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.sinh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.sinh(as_float(x))


@symbolic
def cosh(x):
    """Hyperbolic cosine of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.cosh([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return p.cosh(as_float(x))


@symbolic
def tanh(x):
    """Hyperbolic tangent of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.tanh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.tanh(as_float(x))


@symbolic
def arcsinh(x):
    """Inverse hyperbolic sine of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.arcsinh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arcsinh(as_float(x))


@symbolic
def arccosh(x):
    """Inverse hyperbolic cosine; NaN below 1.

    >>> import kerasgpu as keras
    >>> keras.ops.arccosh([1.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arccosh(as_float(x))


@symbolic
def arctanh(x):
    """Inverse hyperbolic tangent; NaN outside [-1, 1].

    >>> import kerasgpu as keras
    >>> keras.ops.arctanh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.arctanh(as_float(x))


@symbolic
def arctan2(x1, x2):
    """Angle in (-pi, pi] of the points (x2, x1): the inverse tangent of x1 / x2 in the right quadrant.

    >>> import kerasgpu as keras
    >>> keras.ops.arctan2([1.0, 0.0], [0.0, 1.0]).numpy()
    array([1.5707964, 0.       ], dtype=float32)
    """
    return promote(p.arctan2, x1, x2, float)


@symbolic
def deg2rad(x):
    """Degrees to radians.

    >>> import kerasgpu as keras
    >>> float(keras.ops.deg2rad(180.0))
    3.1415927410125732
    """
    return as_float(x) * (math.pi / 180)


@symbolic
def rad2deg(x):
    """Radians to degrees.

    >>> import kerasgpu as keras
    >>> float(keras.ops.rad2deg(0.0))
    0.0
    """
    return as_float(x) * (180 / math.pi)


@symbolic
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0.

    >>> import kerasgpu as keras
    >>> keras.ops.sinc([0.0, 0.5]).numpy().round(3)
    array([1.   , 0.637], dtype=float32)
    """
    x = as_float(x) * math.pi
    zero = p.equal(x, None, 0)
    return selection.where(zero, 1 - p.square(x) * (1 / 6), p.divide(p.sin(x), selection.where(zero, 1, x)))
