"""Reductions of the rows that carry the same number: segment_sum, segment_max, segment_min, segment_prod."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, convert_to_tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import creation, reduction, selection
from kerasgpu.ops.primitives import indexing, scatters

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _checked(data, segment_ids, num_segments, name):
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    if ids.ndim != 1:
        raise ValueError(
            f"Argument `segment_ids` should be an 1-D vector, got shape: {ids.shape}. Consider either flatten input with "
            "segment_ids.reshape((-1)) and data.reshape((-1, ) + data.shape[len(segment_ids.shape):]) or vectorize with vmap."
        )
    if data.ndim < 1 or ids.shape[0] != data.shape[0]:
        raise ValueError(
            f"Argument `segment_ids` and `data` should have same leading dimension. Got {ids.shape} v.s. {data.shape}."
        )
    if ids.dtype not in ("int32", "int64"):
        ids = casting.cast(ids, "int64")
    if num_segments is None:
        if isinstance(ids, MetaTensor):
            raise ValueError(f"{name}: num_segments must be given, since the result's shape depends on it")
        num_segments = int(reduction.max(ids)) + 1 if ids.size else 0
    # A negative number belongs to no segment; the kernels would count it from the end.
    ids = selection.where(ids < 0, int(num_segments), ids)
    return data, ids, (int(num_segments), *data.shape[1:])


def _lowest(dtype, sign):
    if dtypes.is_float(dtype):
        return -sign * float("inf")
    info = np.iinfo(dtype)
    return int(info.min if sign > 0 else info.max)


@symbolic
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """The sum of the rows of each segment; 0 for one without rows.

    Args:
        data: tensor whose first axis is split into segments.
        segment_ids: the segment number of each row.
        num_segments: how many there are; None for the largest number + 1.
        sorted: whether segment_ids are; makes no difference.

    >>> import kerasgpu as keras
    >>> keras.ops.segment_sum([1, 2, 3], [0, 0, 1], 2).tolist()
    [3, 3]
    """
    data, ids, shape = _checked(data, segment_ids, num_segments, "segment_sum")
    return indexing.scatter_add(ids, data, shape)


def _extreme(data, segment_ids, num_segments, name, which, sign):
    data, ids, shape = _checked(data, segment_ids, num_segments, name)
    start = creation.full(shape, _lowest(data.dtype, sign), dtype=data.dtype)
    return scatters.scatter_extreme(start, ids, data, which)


@symbolic
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """The largest row elements of each segment; -inf (for integers the smallest) for one without rows. See `segment_sum`."""
    return _extreme(data, segment_ids, num_segments, "segment_max", "max", 1)


@symbolic
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """The smallest row elements of each segment; inf (for integers the largest) for one without rows. See `segment_sum`."""
    return _extreme(data, segment_ids, num_segments, "segment_min", "min", -1)


@symbolic
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """The product of the rows of each segment; 1 for one without rows. See `segment_sum`."""
    data, ids, shape = _checked(data, segment_ids, num_segments, "segment_prod")
    return scatters.scatter_product(ids, data, shape)
