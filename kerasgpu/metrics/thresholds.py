"""True and false positives and negatives, counted at many thresholds at once.

Thresholds that are evenly spaced are buckets: each prediction falls into one, and the counts above a threshold are a reversed
cumulative sum. Others are compared with every prediction.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from kerasgpu import config, ops
from kerasgpu.losses.reduction import squeeze_or_expand_to_same_rank
from kerasgpu.ops.primitives.labels import class_numbers

# Below any score: the threshold of "among the top k", and the score of what is not.
NEG_INF = -1e10


class ConfusionMatrix(Enum):
    TRUE_POSITIVES = "tp"
    FALSE_POSITIVES = "fp"
    TRUE_NEGATIVES = "tn"
    FALSE_NEGATIVES = "fn"


def to_list(x) -> list:
    return list(x) if isinstance(x, (list, tuple, np.ndarray)) else [x]


def parse_thresholds(thresholds, default=0.5) -> list:
    """A list of thresholds from a number, a list or None; ValueError for numbers outside [0, 1]."""
    if thresholds is None:
        return to_list(default)
    thresholds = to_list(thresholds)
    wrong = [t for t in thresholds if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return thresholds


def are_even(thresholds) -> bool:
    """Whether the thresholds are k / (n - 1) for k = 0 ... n - 1, up to epsilon."""
    n = len(thresholds)
    if n < 3:
        return False
    return bool(np.allclose(thresholds, np.arange(n, dtype=np.float32) / (n - 1), atol=config.epsilon()))


def even_thresholds(n) -> list:
    """The n - 2 inner ones of n evenly spaced thresholds."""
    return [(k + 1) * 1.0 / (n - 1) for k in range(n - 2)]


def update_confusion_matrix_variables(
    variables,
    y_true,
    y_pred,
    thresholds,
    top_k=None,
    class_id=None,
    sample_weight=None,
    multi_label=False,
    label_weights=None,
    evenly=False,
):
    """Add one batch to the counts.

    Args:
        variables: {ConfusionMatrix member: variable of shape (thresholds,), or (thresholds, labels) with multi_label}.
        y_true: labels 0/1; anything but 0 counts as 1.
        y_pred: scores in [0, 1] of the same shape, or with one more dimension of 1.
        thresholds: list of numbers; a score above is positive.
        top_k: only the k largest scores along the last axis can be positive.
        class_id: look at this column only.
        sample_weight: number or tensor that broadcasts from the left.
        multi_label: keep one count per label.
        label_weights: weight per label, when labels are counted together.
        evenly: whether the thresholds are evenly spaced (see are_even).
    """
    unknown = [key for key in variables if not isinstance(key, ConfusionMatrix)]
    if unknown or not variables:
        raise ValueError(f"Invalid keys: {unknown}. Valid variable key options are: {list(ConfusionMatrix)}")
    if multi_label and label_weights is not None:
        raise ValueError("`label_weights` for multilabel data must be applied to the result, not to the counts")
    dtype = next(iter(variables.values())).dtype
    y_pred, y_true = squeeze_or_expand_to_same_rank(ops.cast(y_pred, dtype), ops.cast(y_true, dtype))
    if sample_weight is not None:
        sample_weight = ops.expand_dims(ops.cast(sample_weight, dtype), axis=-1)
        _, sample_weight = squeeze_or_expand_to_same_rank(y_true, sample_weight, expand_rank_1=False)
    if top_k is not None:
        y_pred = _only_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) == 1:
            raise ValueError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, num_classes), found shape: "
                f"{y_pred.shape}"
            )
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
    shape = y_pred.shape
    if y_true.shape != shape:
        # Thousands of labels against one column of scores would otherwise broadcast into a square.
        raise ValueError(f"Shapes of y_true and y_pred must match. Received: y_true.shape={y_true.shape}, y_pred.shape={shape}")
    weights = None
    if sample_weight is not None:
        weights = ops.broadcast_to(sample_weight, shape)
    if label_weights is not None:
        label_weights = ops.broadcast_to(ops.expand_dims(ops.cast(label_weights, dtype), 0), shape)
        weights = label_weights if weights is None else weights * label_weights
    if not multi_label:
        y_true, y_pred = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
        weights = None if weights is None else ops.reshape(weights, (-1,))
    positive = ops.cast(ops.not_equal(y_true, 0), dtype)
    negative = 1.0 - positive
    if weights is not None:
        positive, negative = positive * weights, negative * weights
    count = _count_in_buckets if evenly else _count_by_comparing
    found = count(y_pred, positive, negative, thresholds, set(variables))
    for key, variable in variables.items():
        variable.assign_add(found[key])


def _only_top_k(x, k):
    """x with all but the k largest entries of the last axis far below any threshold."""
    _, indices = ops.top_k(x, k)
    kept = ops.sum(ops.one_hot(indices, x.shape[-1], axis=-1), axis=-2)
    return ops.where(kept > 0, x, NEG_INF)


def _count_in_buckets(y_pred, positive, negative, thresholds, wanted):
    """Weights above each evenly spaced threshold: bucket k holds the scores in (k / (n-1), (k+1) / (n-1)]."""
    n = len(thresholds)
    bucket = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * (n - 1)) - 1
    # A score of 0 is above the lowest threshold only when that is below 0.
    if thresholds[0] >= 0.0 and thresholds[-1] <= 1.0:
        inside = ops.cast(bucket >= 0, positive.dtype)
        above = positive * inside, negative * inside
    else:
        above = positive, negative
    bucket = ops.cast(ops.maximum(bucket, 0), "int32")
    labels = 1 if len(y_pred.shape) == 1 else y_pred.shape[1]
    if labels > 1 or len(y_pred.shape) > 1:
        # One sum for all labels: bucket b of label l is segment b * labels + l.
        bucket = bucket * labels + ops.arange(labels, dtype="int32")
    segments = ops.reshape(bucket, (-1,))

    def from_the_top(weights):
        sums = ops.segment_sum(ops.reshape(weights, (-1,)), segments, num_segments=n * labels)
        if len(y_pred.shape) > 1:
            sums = ops.reshape(sums, (n, labels))
        return ops.flip(ops.cumsum(ops.flip(sums, axis=0), axis=0), axis=0)

    found = {}
    if wanted & {ConfusionMatrix.TRUE_POSITIVES, ConfusionMatrix.FALSE_NEGATIVES}:
        found[ConfusionMatrix.TRUE_POSITIVES] = from_the_top(above[0])
    if wanted & {ConfusionMatrix.FALSE_POSITIVES, ConfusionMatrix.TRUE_NEGATIVES}:
        found[ConfusionMatrix.FALSE_POSITIVES] = from_the_top(above[1])
    if ConfusionMatrix.FALSE_NEGATIVES in wanted:
        found[ConfusionMatrix.FALSE_NEGATIVES] = ops.sum(positive, axis=0) - found[ConfusionMatrix.TRUE_POSITIVES]
    if ConfusionMatrix.TRUE_NEGATIVES in wanted:
        found[ConfusionMatrix.TRUE_NEGATIVES] = ops.sum(negative, axis=0) - found[ConfusionMatrix.FALSE_POSITIVES]
    return found


def _count_by_comparing(y_pred, positive, negative, thresholds, wanted):
    """Weights above and below each threshold, by comparing every score with every threshold."""
    levels = ops.convert_to_tensor(list(map(float, thresholds)), dtype=y_pred.dtype)
    levels = ops.reshape(levels, (-1,) + (1,) * len(y_pred.shape))
    above = ops.cast(ops.expand_dims(y_pred, 0) > levels, y_pred.dtype)
    found = {}
    below = None
    if wanted & {ConfusionMatrix.FALSE_NEGATIVES, ConfusionMatrix.TRUE_NEGATIVES}:
        below = 1.0 - above
    for key, weights, side in (
        (ConfusionMatrix.TRUE_POSITIVES, positive, above),
        (ConfusionMatrix.FALSE_POSITIVES, negative, above),
        (ConfusionMatrix.FALSE_NEGATIVES, positive, below),
        (ConfusionMatrix.TRUE_NEGATIVES, negative, below),
    ):
        if key in wanted:
            found[key] = ops.sum(side * weights, axis=1)
    return found


def _in_range(x, classes):
    return ops.logical_and(x >= 0, x < classes)


def confusion_matrix(labels, predictions, num_classes, weights=None, dtype="int32"):
    """Matrix of shape (classes, classes): entry (t, p) is the weight of samples of class t that were predicted as p.

    Args: labels, predictions: class numbers in [0, num_classes), shape `(n,)` (a pair with another number counts nowhere, NaN is
    refused); weights: shape `(n,)`, default 1; dtype of
    the result.

    >>> from kerasgpu.metrics.thresholds import confusion_matrix
    >>> confusion_matrix([0, 1, 1], [0, 1, 0], 2).numpy().tolist()
    [[1, 0], [1, 1]]
    """
    num_classes = int(num_classes)
    labels, predictions = (class_numbers(x, "confusion_matrix", "int32") for x in (labels, predictions))
    weights = ops.ones(labels.shape, dtype=dtype) if weights is None else ops.cast(weights, dtype)
    known = ops.logical_and(_in_range(labels, num_classes), _in_range(predictions, num_classes))
    cells = ops.where(known, labels * num_classes + predictions, -1)  # else the place of a number out of range is another cell
    sums = ops.segment_sum(weights, cells, num_segments=num_classes * num_classes)
    return ops.reshape(sums, (num_classes, num_classes))
