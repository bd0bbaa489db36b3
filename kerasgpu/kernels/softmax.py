"""Softmax and log-softmax along one axis, and their gradients."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from kerasgpu.kernels.elementwise import _contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

__all__ = ["log_softmax", "log_softmax_grad", "softmax", "softmax_grad"]


@parameters("softmax", "log_softmax", "softmax_grad", "log_softmax_grad")
class SoftmaxSpec(NamedTuple):
    """The sizes before, of and after the axis."""

    outer: int
    n: int
    inner: int


@functools.lru_cache(2048)
def _split(name: str, shape, axis: int) -> SoftmaxSpec:
    """The sizes around the axis."""
    ndim = len(shape)
    if not -ndim <= axis < ndim:
        raise ValueError(f"{name}: axis {axis} is out of range for an array of shape {tuple(shape)}")
    axis %= ndim
    return SoftmaxSpec(math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))


def _run(name, axis, *arrays):
    x = arrays[0]
    for a in arrays[1:]:
        if a.shape != x.shape or a.dtype != x.dtype:
            raise ValueError(f"{name}: need equal shapes and dtypes, got {x.shape} {x.dtype} and {a.shape} {a.dtype}")
    spec = _split(name, x.shape, axis)
    arrays = tuple(a if a.flags.c_contiguous else _contiguous(a) for a in arrays)
    out = empty(x.shape, x.dtype, x)
    launch(name, arrays, (out,), spec)
    return out


def softmax(x, axis: int = -1):
    """exp(x) / sum(exp(x)) along `axis`; same shape and float dtype as x.

    A slice that is all -inf, or holds NaN or +inf, gives NaN.

    Example:
        softmax(np.zeros((2, 4), "float32"))  # all 0.25
    """
    return _run("softmax", axis, x)


def log_softmax(x, axis: int = -1):
    """x - log(sum(exp(x))) along `axis`; same shape and float dtype as x."""
    return _run("log_softmax", axis, x)


def softmax_grad(y, gy, axis: int = -1):
    """Gradient of softmax from its result: y (gy - sum(gy y))."""
    return _run("softmax_grad", axis, y, gy)


def log_softmax_grad(y, gy, axis: int = -1):
    """Gradient of log_softmax from its result: gy - exp(y) sum(gy)."""
    return _run("log_softmax_grad", axis, y, gy)
