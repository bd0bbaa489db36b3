"""Reductions over axes (sum, mean, max, ..., argmax, logsumexp, var) and cumulative operations along one axis.

Functions that reduce take `axis` (None for all, a number, or a tuple of them) and `keepdims`, as NumPy's do. Floats are
accumulated in float32 (float64 in float64) with an error like that of pairwise summation, integers in 64 bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kerasgpu.kernels.elementwise import _contiguous, elementwise
from kerasgpu.kernels.launch import empty, launch, numpy_dtype
from kerasgpu.kernels.spec import parameters

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "reduce",
    "sum",
    "sum_of_squares",
    "var",
]

# The order is that of csrc/cpu/reduce_ops.h.
OPS = ("sum", "mean", "max", "min", "prod", "any", "all", "sum_of_squares", "argmax", "argmin", "logsumexp")
SCANS = ("cumsum", "cumprod", "cummax", "cummin")


@parameters("reduce")
class ReduceSpec(NamedTuple):
    """op: a number of `OPS`; the sizes before, of and after the axis."""

    op: int
    outer: int
    n: int
    inner: int


@parameters("scan")
class ScanSpec(NamedTuple):
    """op: a number of `SCANS`."""

    op: int
    outer: int
    n: int
    inner: int
    reverse: bool
    exclusive: bool


# What joins the partial results when axes are reduced in several steps.
_JOIN = {"sum_of_squares": "sum"}
_LIMIT = 2048
_plans: dict = {}


def normalize_axes(name: str, axis, ndim: int) -> tuple[int, ...]:
    """Axes as sorted numbers in [0, ndim). Raises ValueError for an axis out of range or given twice."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = []
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"{name}: axis {a} is out of range for an array of {ndim} dimensions")
        found.append(int(a) % ndim)
    if len(set(found)) != len(found):
        raise ValueError(f"{name}: an axis is given twice in axis={axis}")
    return tuple(sorted(found))


def _groups(shape, axes):
    """Runs of neighbouring dimensions that are all kept or all reduced: [[size, reduced], ...]; sizes of 1 vanish."""
    groups: list[list] = []
    for d, n in enumerate(shape):
        if n == 1:
            continue
        reduced = d in axes
        if groups and groups[-1][1] == reduced:
            groups[-1][0] *= n
        else:
            groups.append([n, reduced])
    return groups


def _steps(name, shape, axes, dtype, out_dtype):
    """The (spec, size, dtype) of each launch: one per group of reduced dimensions, the last group first."""
    groups = _groups(shape, axes)
    if name in ("max", "min", "argmax", "argmin") and math.prod(n for d, n in enumerate(shape) if d not in axes) > 0:
        for d in axes:
            if shape[d] == 0:
                raise ValueError(f"{name}: axis {d} of an array of shape {tuple(shape)} has size 0: nothing to choose from")
    if not [g for g in groups if g[1]]:
        return [(ReduceSpec(OPS.index(name), math.prod(shape), 1, 1), math.prod(shape), out_dtype)]
    half = dtype.itemsize == 2 and dtype.kind not in "iub"
    steps = []
    while True:
        last = len(groups) - 1 if groups[-1][1] else len(groups) - 2
        outer = math.prod(g[0] for g in groups[:last])
        inner = math.prod(g[0] for g in groups[last + 1 :])
        final = not any_reduced(groups[:last])
        between = np.dtype("float32") if half and name != "logsumexp" else dtype
        if name in ("any", "all"):
            between = np.dtype(bool)
        elif dtype.kind in "biu" and dtype.str[1:] != "u8" and name not in ("max", "min"):
            between = np.dtype("int64")
        spec = ReduceSpec(OPS.index(name), outer, groups[last][0], inner)
        steps.append((spec, outer * inner, out_dtype if final else between))
        if final:
            return steps
        del groups[last]
        merged = []
        for n, reduced in groups:
            if merged and merged[-1][1] == reduced:
                merged[-1][0] *= n
            else:
                merged.append([n, reduced])
        groups = merged
        name = _JOIN.get(name, name)


def any_reduced(groups) -> bool:
    """Whether one of the groups is reduced."""
    for _, reduced in groups:
        if reduced:
            return True
    return False


def reduce(name: str, x, axis=None, keepdims: bool = False, dtype=None):
    """Reduce `x` over `axis` with one of `OPS`.

    Args:
        name: the operation.
        x: array of any dtype; mean and logsumexp need floats.
        axis: None, an axis, or a tuple of axes.
        keepdims: keep reduced dimensions with size 1.
        dtype: of the result. Default: x's; bool for any and all; int32 for argmax, argmin and sums of bool.

    Raises:
        ValueError: an axis is out of range, or max/min over an axis of size 0.

    Example:
        reduce("sum", np.ones((2, 3), "float32"), axis=0)  # [2, 2, 2]
    """
    key = (name, x.shape, x.dtype, axis if type(axis) is not list else tuple(axis), keepdims, dtype)
    plan = _plans.get(key)
    if plan is None:
        axes = normalize_axes(name, axis, len(x.shape))
        shape = tuple(1 if d in axes else n for d, n in enumerate(x.shape) if keepdims or d not in axes)
        plan = shape, _steps(name, x.shape, axes, x.dtype, _result_dtype(name, x.dtype, dtype))
        if len(_plans) >= _LIMIT:
            _plans.clear()
        _plans[key] = plan
    shape, steps = plan
    if not x.flags.c_contiguous:
        x = _contiguous(x)
    for spec, size, step_dtype in steps:
        out = empty((size,) if step_dtype is not steps[-1][2] or spec is not steps[-1][0] else shape, step_dtype, x)
        launch("reduce", (x,), (out,), spec)
        x = out
    return x


