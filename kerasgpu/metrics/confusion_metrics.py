"""Counts of right and wrong decisions, precision and recall."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.metrics.metric import Metric
from kerasgpu.metrics.thresholds import NEG_INF, ConfusionMatrix, are_even, parse_thresholds, update_confusion_matrix_variables


class ConditionCount(Metric):
    """How often one of the four cases (true positive, ...) occurs, per threshold."""

    _condition: ConfusionMatrix

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds)
        self._evenly = are_even(self.thresholds)
        self.accumulator = self.add_variable(shape=(len(self.thresholds),), initializer="zeros", name="accumulator")

    def update_state(self, y_true, y_pred, sample_weight=None):
        update_confusion_matrix_variables(
            {self._condition: self.accumulator},
            y_true,
            y_pred,
            self.thresholds,
            sample_weight=sample_weight,
            evenly=self._evenly,
        )

    def result(self):
        return ops.convert_to_tensor(self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator)

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds}


class FalsePositives(ConditionCount):
    """The (weighted) number of negatives predicted as positive.

    Args: thresholds: number or list in [0, 1], default 0.5; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.FalsePositives()
    >>> metric.update_state([0, 1, 0, 0], [0, 0, 1, 1])
    >>> float(metric.result())
    2.0
    """

    _condition = ConfusionMatrix.FALSE_POSITIVES


class FalseNegatives(ConditionCount):
    """The (weighted) number of positives predicted as negative.

    Args: thresholds: number or list in [0, 1], default 0.5; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.FalseNegatives()
    >>> metric.update_state([0, 1, 1, 1], [0, 1, 0, 0])
    >>> float(metric.result())
    2.0
    """

    _condition = ConfusionMatrix.FALSE_NEGATIVES


class TrueNegatives(ConditionCount):
    """The (weighted) number of negatives predicted as negative.

    Args: thresholds: number or list in [0, 1], default 0.5; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.TrueNegatives()
    >>> metric.update_state([0, 1, 0, 0], [1, 1, 0, 0])
    >>> float(metric.result())
    2.0
    """

    _condition = ConfusionMatrix.TRUE_NEGATIVES


class TruePositives(ConditionCount):
    """The (weighted) number of positives predicted as positive.

    Args: thresholds: number or list in [0, 1], default 0.5; name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.TruePositives()
    >>> metric.update_state([0, 1, 1, 1], [1, 0, 1, 1])
    >>> float(metric.result())
    2.0
    """

    _condition = ConfusionMatrix.TRUE_POSITIVES


class PositiveRate(Metric):
    """True positives / (true positives + another count): the base of Precision and Recall."""

    _other: ConfusionMatrix
    _other_name: str

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, default=0.5 if top_k is None else NEG_INF)
        self._evenly = are_even(self.thresholds)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape=shape, initializer="zeros", name="true_positives")
        setattr(self, self._other_name, self.add_variable(shape=shape, initializer="zeros", name=self._other_name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        update_confusion_matrix_variables(
            {ConfusionMatrix.TRUE_POSITIVES: self.true_positives, self._other: getattr(self, self._other_name)},
            y_true,
            y_pred,
            self.thresholds,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
            evenly=self._evenly,
        )

    def result(self):
        rate = ops.divide_no_nan(self.true_positives, self.true_positives + getattr(self, self._other_name))
        return rate[0] if len(self.thresholds) == 1 else rate

    def get_config(self):
        config = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **config}


class Precision(PositiveRate):
    """The share of positive predictions that are right: tp / (tp + fp).

    Args:
        thresholds: number or list in [0, 1], default 0.5.
        top_k: only the k largest scores of a sample can be positive; the default threshold is then none.
        class_id: look at this class only.
        name, dtype: see Metric.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Precision()
    >>> metric.update_state([0, 1, 1, 1], [1, 0, 1, 1])
    >>> round(float(metric.result()), 4)
    0.6667
    """

    _other = ConfusionMatrix.FALSE_POSITIVES
    _other_name = "false_positives"


class Recall(PositiveRate):
    """The share of positives that are found: tp / (tp + fn).

    Args: see Precision.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.Recall()
    >>> metric.update_state([0, 1, 1, 1], [1, 0, 1, 1])
    >>> round(float(metric.result()), 4)
    0.6667
    """

    _other = ConfusionMatrix.FALSE_NEGATIVES
    _other_name = "false_negatives"
