"""Means of cross-entropies and divergences."""

from __future__ import annotations

from kerasgpu.losses.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from kerasgpu.metrics.reduction_metrics import FunctionMetric


class KLDivergence(FunctionMetric):
    """The mean of sum(y_true * log(y_true / y_pred)).

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.KLDivergence()
    >>> metric.update_state([[0.5, 0.5]], [[0.5, 0.5]])
    >>> float(metric.result())
    0.0
    """

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, name, dtype)


class Poisson(FunctionMetric):
    """The mean of y_pred - y_true * log(y_pred).

    Args: name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Poisson()
    >>> metric.update_state([[0.0, 0.0]], [[1.0, 2.0]])
    >>> float(metric.result())
    1.5
    """

    def __init__(self, name="poisson", dtype=None):
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(FunctionMetric):
    """The mean binary cross-entropy of labels 0/1.

    Args: name, dtype: see Metric; from_logits: whether y_pred holds logits; label_smoothing: in [0, 1].

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.BinaryCrossentropy(from_logits=True)
    >>> metric.update_state([[0.0, 1.0]], [[0.0, 0.0]])
    >>> round(float(metric.result()), 4)
    0.6931
    """

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(FunctionMetric):
    """The mean cross-entropy of one-hot labels.

    Args: name, dtype: see Metric; from_logits: whether y_pred holds logits; label_smoothing: in [0, 1]; axis: of the classes.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.CategoricalCrossentropy(from_logits=True)
    >>> metric.update_state([[0.0, 1.0]], [[0.0, 0.0]])
    >>> round(float(metric.result()), 4)
    0.6931
    """

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(
            categorical_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean cross-entropy of integer labels.

    Args: name, dtype: see Metric; from_logits: whether y_pred holds logits; ignore_class: label to leave out; axis: of the
    classes.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SparseCategoricalCrossentropy(from_logits=True)
    >>> metric.update_state([1], [[0.0, 0.0]])
    >>> round(float(metric.result()), 4)
    0.6931
    """

    def __init__(self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, ignore_class=None, axis=-1):
        super().__init__(
            sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis
        )
