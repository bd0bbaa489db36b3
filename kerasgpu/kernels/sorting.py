"""Sorting, selection and search along one axis. NaN counts as the largest value, as in NumPy; equal values keep their order."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from kerasgpu.kernels.indexing import as_indices
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.movement import normalize_axis, transpose
from kerasgpu.kernels.spec import parameters


@parameters("sort", "argsort")
class SortSpec(NamedTuple):
    """`rows` rows of n elements."""

    rows: int
    n: int
    descending: bool


@parameters("top_k")
class TopKSpec(NamedTuple):
    """`rows` rows of n elements."""

    rows: int
    n: int
    k: int


@parameters("in_top_k")
class InTopKSpec(NamedTuple):
    """`rows` rows of predictions."""

    rows: int
    classes: int
    k: int


@parameters("searchsorted")
class SearchSpec(NamedTuple):
    """n sorted elements, m values; whether equal ones go to the right."""

    n: int
    m: int
    right: bool


def _last(x, axis):
    """x with `axis` moved to the end, and the permutation that moves it back (None if it was there)."""
    if axis == x.ndim - 1:
        return x, None
    perm = [d for d in range(x.ndim) if d != axis] + [axis]
    back = list(range(x.ndim - 1))
    back.insert(axis, x.ndim - 1)
    return transpose(x, perm), back


def _order(name, x, axis, descending, dtype):
    axis = normalize_axis(name, axis, x.ndim)
    moved, back = _last(x, axis)
    y = empty(moved.shape, x.dtype if dtype is None else dtype, x)
    launch(name, (moved,), (y,), SortSpec(prod(moved.shape[:-1]), moved.shape[-1], bool(descending)))
    return y if back is None else transpose(y, back)


def sort(x, axis: int = -1, descending: bool = False):
    """The values of x in order along `axis`; any dtype.

    >>> import numpy as np
    >>> sort(np.array([3, 1, 2]))
    array([1, 2, 3])
    """
    return _order("sort", x, axis, descending, None)


def argsort(x, axis: int = -1, descending: bool = False, dtype="int32"):
    """The indices (int32 or int64) that sort x along `axis`, stable."""
    return _order("argsort", x, axis, descending, dtype)


def top_k(x, k: int):
    """The k largest values of each row x (..., n) in descending order, and their int32 indices; ties: the lowest index first.

    >>> import numpy as np
    >>> top_k(np.array([1.0, 5.0, 3.0]), 2)
    (array([5., 3.]), array([1, 2], dtype=int32))
    """
    if x.ndim < 1 or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"top_k: k={k} must be at most the last axis of x {x.shape}")
    shape = (*x.shape[:-1], k)
    values, indices = empty(shape, x.dtype, x), empty(shape, "int32", x)
    launch("top_k", (x,), (values, indices), TopKSpec(prod(x.shape[:-1]), x.shape[-1], k))
    return values, indices


def in_top_k(targets, predictions, k: int):
    """Whether each target class is among the k largest predictions: bool (rows,).

    Args:
        targets: integers (rows,); one that is no class gives False.
        predictions: floats (rows, classes). A tie with the target's own value does not push it out.
    """
    targets = as_indices("in_top_k", targets)
    if targets.ndim != 1 or predictions.ndim != 2 or predictions.shape[0] != targets.shape[0]:
        raise ValueError(
            f"in_top_k: need targets (rows,), predictions (rows, classes). Received: {targets.shape}, {predictions.shape}"
        )
    y = empty(targets.shape, "bool", predictions)
    launch("in_top_k", (targets, predictions), (y,), InTopKSpec(predictions.shape[0], predictions.shape[1], k))
    return y


def searchsorted(sorted_sequence, values, side: str = "left", dtype="int32"):
    """Where each value would be inserted into sorted_sequence (n,) to keep it sorted (numpy.searchsorted), of one dtype."""
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: side must be "left" or "right". Received: side={side!r}')
    if sorted_sequence.ndim != 1 or sorted_sequence.dtype != values.dtype:
        raise ValueError(
            f"searchsorted: sorted_sequence must be (n,) of the dtype of values. Received: {sorted_sequence.dtype} "
            f"{sorted_sequence.shape}, {values.dtype} {values.shape}"
        )
    y = empty(values.shape, dtype, values)
    launch("searchsorted", (sorted_sequence, values), (y,), SearchSpec(sorted_sequence.size, values.size, side == "right"))
    return y
