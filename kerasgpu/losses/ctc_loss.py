"""Connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.losses.loss import FunctionLoss


def ctc(y_true, y_pred):
    """-log p(labels | logits) summed over all alignments; class 0 is the blank and pads the labels.

    Args: y_true: labels, shape `(batch, max_length)`; y_pred: logits, shape `(batch, time, classes)`. Returns shape `(batch,)`.
    Raises ValueError for other ranks.

    >>> import kerasgpu as keras
    >>> keras.losses.ctc(keras.ops.ones((2, 3)), keras.ops.zeros((2, 5, 4))).shape
    (2,)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2:
        raise ValueError(
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in integer format. "
            f"Received: y_true.shape={y_true.shape}"
        )
    if len(y_pred.shape) != 3:
        raise ValueError(
            "Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, num_classes)`. "
            f"Received: y_pred.shape={y_pred.shape}"
        )
    input_length = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    label_length = ops.cast(ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1), "int32")
    return ops.ctc_loss(y_true, y_pred, label_length, input_length, mask_index=0)


class CTC(FunctionLoss):
    """CTC loss on logits; class 0 is the blank and pads the labels (Graves et al. 2006).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.CTC()(keras.ops.ones((2, 3)), keras.ops.zeros((2, 5, 4)))) > 0.0
    True
    """

    _takes_integer_labels = True

    def __init__(self, reduction="sum_over_batch_size", name="ctc", dtype=None):
        super().__init__(ctc, name=name, reduction=reduction, dtype=dtype)
