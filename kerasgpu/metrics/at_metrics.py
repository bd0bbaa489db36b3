"""The best value of one rate under a condition on another: sensitivity at specificity, precision at recall, and so on."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.metrics.metric import Metric
from kerasgpu.metrics.thresholds import ConfusionMatrix, even_thresholds, update_confusion_matrix_variables


class SensitivitySpecificityBase(Metric):
    """Counts at evenly spaced thresholds; subclasses name the rate that is bounded and the one that is wanted."""

    def __init__(self, value, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        if num_thresholds <= 0:
            raise ValueError(f"Argument `num_thresholds` must be an integer > 0. Received: num_thresholds={num_thresholds}")
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self._evenly = num_thresholds > 1
        self.thresholds = [0.0, *even_thresholds(num_thresholds), 1.0] if self._evenly else [0.5]
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, name, self.add_variable(shape=(len(self.thresholds),), initializer="zeros", name=name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        update_confusion_matrix_variables(
            {
                ConfusionMatrix.TRUE_POSITIVES: self.true_positives,
                ConfusionMatrix.TRUE_NEGATIVES: self.true_negatives,
                ConfusionMatrix.FALSE_POSITIVES: self.false_positives,
                ConfusionMatrix.FALSE_NEGATIVES: self.false_negatives,
            },
            y_true,
            y_pred,
            self.thresholds,
            class_id=self.class_id,
            sample_weight=sample_weight,
            evenly=self._evenly,
        )

    def _recall(self):
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _specificity(self):
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)

    def _precision(self):
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _largest(self, wanted, bounded):
        """The largest `wanted` among thresholds where `bounded` is at least the value; 0 when there is none."""
        return ops.max(ops.where(bounded >= self.value, wanted, 0.0))

    def get_config(self):
        return {**super().get_config(), "num_thresholds": self.num_thresholds, "class_id": self.class_id}


def _check_share(value, name):
    if value < 0 or value > 1:
        raise ValueError(f"Argument `{name}` must be in the range [0, 1]. Received: {name}={value}")
    return value


class SensitivityAtSpecificity(SensitivitySpecificityBase):
    """The best sensitivity tp / (tp + fn) among thresholds whose specificity tn / (tn + fp) is at least `specificity`.

    Args: specificity: in [0, 1]; num_thresholds: evenly spaced; class_id: look at this class only; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SensitivityAtSpecificity(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(_check_share(specificity, "specificity"), num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self):
        return self._largest(self._recall(), self._specificity())

    def get_config(self):
        return {**super().get_config(), "specificity": self.specificity}


class SpecificityAtSensitivity(SensitivitySpecificityBase):
    """The best specificity tn / (tn + fp) among thresholds whose sensitivity tp / (tp + fn) is at least `sensitivity`.

    Args: sensitivity: in [0, 1]; num_thresholds: evenly spaced; class_id: look at this class only; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.SpecificityAtSensitivity(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    >>> round(float(metric.result()), 4)
    0.6667
    """

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(_check_share(sensitivity, "sensitivity"), num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self):
        return self._largest(self._specificity(), self._recall())

    def get_config(self):
        return {**super().get_config(), "sensitivity": self.sensitivity}


class PrecisionAtRecall(SensitivitySpecificityBase):
    """The best precision tp / (tp + fp) among thresholds whose recall tp / (tp + fn) is at least `recall`.

    Args: recall: in [0, 1]; num_thresholds: evenly spaced; class_id: look at this class only; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.PrecisionAtRecall(0.5)
    >>> metric.update_state([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(_check_share(recall, "recall"), num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self):
        return self._largest(self._precision(), self._recall())

    def get_config(self):
        return {**super().get_config(), "recall": self.recall}


class RecallAtPrecision(SensitivitySpecificityBase):
    """The best recall tp / (tp + fn) among thresholds whose precision tp / (tp + fp) is at least `precision`.

    Args: precision: in [0, 1]; num_thresholds: evenly spaced; class_id: look at this class only; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.RecallAtPrecision(0.8)
    >>> metric.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(_check_share(precision, "precision"), num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self):
        return self._largest(self._recall(), self._precision())

    def get_config(self):
        return {**super().get_config(), "precision": self.precision}
