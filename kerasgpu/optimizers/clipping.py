"""Gradient clipping: by value, by the norm of each gradient, by the norm of all together (Pascanu et al. 2013)."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import reduce as kernels


def _sum_of_squares(x, axes=None, keepdims=False):
    """One launch where the values are at hand (gradients of gradients do not pass through here)."""
    if type(x) is Tensor and x.dtype in ("float32", "float64"):
        return Tensor(kernels.sum_of_squares(x._data, axes, keepdims))
    return ops.sum(ops.square(x), axis=axes, keepdims=keepdims)


def clip_by_norm(gradient, clipnorm, axes=None):
    """gradient * clipnorm / max(|gradient|, clipnorm), the norm over `axes` (all when None)."""
    norm = ops.sqrt(_sum_of_squares(gradient, axes, keepdims=True))
    return gradient * clipnorm / ops.maximum(norm, clipnorm)


def global_norm(gradients):
    """The norm of all gradients laid end to end; entries may be None."""
    squares = [_sum_of_squares(g) for g in gradients if g is not None]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return ops.sqrt(total)


def clip_by_global_norm(gradients, clip_norm):
    """All gradients times clip_norm / max(norm, clip_norm); NaN when the norm is not finite."""
    norm = global_norm(gradients)
    scale = clip_norm * ops.minimum(1.0 / norm, 1.0 / clip_norm) + (norm - norm)
    return [g if g is None else g * scale for g in gradients]


def clip_by_value(gradients, limit):
    """Each entry limited to [-limit, limit]."""
    return [g if g is None else ops.clip(g, -limit, limit) for g in gradients]
