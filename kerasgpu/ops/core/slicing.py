"""Blocks and rows: slice, slice_update, scatter, scatter_update. Indices that are tensors are never read on the host."""

from __future__ import annotations

import builtins
import math

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, creation, selection, shaping
from kerasgpu.ops.numpy import indexing as indexing_ops
from kerasgpu.ops.primitives import indexing, movement, scatters
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["scatter", "scatter_update", "slice", "slice_update"]

_REDUCTIONS = (None, "add", "max", "min", "mul")


def _starts(start_indices, ndim, name):
    """A list of ints, or of ints and scalar tensors."""
    if isinstance(start_indices, Tensor):
        if start_indices.shape not in ((ndim,), ()) or (start_indices.shape == () and ndim != 1):
            raise ValueError(f"{name}: start_indices needs one number per dim ({ndim}); received shape {start_indices.shape}")
        starts = [start_indices] if start_indices.ndim == 0 else [start_indices[k] for k in range(ndim)]
    else:
        starts = [s if isinstance(s, Tensor) else int(s) for s in start_indices]
    if len(starts) != ndim:
        raise ValueError(
            f"{name}: number of dimensions in `start_indices` must match the number of dimensions in `inputs`. "
            f"Received: {len(starts)} start_indices for {ndim} dimensions"
        )
    return starts


def _clamped(starts, shape, sizes):
    """Starts moved so that the block lies inside, as JAX does; a negative one counts from the end."""
    return tuple(min(max(s + n if s < 0 else s, 0), n - m) for s, n, m in zip(starts, shape, sizes))


def _range(start, n, size):
    """size indices from a scalar tensor on, clamped into an axis of n."""
    start = casting.cast(start, "int32")
    start = selection.where(start < 0, start + n, start)
    return arithmetic.clip(start, 0, n - size) + creation.arange(size, dtype="int32")


@symbolic
def slice(inputs, start_indices, shape):
    """The block of `inputs` that starts at start_indices and has `shape`; -1 in shape takes all that is left.

    The start may be a tensor. It is moved where the block would not lie inside.

    >>> import kerasgpu as keras
    >>> keras.ops.slice(keras.ops.arange(6), (2,), (3,)).tolist()
    [2, 3, 4]
    """
    x = convert_to_tensor(inputs)
    starts = _starts(start_indices, x.ndim, "slice")
    if len(shape) != x.ndim:
        raise ValueError(
            "slice: number of dimensions in `inputs` must match the number of dimensions in `shape`. "
            f"Received: inputs.shape={x.shape}, shape={tuple(shape)}"
        )
    sizes = []
    for k, m in enumerate(shape):
        if m == -1:
            starts[k] = int(starts[k])  # the size of the result depends on it
            m = x.shape[k] - starts[k]
        if not 0 <= m <= x.shape[k]:
            raise ValueError(f"slice: shape={tuple(shape)} does not fit in inputs of shape {x.shape}")
        sizes.append(int(m))
    if not any(isinstance(s, Tensor) for s in starts):
        return movement.strided_slice(x, _clamped(starts, x.shape, sizes), (1,) * x.ndim, tuple(sizes))
    for k, (s, m) in enumerate(zip(starts, sizes)):
        if isinstance(s, Tensor):
            x = indexing.take(x, _range(s, x.shape[k], m), k, "clip")
        elif m != x.shape[k]:
            begin = _clamped([s], [x.shape[k]], [m])[0]
            x = indexing_ops.get_item(x, (*[builtins.slice(None)] * k, builtins.slice(begin, begin + m)))
    return x


