"""Correlation coefficients of predictions and targets."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.losses.loss import as_aligned_pair
from kerasgpu.metrics.reduction_metrics import FunctionMetric


def pearson_correlation(y_true, y_pred, axis=-1):
    """cov(t, p) / (std(t) * std(p)) along `axis`.

    Args: y_true, y_pred of equal shape; axis. Returns their shape without that axis.

    >>> import kerasgpu as keras
    >>> keras.metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[0.0, 2.0, 4.0]]).shape
    (1,)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """2 cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))^2) along `axis` (Lin 1989).

    Args: y_true, y_pred of equal shape; axis. Returns their shape without that axis.

    >>> import kerasgpu as keras
    >>> keras.metrics.concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).shape
    (1,)
    """
    y_true, y_pred = as_aligned_pair(y_true, y_pred)
    true_mean = ops.mean(y_true, axis=axis, keepdims=True)
    pred_mean = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    # sum(p - mean(p)) is 0, so subtracting mean(p) from t as well leaves the covariance what it is.
    covariance = (y_true - pred_mean) * (y_pred - pred_mean)
    return ops.mean(2 * covariance / (spread + ops.square(true_mean - pred_mean) + config.epsilon()), axis=axis)


class PearsonCorrelation(FunctionMetric):
    """The mean Pearson correlation coefficient along an axis.

    Args: name, dtype: see Metric; axis: along which values are correlated.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.PearsonCorrelation(axis=-1)
    >>> metric.update_state([[0.0, 1.0, 2.0]], [[0.0, 2.0, 4.0]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(pearson_correlation, name, dtype, direction="up", axis=axis)


class ConcordanceCorrelation(FunctionMetric):
    """The mean concordance correlation coefficient along an axis (Lin 1989).

    Args: name, dtype: see Metric; axis: along which values are correlated.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.ConcordanceCorrelation(axis=-1)
    >>> metric.update_state([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(concordance_correlation, name, dtype, direction="up", axis=axis)
