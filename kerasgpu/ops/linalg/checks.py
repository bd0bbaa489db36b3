"""What the matrix operations demand of their arguments. Half floats are computed in float32."""

from __future__ import annotations

from kerasgpu.ops.core import casting
from kerasgpu.ops.primitives.operands import as_float


def widen(x):
    """(x in float32 or float64, its own float dtype)."""
    x = as_float(x)
    return (casting.cast(x, "float32") if x.dtype in ("float16", "bfloat16") else x), x.dtype


def restore(x, kind):
    return x if x.dtype == kind else casting.cast(x, kind)


def matrix(x):
    x, kind = widen(x)
    if x.ndim < 2:
        raise ValueError(f"Expected input to have rank >= 2. Received input with shape {x.shape}.")
    return x, kind


def square_matrix(x):
    x, kind = matrix(x)
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Expected a square matrix. Received non-square input with shape {x.shape}")
    return x, kind
