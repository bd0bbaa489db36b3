"""Maximum-margin losses. Labels are -1 or 1; labels 0 and 1 are understood too."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.losses.loss import FunctionLoss, as_float_pair


def _to_signs(y_true):
    """Labels 0 and 1 become -1 and 1, if there are no others; a select, so that no value is read on the host."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis.

    Args: y_true: labels -1/1 or 0/1, shape `(batch, d0, ..., dN)`; y_pred: scores of that shape.

    >>> import kerasgpu as keras
    >>> keras.losses.hinge([[-1.0, 1.0]], [[0.5, 2.0]]).numpy()
    array([0.75], dtype=float32)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _to_signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)^2) over the last axis.

    Args: y_true: labels -1/1 or 0/1, shape `(batch, d0, ..., dN)`; y_pred: scores of that shape.

    >>> import kerasgpu as keras
    >>> keras.losses.squared_hinge([[-1.0, 1.0]], [[1.0, 2.0]]).numpy()
    array([2.], dtype=float32)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - _to_signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(neg - pos + 1, 0), pos = sum(y_true * y_pred), neg = max((1 - y_true) * y_pred), over the last axis.

    Args: y_true: one-hot labels, shape `(batch, classes)`; y_pred: scores of that shape. Returns shape `(batch,)`.

    >>> import kerasgpu as keras
    >>> keras.losses.categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]]).numpy()
    array([0.5], dtype=float32)
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    positive = ops.sum(y_true * y_pred, axis=-1)
    negative = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(negative - positive + 1.0, 0.0)


class Hinge(FunctionLoss):
    """mean(max(1 - y_true * y_pred, 0)).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.Hinge()([[-1.0, 1.0]], [[0.5, 2.0]]))
    0.75
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, name=name, reduction=reduction, dtype=dtype)


class SquaredHinge(FunctionLoss):
    """mean(max(1 - y_true * y_pred, 0)^2).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.SquaredHinge()([[-1.0, 1.0]], [[1.0, 2.0]]))
    2.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, name=name, reduction=reduction, dtype=dtype)


class CategoricalHinge(FunctionLoss):
    """max(neg - pos + 1, 0), the multi-class hinge loss for one-hot labels.

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]))
    0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, name=name, reduction=reduction, dtype=dtype)
