"""keras.ops.numpy: comparisons. The results are bool."""

from __future__ import annotations

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.primitives import elementwise as p
from kerasgpu.ops.primitives.operands import promote


@symbolic
def equal(x1, x2):
    """x1 == x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.equal([1, 2, 3], 2).numpy()
    array([False,  True, False])
    """
    return promote(p.equal, x1, x2)


@symbolic
def not_equal(x1, x2):
    """x1 != x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.not_equal([1, 2, 3], 2).numpy()
    array([ True, False,  True])
    """
    return promote(p.not_equal, x1, x2)


@symbolic
def less(x1, x2):
    """x1 < x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.less([1, 2, 3], 2).numpy()
    array([ True, False, False])
    """
    return promote(p.less, x1, x2)


@symbolic
def less_equal(x1, x2):
    """x1 <= x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.less_equal([1, 2, 3], 2).numpy()
    array([ True,  True, False])
    """
    return promote(p.less_equal, x1, x2)


@symbolic
def greater(x1, x2):
    """x1 > x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.greater([1, 2, 3], 2).numpy()
    array([False, False,  True])
    """
    return promote(p.greater, x1, x2)


@symbolic
def greater_equal(x1, x2):
    """x1 >= x2 for each element, with broadcasting.

    >>> import kerasgpu as keras
    >>> keras.ops.greater_equal([1, 2, 3], 2).numpy()
    array([False,  True,  True])
    """
    return promote(p.greater_equal, x1, x2)
