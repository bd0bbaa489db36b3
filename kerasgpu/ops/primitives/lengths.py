"""Square roots and lengths of vectors with a gradient everywhere.

The slope of sqrt at 0 is infinite, and infinity times the 0 of what is under the root is NaN. A guard on the result (a maximum, a
`where`) comes too late for that: the guard must sit on the argument of the root. At 0 these functions have the gradient 0, the
subgradient of the least size.
"""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine import tape
from kerasgpu.ops.primitives import elementwise

# Exponents of two that float32 (and bfloat16, float64) can hold on both sides.
_LARGEST_EXPONENT = {"float16": 14}


def root(x):
    """sqrt(x), with the gradient 0 where x is 0."""
    zero = ops.equal(x, 0)
    return ops.where(zero, 0, elementwise.sqrt(ops.where(zero, 1, x)))


def ratio(a, b):
    """a / b, and 0 with the gradient 0 where b is 0."""
    zero = ops.equal(b, 0)
    return ops.where(zero, 0, ops.divide(a, ops.where(zero, 1, b)))


def scale_of(x, axes):
    """A power of two near the largest |x| over `axes` (kept as 1), and 1 where that is 0, infinite or NaN; without a gradient.

    x divided by it has squares, and other powers, that neither overflow nor vanish. Powers of two divide without rounding.
    """
    with tape.no_grad():
        largest = ops.max(ops.absolute(x), axis=axes, keepdims=True)
        usable = ops.logical_and(ops.isfinite(largest), ops.greater(largest, 0))
        exponent = ops.floor(ops.log2(ops.where(usable, largest, 1)))
        most = _LARGEST_EXPONENT.get(x.dtype, 126)
        return ops.ldexp(ops.ones_like(exponent), ops.cast(ops.clip(exponent, -most, most), "int32"))


def length(x, axes, keepdims=False):
    """sqrt(sum(x^2)) over `axes` (int, tuple, or None for all) without over- or underflow; the gradient at 0 is 0."""
    if 0 in x.shape:
        return root(ops.sum(ops.square(x), axis=axes, keepdims=keepdims))
    scale = scale_of(x, axes)
    out = root(ops.sum(ops.square(x / scale), axis=axes, keepdims=True)) * scale
    return out if keepdims else ops.squeeze(out, axes if axes is not None else tuple(range(x.ndim)))
