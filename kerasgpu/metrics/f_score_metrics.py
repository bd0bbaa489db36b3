"""F-scores of multi-class and multi-label predictions."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.metrics.metric import Metric


class FBetaScore(Metric):
    """(1 + b^2) * precision * recall / (b^2 * precision + recall) per class, then averaged.

    Args:
        average: None (one score per class), "micro" (all decisions together), "macro" (mean over classes) or "weighted"
            (mean weighted by
            how often a class occurs).
        beta: float > 0; recall counts beta times as much as precision.
        threshold: float in (0, 1] above which a prediction is positive; None: the largest one is.
        name, dtype: see Metric.

    Inputs have shape `(batch, classes)`; ValueError for other ranks.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.FBetaScore(average="macro", beta=2.0)
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                "Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. "
                f"Received: average={average}"
            )
        if not isinstance(beta, float):
            raise ValueError(
                f"Invalid `beta` argument value. It should be a Python float. Received: beta={beta} of type '{type(beta)}'"
            )
        if beta <= 0.0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None:
            if not isinstance(threshold, float):
                raise ValueError(
                    "Invalid `threshold` argument value. It should be a Python float. "
                    f"Received: threshold={threshold} of type '{type(threshold)}'"
                )
            if not 0.0 < threshold <= 1.0:
                raise ValueError(
                    f"Invalid `threshold` argument value. It should verify 0 < threshold <= 1. Received: threshold={threshold}"
                )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, y_true_shape, y_pred_shape):
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ValueError(
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim). Received input shapes: "
                f"y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_variable(name=name, shape=shape, initializer="zeros", dtype=self.dtype))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            largest = ops.max(y_pred, axis=-1, keepdims=True)
            positive = ops.logical_and(y_pred >= largest, ops.abs(y_pred) > 1e-9)
        else:
            positive = y_pred > self.threshold
        positive = ops.cast(positive, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, dtype=self.dtype), 1)

        def add(variable, values):
            if sample_weight is not None:
                values = values * sample_weight
            variable.assign_add(ops.sum(values, axis=self.axis))

        add(self.true_positives, positive * y_true)
        add(self.false_positives, positive * (1 - y_true))
        add(self.false_negatives, (1 - positive) * y_true)
        add(self.intermediate_weights, y_true)

    def result(self):
        epsilon = config.epsilon()
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        square = self.beta**2
        score = (1 + square) * (precision * recall / (square * precision + recall + epsilon))
        if self.average == "weighted":
            return ops.sum(score * (self.intermediate_weights / (ops.sum(self.intermediate_weights) + epsilon)))
        return score if self.average is None else ops.mean(score)

    def get_config(self):
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall) per class, then averaged.

    Args: average, threshold, name, dtype: see FBetaScore.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.F1Score(average="micro", threshold=0.5)
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]])
    >>> round(float(metric.result()), 4)
    1.0
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self):
        config = super().get_config()
        del config["beta"]
        return config
