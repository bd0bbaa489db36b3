"""keras.ops.numpy: reading elements by index, mask or condition."""

from __future__ import annotations

import operator

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import depends_on_small_sizes, symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import comparison, logical, selection, sets, shaping
from kerasgpu.ops.primitives import indexing as p
from kerasgpu.ops.primitives import movement
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import broadcast_shapes, count, one_axis


def index_tensor(indices, name):
    """Indices as an int32 or int64 tensor."""
    indices = as_tensor(indices)
    if indices.dtype in ("int32", "int64"):
        return indices
    if dtypes.is_float(indices.dtype) and indices.size and type(indices) is not MetaTensor:
        raise TypeError(f"{name}: indices must be integers. Received dtype {indices.dtype}")
    return casting.cast(indices, "int64" if indices.dtype in ("uint32", "uint64") else "int32")


@symbolic
def take(x, indices, axis=None):
    """The slices of x at `indices` along an axis; of the flattened tensor for axis=None.

    Negative indices count from the end. One outside gives NaN, in integer tensors 0.

    >>> import kerasgpu as keras
    >>> keras.ops.take([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)
    """
    x = as_tensor(x)
    indices = index_tensor(indices, "take")
    if axis is None:
        return p.take(shaping.ravel(x), indices, 0)
    return p.take(x, indices, one_axis(axis, x.ndim, "take"))


@symbolic
def take_along_axis(x, indices, axis=None):
    """Element indices[..., k, ...] of each line of x along an axis; the other dimensions broadcast.

    >>> import kerasgpu as keras
    >>> keras.ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).numpy()
    array([[2],
           [3]], dtype=int32)
    """
    x = as_tensor(x)
    indices = index_tensor(indices, "take_along_axis")
    if axis is None:
        return p.take(shaping.ravel(x), shaping.ravel(indices), 0)
    if x.ndim != indices.ndim:
        raise ValueError(f"take_along_axis: x and indices must have as many dimensions; received {x.shape} and {indices.shape}")
    axis = one_axis(axis, x.ndim, "take_along_axis")
    lead = broadcast_shapes("take_along_axis", _without(x.shape, axis), _without(indices.shape, axis))
    x = shaping.broadcast_to(x, (*lead[:axis], x.shape[axis], *lead[axis:]))
    indices = shaping.broadcast_to(indices, (*lead[:axis], indices.shape[axis], *lead[axis:]))
    return p.take_along_axis(x, indices, axis)


def _without(shape, axis):
    return shape[:axis] + shape[axis + 1 :]


@depends_on_small_sizes
@symbolic
def get_item(x, key):
    """x[key], with NumPy's rules: numbers, slices, None, ..., integer tensors and bool masks.

    >>> import kerasgpu as keras
    >>> keras.ops.get_item([[1, 2], [3, 4]], (slice(None), 1)).numpy()
    array([2, 4], dtype=int32)
    """
    x = as_tensor(x)
    if type(key) is int and x.shape and -x.shape[0] <= key < x.shape[0]:  # one row: the usual case in loops
        shape, rest = x.shape, len(x.shape) - 1
        start = key + shape[0] if key < 0 else key
        return movement.strided_slice(x, (start, *(0,) * rest), (1,) * (rest + 1), (1, *shape[1:]), shape[1:])
    steps = _expand(x, key if isinstance(key, tuple) else (key,))
    if steps is None:
        return x
    starts, strides, sizes, shape, arrays = steps
    shape = tuple(shape)
    if sizes != x.shape or any(s < 0 for s in strides):
        x = movement.strided_slice(x, tuple(starts), tuple(strides), sizes, None if shape == sizes else shape)
    elif x.shape != shape:
        x = movement.reshape(x, shape)
    return _by_arrays(x, arrays) if arrays else x


