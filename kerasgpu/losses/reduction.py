"""From values per sample to one loss: ranks made equal, sample weights and masks applied, then a sum or a mean.

sum_over_batch_size, mean    sum(w * l) / number of values          ("mean" is the same)
mean_with_sample_weight      sum(w * l) / sum(w)
sum                          sum(w * l)
none                         w * l
"""

from __future__ import annotations

from kerasgpu import ops

REDUCTIONS = ("sum_over_batch_size", "sum", None, "none", "mean", "mean_with_sample_weight")
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def standardize_reduction(reduction):
    """The reduction itself if it is one that exists; else ValueError."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. Received: reduction={reduction}"
        )
    return reduction


def get_mask(x):
    """The Keras mask that a layer left on x, or None."""
    return getattr(x, "_keras_mask", None)


def set_mask(x, mask):
    """Leave a Keras mask (bool, True where valid) on the tensor x."""
    x._keras_mask = mask


def squeeze_or_expand_to_same_rank(x1, x2, expand_rank_1=True):
    """Two tensors whose ranks differ by one and of which the larger ends in 1: made equal in rank.

    (batch, 1) and (batch,) become (batch, 1) twice; of higher ranks the last 1 is dropped. Anything else stays as it is.
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def reduce_values(values, sample_weight=None, reduction="sum_over_batch_size"):
    """Values (already weighted) reduced to a scalar. Scalars and shape (0,) are returned as they are."""
    shape = tuple(values.shape)
    if reduction is None or reduction == "none" or shape in ((), (0,)):
        return values
    if reduction not in _MEANS:
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        total = ops.sum(values)
        return ops.divide_no_nan(total, ops.cast(ops.sum(sample_weight), total.dtype))
    return ops.sum(values) if 0 in shape else ops.mean(values)


def reduce_weighted_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size", dtype=None):
    """Values weighted by sample_weight and mask (broadcast from the left), then reduced.

    Args:
        values: losses per sample, of any shape.
        sample_weight: a number or a tensor whose shape is that of values, or has one rank less or more (see
            squeeze_or_expand_to_same_rank), or broadcasts.
        mask: True or 1 where a value counts. With a mean, the divisor counts the valid values only.
        reduction: see the module docstring.
        dtype: of the computation; default: that of values.
    """
    reduction = standardize_reduction(reduction)
    values = ops.convert_to_tensor(values, dtype=dtype)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    sample_weight = apply_mask(sample_weight, mask, dtype=values.dtype, reduction=reduction)
    if sample_weight is not None:
        sample_weight = ops.cast(sample_weight, values.dtype)
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        values = values * _per_row(sample_weight, values)
    return reduce_values(values, sample_weight, reduction)


def apply_mask(sample_weight, mask, dtype, reduction):
    """sample_weight with the mask multiplied in; None when both are None.

    For means a valid entry weighs total / valid, so that dividing by the total number afterwards gives the mean over the
    valid ones.
    """
    if mask is None:
        return sample_weight
    weight = ops.cast(ops.convert_to_tensor(mask), dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        weight = ops.divide_no_nan(weight, ops.mean(weight))
    if sample_weight is None:
        return weight
    weight, sample_weight = squeeze_or_expand_to_same_rank(weight, ops.cast(sample_weight, dtype))
    return _per_row(sample_weight, weight) * weight


def _per_row(weight, values):
    """Weights of samples (batch, ...) with axes of size 1 behind, so that they do not run along the last axis of values."""
    missing = len(values.shape) - len(weight.shape)
    if not weight.shape or missing <= 0 or tuple(weight.shape) != tuple(values.shape[: len(weight.shape)]):
        return weight
    return ops.reshape(weight, (*weight.shape, *(1,) * missing))
