"""psnr and polar."""

from __future__ import annotations

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import arithmetic, exponential, reduction, trigonometric
from kerasgpu.ops.primitives.complex import to_complex
from kerasgpu.ops.primitives.operands import as_tensor, promote_all

__all__ = ["polar", "psnr"]


@symbolic
def psnr(x1, x2, max_val):
    """Peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(mean((x1 - x2)^2)). A scalar.

    >>> import kerasgpu as keras
    >>> round(float(keras.ops.psnr([0.0, 0.0], [0.1, 0.1], 1.0)), 3)
    20.0
    """
    x1, x2 = promote_all([x1, x2], float)
    if x1.shape != x2.shape:
        raise ValueError(f"Input shapes {x1.shape} and {x2.shape} must match for PSNR calculation. ")
    error = reduction.mean(arithmetic.square(x1 - x2))
    return 20 * exponential.log10(as_tensor(max_val, x2.dtype)) - 10 * exponential.log10(error)


@symbolic
def polar(abs_, angle):
    """The complex numbers abs_ (cos(angle) + i sin(angle))."""
    size, angle = promote_all([abs_, angle], float)
    return to_complex(size * trigonometric.cos(angle), size * trigonometric.sin(angle))
