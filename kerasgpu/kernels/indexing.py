"""Kernels that read or write by index: take, gather for training, scatter, one-hot, counting.

Indices are int32 or int64 arrays; other integer dtypes are cast. A bad index never reads or writes outside an array.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from kerasgpu.kernels.elementwise import cast
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.movement import copy, full, normalize_axis, transpose
from kerasgpu.kernels.spec import parameters

_MODES = {"fill": 0, "clip": 1, "wrap": 2}
_INDEX_DTYPES = ("int32", "int64")


@parameters("take", "take_along_axis")
class TakeSpec(NamedTuple):
    """See csrc/cpu/gather.cpp."""

    outer: int
    n: int
    inner: int
    count: int  # type: ignore[assignment]
    mode: int


@parameters("ravel_indices")
class RavelSpec(NamedTuple):
    """`count` index tuples into a box of these dims."""

    count: int  # type: ignore[assignment]
    ndim: int
    dims: tuple[int, ...]


@parameters("gather_rows")
class GatherRowsSpec(NamedTuple):
    """See csrc/cpu/gather_rows.cpp."""

    rows: int
    inner: int
    total: int
    batch: int


@parameters("store_rows")
class StoreRowsSpec(NamedTuple):
    """See csrc/cpu/gather_rows.cpp."""

    rows: int
    inner: int
    batch: int


@parameters("scatter_add", "scatter_update", "scatter_max", "scatter_min")
class ScatterSpec(NamedTuple):
    """See csrc/cpu/scatter.cpp."""

    rows: int
    inner: int
    count: int  # type: ignore[assignment]
    zero_first: bool


@parameters("one_hot")
class OneHotSpec(NamedTuple):
    """The sizes before, of and after the new axis."""

    outer: int
    depth: int
    inner: int


@parameters("bincount")
class BincountSpec(NamedTuple):
    """`rows` rows of n values below `length`."""

    rows: int
    n: int
    length: int


def as_indices(name: str, indices):
    """`indices` as int32 or int64 (uint64 above 2^63 becomes a negative number, which is out of range)."""
    if indices.dtype in _INDEX_DTYPES:
        return indices
    if indices.dtype.kind not in "iub":
        raise ValueError(f"{name}: indices must be integers. Received: dtype {indices.dtype}, shape {indices.shape}")
    return cast(indices, "int32" if indices.dtype.itemsize < 4 else "int64")


def _mode(name, mode):
    if mode not in _MODES:
        raise ValueError(f"{name}: mode {mode!r} is not known; use one of {', '.join(_MODES)}")
    return _MODES[mode]


def take(x, indices, axis: int = 0, mode: str = "fill", bad_count=None):
    """x[..., indices, ...] along `axis`; the shape of `indices` replaces that axis.

    Args:
        x: array of any dtype.
        indices: integers of any shape; negative ones count from the end.
        mode: what an index outside gives: "fill" NaN (floats) or 0, "clip" the nearest end, "wrap" modulo the size.
        bad_count: int32 array of 1 element that receives the number of indices outside, or None.

    >>> take(np.array([10, 20, 30]), np.array([[2, 0]]))
    array([[30, 10]])
    """
    axis = normalize_axis("take", axis, x.ndim)
    indices = as_indices("take", indices)
    shape = x.shape
    y = empty(shape[:axis] + indices.shape + shape[axis + 1 :], x.dtype, x)
    outs = (y,) if bad_count is None else (y, bad_count)
    spec = TakeSpec(prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]), indices.size, _mode("take", mode))
    launch("take", (x, indices), outs, spec)
    return y


def take_along_axis(x, indices, axis: int = -1, mode: str = "fill", bad_count=None):
    """y[..., c, ...] = x[..., indices[..., c, ...], ...] along `axis`; y has the shape of `indices`.

    The other axes of `indices` must have x's sizes (broadcast before calling).
    """
    axis = normalize_axis("take_along_axis", axis, x.ndim)
    indices = as_indices("take_along_axis", indices)
    shape = x.shape
    if indices.ndim != x.ndim or indices.shape[:axis] != shape[:axis] or indices.shape[axis + 1 :] != shape[axis + 1 :]:
        raise ValueError(f"take_along_axis: x is {shape}, indices are {indices.shape}; they may differ along axis {axis} only")
    y = empty(indices.shape, x.dtype, x)
    outs = (y,) if bad_count is None else (y, bad_count)
    inner, number = prod(shape[axis + 1 :]), _mode("take_along_axis", mode)
    launch("take_along_axis", (x, indices), outs, TakeSpec(prod(shape[:axis]), shape[axis], inner, indices.shape[axis], number))
    return y


def ravel_indices(indices, dims):
    """Row-major numbers (int64) of the index tuples indices (..., k) in a box of shape `dims` of length k.

    A tuple outside the box becomes the smallest int64, which every kernel here treats as out of range.
    """
    indices = as_indices("ravel_indices", indices)
    dims = tuple(dims)
    if indices.ndim == 0 or indices.shape[-1] != len(dims):
        raise ValueError(
            f"ravel_indices: indices {indices.shape} need a last axis of size {len(dims)}, one number for each of {dims}"
        )
    flat = empty(indices.shape[:-1], "int64", indices)
    launch("ravel_indices", (indices,), (flat,), RavelSpec(flat.size, len(dims), dims))
    return flat


def gather_nd(x, indices):
    """x[tuple(indices[i])] for each i: indices (..., k) pick along the first k axes of x; y is (..., *x.shape[k:])."""
    k = indices.shape[-1] if indices.ndim else 0
    if k > x.ndim or indices.ndim == 0:
        raise ValueError(f"gather_nd: indices {indices.shape} pick along {k} axes, but x is {x.shape}")
    flat = ravel_indices(indices, x.shape[:k])
    return take(x.reshape((prod(x.shape[:k]), *x.shape[k:])), flat, 0)


def gather_rows(data, perm, cursor, out):
    """out[i] = data[perm[cursor[0] + i]], converted to out's dtype: the batch of one training step, written in place.

    Args:
        data: (rows, ...), uint8, int32, int64, float32 or float64; any dtype when out has the same.
        perm: int64 (total,): the order of the rows. An entry outside `data` raises ValueError before anything is written.
        cursor: int64 (1,): where the batch starts in `perm`.
        out: (batch, ...): float32, int32, int64 or data's dtype.
    """
    if data.ndim < 1 or out.shape[1:] != data.shape[1:] or perm.ndim != 1:
        raise ValueError(
            f"gather_rows: data {data.shape}, perm {perm.shape}, out {out.shape}: out must be (batch, *data.shape[1:])"
        )
    spec = GatherRowsSpec(data.shape[0], prod(data.shape[1:]), perm.size, out.shape[0])
    launch("gather_rows", (data, perm, cursor), (out,), spec)
    return out


def store_rows(batch, cursor, out):
    """out[cursor[0] + i] = batch[i] in place; rows past the end of `out` (the padding of a last batch) are dropped."""
    if batch.ndim < 1 or batch.shape[1:] != out.shape[1:] or batch.dtype != out.dtype:
        raise ValueError(f"store_rows: batch is {batch.dtype} {batch.shape}, out is {out.dtype} {out.shape}; rows must match")
    launch("store_rows", (batch, cursor), (out,), StoreRowsSpec(out.shape[0], prod(out.shape[1:]), batch.shape[0]))
    return out


def _scatter(name, out, indices, updates, zero_first=False):
    indices = as_indices(name, indices)
    n = indices.ndim
    if out.ndim < 1 or updates.shape != indices.shape + out.shape[1:] or updates.dtype != out.dtype:
        raise ValueError(
            f"{name}: out is {out.dtype} {out.shape}, indices {indices.shape}, updates {updates.dtype} {updates.shape}; "
            f"updates must be {out.dtype} {indices.shape[:n] + out.shape[1:]}"
        )
    launch(name, (indices, updates), (out,), ScatterSpec(out.shape[0], prod(out.shape[1:]), indices.size, bool(zero_first)))
    return out


def scatter_add(out, indices, updates, zero_first=False):
    """out[indices[k]] += updates[k] in place, in the order of k for every element (the same bits on every run).

    Args:
        out: (rows, ...). zero_first clears it before.
        indices: integers of any shape; one outside [-rows, rows) is skipped.
        updates: indices.shape + out.shape[1:], out's dtype.

    >>> scatter_add(np.zeros(3), np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]))
    array([1., 0., 5.])
    """
    return _scatter("scatter_add", out, indices, updates, zero_first)


def scatter_update(out, indices, updates):
    """out[indices[k]] = updates[k] in place; the last one wins. Bad indices are skipped."""
    return _scatter("scatter_update", out, indices, updates)


def scatter_max(out, indices, updates):
    """out[indices[k]] = max(out[indices[k]], updates[k]) in place. NaN stays. Bad indices are skipped."""
    return _scatter("scatter_max", out, indices, updates)


def scatter_min(out, indices, updates):
    """out[indices[k]] = min(out[indices[k]], updates[k]) in place. NaN stays. Bad indices are skipped."""
    return _scatter("scatter_min", out, indices, updates)


def take_grad(g, indices, shape, axis: int = 0):
    """The gradient of take with respect to x of `shape`: g summed into zeros at `indices` (embedding gradient)."""
    axis = normalize_axis("take_grad", axis, len(shape))
    indices = as_indices("take_grad", indices)
    if g.shape != shape[:axis] + indices.shape + shape[axis + 1 :]:
        raise ValueError(
            f"take_grad: g is {g.shape}, but taking {indices.shape} of {shape} along axis {axis} has another shape"
        )
    out = empty(shape, g.dtype, g)
    if axis == 0:
        return scatter_add(out, indices, g, zero_first=True)

    outer, n, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    rows = transpose(g.reshape((outer, indices.size, inner)), (1, 0, 2))
    summed = scatter_add(empty((n, outer, inner), g.dtype, g), indices.reshape((-1,)), rows, zero_first=True)
    return transpose(summed, (1, 0, 2)).reshape(shape)


def scatter_nd(indices, updates, shape):
    """Zeros of `shape` with updates[i] added at index tuple indices[i] (keras.ops.scatter)."""
    shape = tuple(shape)
    k = indices.shape[-1]
    flat = ravel_indices(indices, shape[:k])
    out = full(shape, 0, updates.dtype, updates)
    scatter_add(out.reshape((prod(shape[:k]), *shape[k:])), flat, updates)
    return out


def scatter_nd_update(x, indices, updates):
    """A copy of x with updates[i] written at index tuple indices[i]."""
    k = indices.shape[-1]
    flat = ravel_indices(indices, x.shape[:k])
    out = copy(x)
    scatter_update(out.reshape((prod(x.shape[:k]), *x.shape[k:])), flat, updates)
    return out


def one_hot(indices, depth: int, axis: int = -1, dtype="float32"):
    """1 at position indices[...] of a new axis of size `depth`, 0 elsewhere; an index outside [0, depth) gives zeros.

    >>> one_hot(np.array([1, 3]), 3)
    array([[0., 1., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    axis = normalize_axis("one_hot", axis, indices.ndim + 1)
    if indices.dtype.kind not in "iub":
        raise ValueError(f"one_hot: indices must be integers. Received: dtype {indices.dtype}, shape {indices.shape}")
    shape = indices.shape
    y = empty((*shape[:axis], depth, *shape[axis:]), dtype, indices)
    launch("one_hot", (indices,), (y,), OneHotSpec(prod(shape[:axis]), depth, prod(shape[axis:])))
    return y


def bincount(x, length: int, weights=None, dtype="int32"):
    """How often each value 0 .. length - 1 occurs along the last axis of x, or the sum of its weights.

    Args:
        x: integers (n,) or (rows, n); values outside are skipped.
        weights: array of x's shape, int32, int64, float32 or float64; its dtype is that of the result.
    """
    if x.ndim not in (1, 2) or x.dtype.kind not in "iub" or (weights is not None and weights.shape != x.shape):
        raise ValueError(
            f"bincount: x must be integers (n,) or (rows, n), weights of that shape. Received: {x.dtype} {x.shape}"
        )
    if length < 0:
        raise ValueError(f"bincount: length must not be negative. Received: {length}")
    y = empty((*x.shape[:-1], length), dtype if weights is None else weights.dtype, x)
    spec = BincountSpec(prod(x.shape[:-1]), x.shape[-1], length)
    launch("bincount", (x,) if weights is None else (x, weights), (y,), spec)
    return y
