"""Means of the hinge losses."""

from __future__ import annotations

from kerasgpu.losses.hinge_losses import categorical_hinge, hinge, squared_hinge
from kerasgpu.metrics.reduction_metrics import FunctionMetric


class Hinge(FunctionMetric):
    """The mean of max(1 - y_true * y_pred, 0); labels -1/1 or 0/1.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Hinge()
    >>> metric.update_state([[-1.0, 1.0]], [[0.5, 2.0]])
    >>> float(metric.result())
    0.75
    """

    def __init__(self, name="hinge", dtype=None):
        super().__init__(hinge, name, dtype)


class SquaredHinge(FunctionMetric):
    """The mean of max(1 - y_true * y_pred, 0)^2; labels -1/1 or 0/1.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SquaredHinge()
    >>> metric.update_state([[-1.0, 1.0]], [[1.0, 2.0]])
    >>> float(metric.result())
    2.0
    """

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(FunctionMetric):
    """The mean of max(neg - pos + 1, 0) for one-hot labels.

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.CategoricalHinge()
    >>> metric.update_state([[0.0, 1.0]], [[0.5, 1.0]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, name, dtype)
