"""Overlap losses for image segmentation."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.losses.loss import FunctionLoss, as_float_pair


def dice(y_true, y_pred, axis=None):
    """1 - 2 * sum(t * p) / (sum(t) + sum(p) + epsilon), summed over `axis` (all axes when None).

    Args: y_true, y_pred of equal shape; axis: tuple of axes to sum over.

    >>> import kerasgpu as keras
    >>> round(float(keras.losses.dice([[0.0, 1.0]], [[0.0, 1.0]])), 4)
    0.0
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    intersection = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * intersection / (total + config.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - i / (i + alpha * sum((1 - p) * t) + beta * sum(p * (1 - t)) + epsilon), i = sum(t * p) (Salehi et al. 2017).

    Args: y_true, y_pred of equal shape; alpha: weight of missed targets; beta: weight of false alarms; axis: tuple of axes
    to sum over.

    >>> import kerasgpu as keras
    >>> round(float(keras.losses.tversky([[0.0, 1.0]], [[0.0, 1.0]])), 4)
    0.0
    """
    y_true, y_pred = as_float_pair(y_true, y_pred)
    intersection = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum((1.0 - y_pred) * y_true, axis=axis)
    false_alarms = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - intersection / (intersection + missed * alpha + false_alarms * beta + config.epsilon())


class Dice(FunctionLoss):
    """1 minus the Dice coefficient of y_true and y_pred.

    Args: axis: tuple of axes to sum over, default all; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> round(float(keras.losses.Dice()([[0.0, 1.0]], [[0.0, 1.0]])), 4)
    0.0
    """

    _config_keys = ("axis",)

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, name=name, reduction=reduction, dtype=dtype, axis=axis)


class Tversky(FunctionLoss):
    """1 minus the Tversky index: Dice with separate weights for the two kinds of error (Salehi et al. 2017).

    Args: alpha: weight of missed targets; beta: weight of false alarms; axis: tuple of axes to sum over, default all;
    reduction, name,
    dtype: see Loss.

    >>> import kerasgpu as keras
    >>> round(float(keras.losses.Tversky()([[0.0, 1.0]], [[0.0, 1.0]])), 4)
    0.0
    """

    _config_keys = ("alpha", "beta", "axis")

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None, dtype=None):
        super().__init__(tversky, name=name, reduction=reduction, dtype=dtype, alpha=alpha, beta=beta, axis=axis)
