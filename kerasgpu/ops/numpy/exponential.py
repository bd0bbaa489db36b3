"""keras.ops.numpy: exponentials, logarithms and roots."""

from __future__ import annotations

import math

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import arithmetic, comparison, selection
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives.operands import as_float, as_tensor, kind_of, promote, weak


@symbolic
def exp(x):
    """e**x of each element, in x's float dtype (integers: the default float).

    >>> import kerasgpu as keras
    >>> keras.ops.exp([0.0, 1.0]).numpy().round(3)
    array([1.   , 2.718], dtype=float32)
    """
    return p.exp(as_float(x))


@symbolic
def exp2(x):
    """2**x of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.exp2([0.0, 3.0]).numpy()
    array([1., 8.], dtype=float32)
    """
    return p.exp2(as_float(x))


@symbolic
def expm1(x):
    """exp(x) - 1, accurate for small x.

    >>> import kerasgpu as keras
    >>> keras.ops.expm1([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.expm1(as_float(x))


@symbolic
def log(x):
    """Natural logarithm of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.log([1.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.log(as_float(x))


@symbolic
def log1p(x):
    """log(1 + x), accurate for small x.

    >>> import kerasgpu as keras
    >>> keras.ops.log1p([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return p.log1p(as_float(x))


@symbolic
def log2(x):
    """Logarithm to base 2 of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.log2([1.0, 8.0]).numpy()
    array([0., 3.], dtype=float32)
    """
    return p.log2(as_float(x))


@symbolic
def log10(x):
    """Logarithm to base 10 of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.log10([1.0, 100.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return p.log10(as_float(x))


@symbolic
def sqrt(x):
    """Square root of each element.

    >>> import kerasgpu as keras
    >>> keras.ops.sqrt([4.0, 9.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    return p.sqrt(as_float(x))


@symbolic
def cbrt(x):
    """Cube root of each element, also of negative ones.

    >>> import kerasgpu as keras
    >>> keras.ops.cbrt([8.0, -27.0]).numpy()
    array([ 2., -3.], dtype=float32)
    """
    return p.cbrt(as_float(x))


@symbolic
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)) without overflow.

    >>> import kerasgpu as keras
    >>> float(keras.ops.logaddexp(1000.0, 1000.0))
    1000.6931762695312
    """
    return promote(p.logaddexp, x1, x2, float)


@symbolic
def logaddexp2(x1, x2):
    """log2(2**x1 + 2**x2) without overflow.

    >>> import kerasgpu as keras
    >>> float(keras.ops.logaddexp2(3.0, 3.0))
    4.0
    """
    ln2 = math.log(2)
    x1, x2 = weak(x1), weak(x2)
    dtype = dtypes.result_type(kind_of(x1), kind_of(x2), float)
    x1, x2 = as_tensor(x1, dtype), as_tensor(x2, dtype)
    # log2(2^a + 2^b) = max(a, b) + log2(1 + 2^-|a - b|): exact where the operands are whole numbers far apart
    high, low = arithmetic.maximum(x1, x2), arithmetic.minimum(x1, x2)
    gap = selection.where(comparison.equal(high, low), 0, arithmetic.subtract(low, high))
    return arithmetic.add(high, p.log1p(p.exp2(gap)) * (1 / ln2))
