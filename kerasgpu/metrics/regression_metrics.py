"""Means of regression errors."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.losses import regression
from kerasgpu.losses.reduction import squeeze_or_expand_to_same_rank
from kerasgpu.metrics.reduction_metrics import FunctionMetric, Mean


def cosine_similarity(y_true, y_pred, axis=-1):
    """sum(u * v) of the L2-normalized inputs: 1 for equal directions (the loss of this name has the other sign).

    >>> from kerasgpu.metrics.regression_metrics import cosine_similarity
    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 5.0]]).numpy()
    array([1.], dtype=float32)
    """
    return -regression.cosine_similarity(y_true, y_pred, axis=axis)


class MeanSquaredError(FunctionMetric):
    """The mean of (y_true - y_pred)^2.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanSquaredError()
    >>> metric.update_state([[0.0, 2.0]], [[1.0, 1.0]])
    >>> float(metric.result())
    1.0
    """

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(regression.mean_squared_error, name, dtype)


class MeanAbsoluteError(FunctionMetric):
    """The mean of |y_true - y_pred|.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanAbsoluteError()
    >>> metric.update_state([[0.0, 3.0]], [[1.0, 1.0]])
    >>> float(metric.result())
    1.5
    """

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(regression.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(FunctionMetric):
    """The mean of 100 * |(y_true - y_pred) / y_true|.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanAbsolutePercentageError()
    >>> metric.update_state([[1.0, 2.0]], [[2.0, 2.0]])
    >>> float(metric.result())
    50.0
    """

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(FunctionMetric):
    """The mean of (log(y_true + 1) - log(y_pred + 1))^2.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.MeanSquaredLogarithmicError()
    >>> metric.update_state([[0.0, 1.0]], [[0.0, 1.0]])
    >>> float(metric.result())
    0.0
    """

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_true - y_pred)^2 over all batches.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.RootMeanSquaredError()
    >>> metric.update_state([[0.0, 2.0]], [[2.0, 0.0]])
    >>> float(metric.result())
    2.0
    """

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype=dtype)
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.convert_to_tensor(y_true, self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self):
        return ops.sqrt(super().result())


class CosineSimilarity(FunctionMetric):
    """The mean cosine of the angle between y_true and y_pred.

    Args: name, dtype: see Metric; axis: of the vectors.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.CosineSimilarity()
    >>> metric.update_state([[0.0, 2.0]], [[0.0, 5.0]])
    >>> float(metric.result())
    1.0
    """

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(cosine_similarity, name, dtype, direction="up", axis=axis)


class LogCoshError(FunctionMetric):
    """The mean of log(cosh(y_pred - y_true)).

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.LogCoshError()
    >>> metric.update_state([[1.0]], [[1.0]])
    >>> float(metric.result())
    0.0
    """

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(regression.log_cosh, name, dtype)