def _expand(x, keys):
    """What a key does to x: a box of it (starts, strides, sizes), the shape to see that in, {axis: index array} on it."""
    if all(k is Ellipsis for k in keys):
        return None
    keys = [_standard(k) for k in keys]
    used = sum(k.ndim if getattr(k, "dtype", None) == "bool" else 1 for k in keys if k is not None and k is not Ellipsis)
    if used > x.ndim:
        raise IndexError(f"get_item: too many indices ({used}) for a tensor of shape {x.shape}")
    dots = [k for k, key in enumerate(keys) if key is Ellipsis]  # not keys.index: == on tensors compares elements
    if len(dots) > 1:
        raise IndexError("get_item: an index can only have a single ellipsis ('...')")
    at = dots[0] if dots else len(keys)
    keys = [*keys[:at], *[slice(None)] * (x.ndim - used), *keys[at + 1 :]]
    arrays = any(isinstance(k, Tensor) for k in keys)
    starts, strides, sizes, shape, places = [], [], [], [], {}
    for k in keys:
        d = len(starts)
        if k is None:
            shape.append(1)
        elif isinstance(k, slice):
            begin, end, step = k.indices(x.shape[d])
            n = len(range(begin, end, step))
            starts.append(begin if n else 0)
            strides.append(step)
            sizes.append(n)
            shape.append(n)
        elif isinstance(k, Tensor):
            for column in _columns(k, x.shape[d : d + k.ndim]) if k.dtype == "bool" else [k]:
                size = x.shape[len(starts)]
                places[len(shape)] = column
                starts.append(0)
                strides.append(1)
                sizes.append(size)
                shape.append(size)
        else:
            n = x.shape[d]
            if not -n <= k < n:
                raise IndexError(f"get_item: index {k} is out of bounds for dimension {d} of size {n} (shape {x.shape})")
            if arrays:  # a number next to arrays takes part in their broadcast
                places[len(shape)] = as_tensor(k)
                starts.append(0)
                strides.append(1)
                sizes.append(n)
                shape.append(n)
            else:
                starts.append(k + n if k < 0 else k)
                strides.append(1)
                sizes.append(1)
    return starts, strides, tuple(sizes), shape, places


def _standard(k):
    if k is None or k is Ellipsis or type(k) is int:
        return k
    if isinstance(k, slice):
        return slice(*(None if v is None else operator.index(v) for v in (k.start, k.stop, k.step)))
    if isinstance(k, (bool, np.bool_)):
        return as_tensor(bool(k))
    if isinstance(k, np.integer):
        return int(k)
    k = as_tensor(k)
    if k.size == 0 and k.dtype != "bool":
        k = casting.cast(k, "int32")
    if not (k.dtype == "bool" or dtypes.is_int(k.dtype)):
        raise IndexError(
            f"get_item: indices must be integers, slices, None, '...', or integer or bool tensors; received dtype {k.dtype}"
        )
    return k


def _columns(mask, shape):
    """Index vectors of the true places of a mask over dims of this shape."""
    if mask.shape != shape:
        raise IndexError(f"get_item: a bool mask of shape {mask.shape} does not fit dimensions of shape {shape}")
    return sets.nonzero(mask)


def _by_arrays(x, places):
    """x indexed by arrays at some axes: they broadcast together, and their dims come where they stood (first if apart)."""
    axes = sorted(places)
    shape = broadcast_shapes("get_item", *(places[a].shape for a in axes))
    together = axes[-1] - axes[0] + 1 == len(axes)
    front = axes[0] if together else 0
    if len(axes) == 1:
        return p.take(x, index_tensor(places[axes[0]], "get_item"), axes[0])
    rest = [a for a in range(x.ndim) if a not in axes]
    flat = None
    for a in axes:
        index = casting.cast(places[a], "int64")
        n = x.shape[a]
        index = selection.where(
            logical.logical_or(comparison.less(index, -n), comparison.greater_equal(index, n)),
            -(2**62),
            selection.where(index < 0, index + n, index),
        )
        flat = index if flat is None else selection.where(logical.logical_or(flat < 0, index < 0), -(2**62), flat * n + index)
    flat = shaping.broadcast_to(flat, shape)
    dims = [x.shape[a] for a in rest]
    rows = shaping.reshape(shaping.transpose(x, (*axes, *rest)), (count(x.shape[a] for a in axes), *dims))
    out = p.take(rows, flat, 0)
    if front:
        order = (*range(len(shape), len(shape) + front), *range(len(shape)), *range(len(shape) + front, out.ndim))
        out = shaping.transpose(out, order)
    return out
