"""Losses of regression: squared, absolute, percentage and logarithmic errors, Huber, log-cosh, cosine similarity."""

from __future__ import annotations

import math

from kerasgpu import config, ops
from kerasgpu.losses.loss import FunctionLoss, as_aligned_pair


def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)^2) over the last axis.

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`. Returns shape `(batch, d0, ..., dN-1)`.

    >>> import kerasgpu as keras
    >>> keras.losses.mean_squared_error([[0.0, 2.0]], [[1.0, 1.0]]).numpy()
    array([1.], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis.

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`. Returns shape `(batch, d0, ..., dN-1)`.

    >>> import kerasgpu as keras
    >>> keras.losses.mean_absolute_error([[0.0, 3.0]], [[1.0, 1.0]]).numpy()
    array([1.5], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(|(y_true - y_pred) / max(|y_true|, epsilon)|) over the last axis.

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`. Returns shape `(batch, d0, ..., dN-1)`.

    >>> import kerasgpu as keras
    >>> keras.losses.mean_absolute_percentage_error([[1.0, 2.0]], [[2.0, 2.0]]).numpy()
    array([50.], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    difference = ops.abs((y_true - y_pred) / ops.maximum(ops.abs(y_true), config.epsilon()))
    return 100.0 * ops.mean(difference, axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(y_true + 1) - log(y_pred + 1))^2) over the last axis; values below epsilon count as epsilon.

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`. Returns shape `(batch, d0, ..., dN-1)`.

    >>> import kerasgpu as keras
    >>> keras.losses.mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 1.0]]).numpy()
    array([0.], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    epsilon = config.epsilon()
    difference = ops.log(ops.maximum(y_pred, epsilon) + 1.0) - ops.log(ops.maximum(y_true, epsilon) + 1.0)
    return ops.mean(ops.square(difference), axis=-1)


def cosine_similarity(y_true, y_pred, axis=-1):
    """-sum(u * v) of the L2-normalized inputs: -1 for equal directions, 0 for orthogonal ones, 1 for opposite ones.

    Args: y_true, y_pred of equal shape; axis: the axis of the vectors. Returns their shape without that axis.

    >>> import kerasgpu as keras
    >>> keras.losses.cosine_similarity([[0.0, 2.0]], [[0.0, 5.0]]).numpy()
    array([-1.], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


def huber(y_true, y_pred, delta=1.0):
    """mean(e^2 / 2 where |e| <= delta, else delta * |e| - delta^2 / 2) over the last axis, e = y_pred - y_true (Huber 1964).

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`; delta: where the quadratic turns into a line.

    >>> import kerasgpu as keras
    >>> keras.losses.huber([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([1.5], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    error = y_pred - y_true
    size = ops.abs(error)
    return ops.mean(ops.where(size <= delta, 0.5 * ops.square(error), delta * size - 0.5 * delta * delta), axis=-1)


def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis: x^2 / 2 for small errors, |x| - log 2 for large ones.

    Args: y_true, y_pred of shape `(batch, d0, ..., dN)`. Returns shape `(batch, d0, ..., dN-1)`.

    >>> import kerasgpu as keras
    >>> keras.losses.log_cosh([[0.0]], [[0.0]]).numpy()
    array([0.], dtype=float32)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    x = y_pred - y_true
    # log(cosh(x)) = x + log(1 + exp(-2x)) - log 2, which does not overflow.
    return ops.mean(x + ops.softplus(x * -2.0) - math.log(2.0), axis=-1)


class MeanSquaredError(FunctionLoss):
    """mean((y_true - y_pred)^2).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.MeanSquaredError()([[0.0, 2.0]], [[1.0, 1.0]]))
    1.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(mean_squared_error, name=name, reduction=reduction, dtype=dtype)


class MeanAbsoluteError(FunctionLoss):
    """mean(|y_true - y_pred|).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.MeanAbsoluteError()([[0.0, 3.0]], [[1.0, 1.0]]))
    1.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(mean_absolute_error, name=name, reduction=reduction, dtype=dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """100 * mean(|(y_true - y_pred) / y_true|), with |y_true| at least epsilon.

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.MeanAbsolutePercentageError()([[1.0, 2.0]], [[2.0, 2.0]]))
    50.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(mean_absolute_percentage_error, name=name, reduction=reduction, dtype=dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """mean((log(y_true + 1) - log(y_pred + 1))^2).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 1.0]]))
    0.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(mean_squared_logarithmic_error, name=name, reduction=reduction, dtype=dtype)


class CosineSimilarity(FunctionLoss):
    """The negative cosine of the angle between y_true and y_pred, from -1 (same direction) to 1 (opposite).

    Args: axis: of the vectors; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.CosineSimilarity()([[0.0, 2.0]], [[0.0, 5.0]]))
    -1.0
    """

    _config_keys = ("axis",)

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(cosine_similarity, name=name, reduction=reduction, dtype=dtype, axis=axis)


class Huber(FunctionLoss):
    """Quadratic for errors up to delta, linear beyond (Huber 1964).

    Args: delta: where the two meet; reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
    1.5
    """

    _config_keys = ("delta",)

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(huber, name=name, reduction=reduction, dtype=dtype, delta=delta)


class LogCosh(FunctionLoss):
    """mean(log(cosh(y_pred - y_true))).

    Args: reduction, name, dtype: see Loss.

    >>> import kerasgpu as keras
    >>> float(keras.losses.LogCosh()([[1.0]], [[1.0]]))
    0.0
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, name=name, reduction=reduction, dtype=dtype)
