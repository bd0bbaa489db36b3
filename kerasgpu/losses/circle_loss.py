"""Circle loss (Sun et al. 2020): pairs of embeddings weighted by how far they are from where they should be."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.losses.loss import FunctionLoss
from kerasgpu.losses.reduction import set_mask
from kerasgpu.ops.primitives.labels import class_numbers


@symbolic
def _pair_masks(labels, other, remove_diagonal):
    """(same label, different label), bool of shape `(len(labels), len(other))`; the diagonal pairs an item with itself."""
    labels, other = ops.reshape(labels, (-1, 1)), ops.reshape(other, (1, -1))
    same = ops.equal(labels, other)
    different = ops.logical_not(same)
    if remove_diagonal:
        diagonal = ops.eye(labels.shape[0], other.shape[1], dtype="bool")
        same = ops.logical_and(same, ops.logical_not(diagonal))
    return same, different


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """softplus(logsumexp over positives + logsumexp over negatives) per sample, on cosine distances d = 1 - y_pred . ref.

    Args:
        y_true: class numbers, shape `(batch,)`.
        y_pred: L2-normalized embeddings, shape `(batch, dim)`.
        ref_labels, ref_embeddings: what to compare with; default: the batch itself.
        remove_diagonal: whether an item is not its own positive.
        gamma: scale.
        margin: relaxation of the decision boundary.

    Returns shape `(batch,)`, with a mask that leaves zero losses out of the mean.

    >>> import kerasgpu as keras
    >>> keras.losses.circle([0, 1], [[1.0, 0.0], [0.0, 1.0]]).shape
    (2,)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = class_numbers(y_true, "circle", "int32")
    ref_embeddings = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    ref_labels = y_true if ref_labels is None else class_numbers(ref_labels, "circle", "int32")
    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(ref_embeddings)), 0.0)
    positive, negative = _pair_masks(y_true, ref_labels, remove_diagonal)
    # Eq. 6 of the paper with O_p = margin, O_n = 1 + margin, delta_p = margin, delta_n = 1 - margin, in distances.
    positive_logits = -gamma * ops.maximum(margin + distance, 0.0) * (margin - distance)
    negative_logits = gamma * ops.maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    positive_sum = ops.logsumexp(ops.where(positive, positive_logits, float("-inf")), axis=1)
    negative_sum = ops.logsumexp(ops.where(negative, negative_logits, float("-inf")), axis=1)
    values = ops.softplus(positive_sum + negative_sum)
    set_mask(values, values > 0)
    return values


class Circle(FunctionLoss):
    """Circle loss on a batch of L2-normalized embeddings (Sun et al. 2020).

    Args: gamma: scale; margin: relaxation; remove_diagonal: whether an item is not its own positive; reduction, name,
    dtype: see Loss.

    >>> import kerasgpu as keras
    >>> loss = keras.losses.Circle()
    >>> float(loss([0, 1], [[1.0, 0.0], [0.0, 1.0]])) >= 0.0
    True
    """

    _config_keys = ("gamma", "margin", "remove_diagonal")
    _takes_integer_labels = True

    def __init__(
        self, gamma=80.0, margin=0.4, remove_diagonal=True, reduction="sum_over_batch_size", name="circle", dtype=None
    ):
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
