"""Normalization: statistics and scaling in one launch, and the gradients (csrc/cpu/norm_*.cpp).

Batch and group normalization see x as (samples, rows, channels, inner): statistics are over rows, inner and groups of neighbouring
channels, one set per sample. Row normalization sees it as (rows, n). Vectors are float32, or float64 with float64 x; x itself may
also be float16 or bfloat16.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kerasgpu.kernels.elementwise import _contiguous
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

__all__ = ["batch_norm", "batch_norm_apply", "batch_norm_grad", "layer_norm", "layer_norm_grad", "moments"]

_FLOAT32, _FLOAT64 = np.dtype("float32"), np.dtype("float64")
_FLOATS = ("float32", "float64", "float16", "bfloat16")
_kinds: dict = {}


@parameters("batch_norm")
class BatchNormSpec(NamedTuple):
    """gamma, beta, addend: whether they are given."""

    samples: int
    rows: int
    channels: int
    inner: int
    group: int
    gamma: bool
    beta: bool
    addend: bool
    relu: bool
    epsilon: float


@parameters("batch_norm_apply")
class ApplySpec(NamedTuple):
    """As BatchNormSpec."""

    rows: int
    channels: int
    inner: int
    gamma: bool
    beta: bool
    addend: bool
    relu: bool
    epsilon: float


@parameters("batch_norm_grad")
class BatchNormGradSpec(NamedTuple):
    """As BatchNormSpec."""

    samples: int
    rows: int
    channels: int
    inner: int
    group: int
    gamma: bool
    beta: bool
    relu: bool


@parameters("moments")
class MomentsSpec(NamedTuple):
    """How the array is seen."""

    samples: int
    rows: int
    channels: int
    inner: int


@parameters("layer_norm")
class LayerNormSpec(NamedTuple):
    """gamma, beta: whether they are given."""

    rows: int
    n: int
    gamma: bool
    beta: bool
    centered: bool
    epsilon: float


@parameters("layer_norm_grad")
class LayerNormGradSpec(NamedTuple):
    """sums: whether the gradients of gamma and beta are wanted."""

    rows: int
    n: int
    gamma: bool
    sums: bool
    centered: bool


def statistics_dtype(dtype):
    """The dtype of statistics, gamma and beta for x of this dtype; None where x has no kernel."""
    kind = _kinds.get(dtype)
    if kind is None and dtype.name in _FLOATS:
        kind = _kinds[dtype] = _FLOAT64 if dtype == _FLOAT64 else _FLOAT32
    return kind


def _check(name, view, x, vectors, like=()):
    """x, `like` and the vectors that are not None, contiguous; ValueError where a size or dtype does not fit the view."""
    kind = statistics_dtype(x.dtype)
    if kind is None:
        raise ValueError(f"{name}: needs a float array, got {x.dtype}; cast it first")
    if x.size != math.prod(view) or min(view) < 0:
        raise ValueError(f"{name}: an array of shape {x.shape} cannot be seen as {tuple(view)}")
    out = [x if x.flags.c_contiguous else _contiguous(x)]
    for a in like:
        if a is not None:
            if a.size != x.size or a.dtype != x.dtype:
                raise ValueError(f"{name}: need equal sizes and dtypes, got {x.shape} {x.dtype} and {a.shape} {a.dtype}")
            a = a if a.flags.c_contiguous else _contiguous(a)
        out.append(a)
    for a, size in vectors:
        if a is not None:
            if a.size != size or a.dtype != kind:
                raise ValueError(f"{name}: need a vector of {size} {kind} for x of dtype {x.dtype}, got {a.shape} {a.dtype}")
            a = a if a.flags.c_contiguous else _contiguous(a)
        out.append(a)
    return out


def _given(*arrays):
    return tuple(a for a in arrays if a is not None)


def _flags(*arrays):
    return tuple([a is not None for a in arrays])


def batch_norm(x, view, gamma=None, beta=None, epsilon=1e-3, group=1, addend=None, relu=False):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta [+ addend] [max with 0], mean and variance those of x.

    Args:
        x: float array.
        view: (samples, rows, channels, inner), how x is seen.
        gamma, beta: (channels,), or None.
        group: how many neighbouring channels share their statistics; divides channels.
        addend: an array as x that is added, or None. relu: whether the result is clamped at 0.

    Returns:
        (y, mean, variance, saved): mean and variance of shape (samples, channels / group), without samples where that is 1;
        `saved` is for the gradient.

    Raises:
        ValueError: sizes or dtypes do not fit.

    Example:
        x = np.random.default_rng(0).random((8, 4), "float32")
        y, mean, variance, saved = batch_norm(x, (1, 8, 4, 1))  # y.mean(0) is 0, y.std(0) nearly 1
    """
    samples, _, channels, _ = view
    if group < 1 or channels % group:
        raise ValueError(f"batch_norm: {channels} channels do not divide into groups of {group}")
    x, addend, gamma, beta = _check("batch_norm", view, x, [(gamma, channels), (beta, channels)], (addend,))
    groups = (channels // group,) if samples == 1 else (samples, channels // group)
    kind = statistics_dtype(x.dtype)
    out = (empty(x.shape, x.dtype, x), empty(groups, kind, x), empty(groups, kind, x), empty((2, *groups), kind, x))
    spec = BatchNormSpec(*view, group, *_flags(gamma, beta, addend), bool(relu), float(epsilon))
    launch("batch_norm", (x, *_given(gamma, beta, addend)), out, spec)
    return out


def batch_norm_apply(x, view, mean, variance, gamma=None, beta=None, epsilon=1e-3, addend=None, relu=False):
    """The formula of `batch_norm` with given statistics: one pass. view: (rows, channels, inner).

    Example:
        batch_norm_apply(x, (8, 4, 1), np.zeros(4, "float32"), np.ones(4, "float32"), epsilon=0.0)  # x
    """
    channels = view[1]
    vectors = [(a, channels) for a in (mean, variance, gamma, beta)]
    x, addend, mean, variance, gamma, beta = _check("batch_norm_apply", view, x, vectors, (addend,))
    out = empty(x.shape, x.dtype, x)
    spec = ApplySpec(*view, *_flags(gamma, beta, addend), bool(relu), float(epsilon))
    launch("batch_norm_apply", (x, mean, variance, *_given(gamma, beta, addend)), (out,), spec)
    return out


def batch_norm_grad(x, g, view, mean, saved, gamma=None, beta=None, group=1, relu=False):
    """Gradients (dx, dgamma, dbeta) of `batch_norm`, from its results `mean` and `saved`; g is the gradient of y.

    With relu (which needs the `beta` of the forward pass), g is the gradient of max(y, 0).
    """
    samples, _, channels, _ = view
    if group < 1 or channels % group:
        raise ValueError(f"batch_norm_grad: {channels} channels do not divide into groups of {group}")
    groups = samples * (channels // group)
    vectors = [(mean, groups), (saved, 2 * groups), (gamma, channels), (beta, channels)]
    x, g, mean, saved, gamma, beta = _check("batch_norm_grad", view, x, vectors, (g,))
    kind = statistics_dtype(x.dtype)
    out = (empty(x.shape, x.dtype, x), empty((channels,), kind, x), empty((channels,), kind, x))
    spec = BatchNormGradSpec(*view, group, *_flags(gamma, beta), bool(relu))
    launch("batch_norm_grad", (x, g, mean, saved, *_given(gamma, beta)), out, spec)
    return out


def moments_view(shape, axes):
    """x of `shape` as (samples, rows, channels, inner) with `axes` being rows and inner; None where no view does that."""
    runs: list[list] = [[False, 1], [True, 1], [False, 1], [True, 1]]
    at = 0
    for d, n in enumerate(shape):
        if n == 1:
            continue
        reduced = d in axes
        while at < 4 and runs[at][0] != reduced:
            at += 1
        if at == 4:
            return None
        runs[at][1] *= n
    samples, rows, channels, inner = (n for _, n in runs)
    # Rows of their own are better seen as channels than as samples: many of them then share a tile.
    return (1, 1, samples, rows) if channels == inner == 1 else (samples, rows, channels, inner)


def moments(x, view):
    """(mean, variance) of x seen as (samples, rows, channels, inner), over rows and inner: each (samples, channels).

    Example:
        moments(np.float32([[1, 3], [3, 5]]), (1, 2, 2, 1))  # [[2, 4]], [[1, 1]]
    """
    (x,) = _check("moments", view, x, [])
    kind = statistics_dtype(x.dtype)
    out = empty((view[0], view[2]), kind, x), empty((view[0], view[2]), kind, x)
    launch("moments", (x,), out, MomentsSpec(*view))
    return out


def layer_norm(x, n, gamma=None, beta=None, epsilon=1e-3, centered=True):
    """(y, saved): gamma (x - mean) / sqrt(variance + epsilon) + beta for each row of the last n elements.

    Not centered, the mean counts as 0 (RMS normalization).

    Args:
        x: float array whose size is a multiple of n.
        gamma, beta: vectors of n elements, or None.

    Example:
        layer_norm(np.float32([[1, 3]]), 2, epsilon=0.0)[0]  # [[-1, 1]]
    """
    rows = _rows("layer_norm", x, n)
    x, gamma, beta = _check("layer_norm", (rows, n), x, [(gamma, n), (beta, n)])
    kind = statistics_dtype(x.dtype)
    out = empty(x.shape, x.dtype, x), empty((3 if centered else 1, rows), kind, x)
    spec = LayerNormSpec(rows, n, *_flags(gamma, beta), bool(centered), float(epsilon))
    launch("layer_norm", (x, *_given(gamma, beta)), out, spec)
    return out


def layer_norm_grad(x, g, n, saved, gamma=None, sums=True, centered=True):
    """Gradients (dx, dgamma, dbeta) of `layer_norm`, or (dx,) without `sums`; g is the gradient of y."""
    rows = _rows("layer_norm_grad", x, n)
    vectors = [(saved, (3 if centered else 1) * rows), (gamma, n)]
    x, g, saved, gamma = _check("layer_norm_grad", (rows, n), x, vectors, (g,))
    kind = statistics_dtype(x.dtype)
    out = (empty(x.shape, x.dtype, x), *[empty((n,), kind, x) for _ in range(2 if sums else 0)])
    spec = LayerNormGradSpec(rows, n, gamma is not None, bool(sums), bool(centered))
    launch("layer_norm_grad", (x, g, saved, *_given(gamma)), out, spec)
    return out


def _rows(name, x, n):
    if n < 1 or x.size % n:
        raise ValueError(f"{name}: an array of shape {x.shape} does not divide into rows of {n}")
    return x.size // n