@symbolic
def slice_update(inputs, start_indices, updates):
    """`inputs` with the block that starts at start_indices replaced by `updates`. The start may be a tensor.

    >>> import kerasgpu as keras
    >>> keras.ops.slice_update(keras.ops.zeros(4), (1,), keras.ops.ones(2)).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    x = convert_to_tensor(inputs)
    updates = as_tensor(updates, x.dtype)
    starts = _starts(start_indices, x.ndim, "slice_update")
    if updates.ndim != x.ndim or any(m > n for m, n in zip(updates.shape, x.shape)):
        raise ValueError(f"slice_update: updates of shape {updates.shape} do not fit in inputs of shape {x.shape}")
    if not any(isinstance(s, Tensor) for s in starts):
        return movement.slice_assign(x, updates, _clamped(starts, x.shape, updates.shape), (1,) * x.ndim)
    flat = 0
    for k, s in enumerate(starts):
        n, m = x.shape[k], updates.shape[k]
        place = _range(s if isinstance(s, Tensor) else convert_to_tensor(s), n, m)
        stride = math.prod(x.shape[k + 1 :])
        flat = flat + shaping.reshape(casting.cast(place, "int64") * stride, (m, *[1] * (x.ndim - 1 - k)))
    out = indexing.scatter_update(shaping.reshape(x, (-1,)), shaping.reshape(flat, (-1,)), shaping.reshape(updates, (-1,)))
    return shaping.reshape(out, x.shape)


def _rows(indices, shape, name):
    """(row numbers, number of rows, shape of a row) for index tuples (..., k) into the first k dims of `shape`."""
    indices = convert_to_tensor(indices)
    if indices.ndim == 0 or indices.shape[-1] > len(shape):
        raise ValueError(f"{name}: indices of shape {indices.shape} do not index a tensor of shape {tuple(shape)}")
    if indices.dtype not in ("int32", "int64"):
        indices = casting.cast(indices, "int64")
    k = indices.shape[-1]
    return scatters.ravel_indices(indices, tuple(shape[:k])), math.prod(shape[:k]), tuple(shape[k:])


def _row_updates(values, indices, row, name):
    """`values` as one row per index."""
    wanted = (*indices.shape, *row)
    try:
        values = shaping.broadcast_to(values, wanted)
    except ValueError:
        raise ValueError(f"{name}: values of shape {values.shape} do not fit; these indices need shape {wanted}") from None
    return shaping.reshape(values, (math.prod(indices.shape), *row))


@symbolic
def scatter(indices, values, shape):
    """Zeros of `shape`, with values[i] added at the position indices[i].

    Args:
        indices: integers of shape (..., k): tuples of indices into the first k dims.
        values: tensor of shape (..., *shape[k:]).
        shape: tuple of ints.

    Positions outside are skipped.

    >>> import kerasgpu as keras
    >>> keras.ops.scatter([[1], [1]], [2.0, 3.0], (3,)).tolist()
    [0.0, 5.0, 0.0]
    """
    values = convert_to_tensor(values)
    shape = tuple(int(d) for d in shape)
    flat, rows, row = _rows(indices, shape, "scatter")
    updates = _row_updates(values, flat, row, "scatter")
    return shaping.reshape(indexing.scatter_add(shaping.reshape(flat, (-1,)), updates, (rows, *row)), shape)


@symbolic
def scatter_update(inputs, indices, updates, reduction=None):
    """`inputs` with updates[i] written at the position indices[i].

    Args:
        inputs: tensor.
        indices: integers of shape (..., k): tuples of indices into the first k dims of inputs.
        updates: tensor of shape (..., *inputs.shape[k:]).
        reduction: None to replace (the last update of a position wins), or "add", "max", "min", "mul".

    >>> import kerasgpu as keras
    >>> keras.ops.scatter_update([1.0, 1.0], [[1]], [5.0], reduction="add").tolist()
    [1.0, 6.0]
    """
    reduction = reduction.lower() if isinstance(reduction, str) else reduction
    if reduction not in _REDUCTIONS:
        raise ValueError(f"Invalid reduction: {reduction}. Supported values are: None, 'add', 'max', 'min', 'mul'.")
    x = convert_to_tensor(inputs)
    updates = as_tensor(updates, x.dtype)
    flat, rows, row = _rows(indices, x.shape, "scatter_update")
    updates = _row_updates(updates, flat, row, "scatter_update")
    flat = shaping.reshape(flat, (-1,))
    table = shaping.reshape(x, (rows, *row))
    if reduction is None:
        table = indexing.scatter_update(table, flat, updates)
    elif reduction == "add":
        table = table + indexing.scatter_add(flat, updates, table.shape)
    elif reduction == "mul":
        table = table * scatters.scatter_product(flat, updates, table.shape)
    else:
        table = scatters.scatter_extreme(table, flat, updates, reduction)
    return shaping.reshape(table, x.shape)