def _result_dtype(name, dtype, wanted):
    if wanted is not None:
        return numpy_dtype(wanted)
    if name in ("any", "all"):
        return np.dtype(bool)
    if name in ("argmax", "argmin") or (dtype.kind == "b" and name not in ("max", "min")):
        return np.dtype("int32")
    if name in ("mean", "logsumexp") and dtype.kind in "iub":
        raise ValueError(f"{name}: needs a float array, got {dtype}; cast it first")
    return dtype


def sum(x, axis=None, keepdims=False, dtype=None):
    """Sum over `axis`."""
    return reduce("sum", x, axis, keepdims, dtype)


def mean(x, axis=None, keepdims=False, dtype=None):
    """Mean over `axis` of a float array; NaN for no elements."""
    return reduce("mean", x, axis, keepdims, dtype)


def max(x, axis=None, keepdims=False):
    """Largest element over `axis`; NaN if there is one."""
    return reduce("max", x, axis, keepdims)


def min(x, axis=None, keepdims=False):
    """Smallest element over `axis`; NaN if there is one."""
    return reduce("min", x, axis, keepdims)


def prod(x, axis=None, keepdims=False, dtype=None):
    """Product over `axis`."""
    return reduce("prod", x, axis, keepdims, dtype)


def any(x, axis=None, keepdims=False):
    """Whether any element over `axis` is not zero."""
    return reduce("any", x, axis, keepdims)


def all(x, axis=None, keepdims=False):
    """Whether all elements over `axis` are not zero."""
    return reduce("all", x, axis, keepdims)


def sum_of_squares(x, axis=None, keepdims=False, dtype=None):
    """Sum of x * x over `axis`."""
    return reduce("sum_of_squares", x, axis, keepdims, dtype)


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over `axis`, without overflow."""
    return reduce("logsumexp", x, axis, keepdims)


def var(x, axis=None, keepdims=False):
    """Variance over `axis` (divided by the count), from the mean of squared differences to the mean."""
    center = reduce("mean", x, axis, True)
    return reduce("mean", elementwise("squared_difference", x, center), axis, keepdims)


def argmax(x, axis=None, keepdims=False, dtype="int32"):
    """Index of the first largest element along one axis, or of the flattened array; the first NaN if there is one."""
    return _arg("argmax", x, axis, keepdims, dtype)


def argmin(x, axis=None, keepdims=False, dtype="int32"):
    """Index of the first smallest element along one axis, or of the flattened array; the first NaN if there is one."""
    return _arg("argmin", x, axis, keepdims, dtype)


def _arg(name, x, axis, keepdims, dtype):
    if axis is not None and not isinstance(axis, (int, np.integer)):
        raise ValueError(f"{name}: axis must be None or one number, got {axis!r}")
    if axis is None and len(x.shape) > 1:
        if not x.flags.c_contiguous:
            x = _contiguous(x)
        flat = reduce(name, x.reshape(-1), 0, False, dtype)
        return flat.reshape((1,) * len(x.shape)) if keepdims else flat
    return reduce(name, x, axis, keepdims, dtype)


def scan(name: str, x, axis=None, reverse: bool = False, exclusive: bool = False, dtype=None):
    """Cumulative operation of `SCANS` along one axis, or over the flattened array for None.

    Args:
        reverse: from the end to the start.
        exclusive: leave the element itself out, starting from 0 or 1; for sums and products.
        dtype: of the result, default x's (int32 for bool).

    Example:
        scan("cumsum", np.array([1.0, 2.0, 3.0], "float32"))  # [1, 3, 6]
    """
    if not x.flags.c_contiguous:
        x = _contiguous(x)
    if axis is None:
        x, axis = x.reshape(-1), 0
    (axis,) = normalize_axes(name, int(axis), len(x.shape))
    out = empty(x.shape, numpy_dtype(dtype) if dtype else (np.dtype("int32") if x.dtype.kind == "b" else x.dtype), x)
    outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    launch("scan", (x,), (out,), ScanSpec(SCANS.index(name), outer, x.shape[axis], inner, bool(reverse), bool(exclusive)))
    return out


def cumsum(x, axis=None, reverse=False, exclusive=False, dtype=None):
    """Running sum along `axis`."""
    return scan("cumsum", x, axis, reverse, exclusive, dtype)


def cumprod(x, axis=None, reverse=False, exclusive=False, dtype=None):
    """Running product along `axis`."""
    return scan("cumprod", x, axis, reverse, exclusive, dtype)


def cummax(x, axis=None, reverse=False):
    """Running maximum along `axis`; NaN from the first NaN on."""
    return scan("cummax", x, axis, reverse)


def cummin(x, axis=None, reverse=False):
    """Running minimum along `axis`; NaN from the first NaN on."""
    return scan("cummin", x, axis, reverse)
