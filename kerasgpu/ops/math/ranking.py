"""top_k, in_top_k and cdist."""

from __future__ import annotations

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import logical, reduction, selection, shaping
from kerasgpu.ops.primitives import indexing, sorting
from kerasgpu.ops.primitives.labels import class_numbers
from kerasgpu.ops.primitives.lengths import length
from kerasgpu.ops.primitives.operands import as_float, promote_all

__all__ = ["cdist", "in_top_k", "top_k"]


@symbolic
def top_k(x, k, sorted=True):
    """(values, indices) of the k largest elements along the last axis, largest first; of equal ones the first.

    >>> import kerasgpu as keras
    >>> values, indices = keras.ops.top_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0], [1, 2])
    """
    x = convert_to_tensor(x)
    if x.ndim < 1 or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"top_k: k={k} needs a last axis of at least that size; received shape {x.shape}")
    return sorting.top_k(x, int(k), bool(sorted))


@symbolic
def in_top_k(targets, predictions, k):
    """Whether fewer than k predictions of a row are larger than the one of its target.

    Args:
        targets: class numbers, shape (batch,).
        predictions: shape (batch, classes).
        k: int.

    Returns booleans of targets' shape; False for a target that is no class.
    """
    targets, predictions = convert_to_tensor(targets), as_float(predictions)
    if targets.shape != predictions.shape[:-1]:
        raise ValueError(
            f"in_top_k: targets must have predictions' shape without the last axis; received {targets.shape} and "
            f"{predictions.shape}"
        )
    if targets.dtype not in ("int32", "int64"):
        targets = class_numbers(targets, "in_top_k", "int32")
    own = indexing.take_along_axis(predictions, shaping.expand_dims(targets, -1), predictions.ndim - 1)
    known = logical.logical_and(targets >= 0, targets < predictions.shape[-1])
    better = reduction.sum(
        casting.cast(predictions > selection.where(logical.isnan(own), float("-inf"), own), "int32"), axis=-1
    )
    return logical.logical_and(known, better < k)


@symbolic
def cdist(x, y):
    """Distances between all pairs of rows: (..., m, d) and (..., n, d) -> (..., m, n). The gradient at distance 0 is 0."""
    x, y = promote_all([x, y], float)  # integers follow the float that is there
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError(f"`cdist` inputs must have rank >= 2. Received shapes: x.shape={x.shape}, y.shape={y.shape}")
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"Last dimension of inputs to `cdist` must match. Received shapes: x.shape={x.shape}, y.shape={y.shape}"
        )
    return length(shaping.expand_dims(x, -2) - shaping.expand_dims(y, -3), -1)
