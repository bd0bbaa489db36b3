"""AUC: the area under the ROC, precision-recall or precision-recall-gain curve."""

from __future__ import annotations

from enum import Enum

import numpy as np

from kerasgpu import config, ops
from kerasgpu.metrics.metric import Metric
from kerasgpu.metrics.thresholds import ConfusionMatrix, are_even, even_thresholds, update_confusion_matrix_variables


class _Named(Enum):
    @classmethod
    def from_str(cls, key):
        for member in cls:
            if isinstance(key, str) and key.lower() == member.value.lower():
                return member
        expected = ", ".join(f'"{m.value}"' for m in cls)
        raise ValueError(f'Invalid AUC {cls.what()} value: "{key}". Expected values are [{expected}]')


class AUCCurve(_Named):
    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PRGAIN"

    @staticmethod
    def what():
        return "curve"


class AUCSummationMethod(_Named):
    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"

    @staticmethod
    def what():
        return "summation method"


class AUC(Metric):
    """Area under a curve through the points of many thresholds.

    Args:
        num_thresholds: how many, > 1; evenly spaced.
        curve: "ROC", "PR" or "PRGAIN" (Flach & Kull 2015).
        summation_method: "interpolation" (mid-points; for PR the interpolation of Davis & Goadrich 2006), "majoring" or
            "minoring".
        name, dtype: see Metric.
        thresholds: list of numbers in [0, 1] to use instead of num_thresholds.
        multi_label: average the areas of the columns instead of taking all labels together.
        num_labels: columns, with multi_label; found from the data when None.
        label_weights: weight per label.
        from_logits: whether predictions go through a sigmoid first.

    >>> import kerasgpu as keras
    >>> metric = keras.metrics.AUC(num_thresholds=3)
    >>> metric.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    >>> float(metric.result())
    0.75
    """

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        self._direction = "up"
        self._init_from_thresholds = thresholds is not None
        if thresholds is not None:
            thresholds = sorted(float(t) for t in thresholds)
            self.num_thresholds = len(thresholds) + 2
            self._evenly = are_even([0.0, *thresholds, 1.0])
        else:
            if num_thresholds <= 1:
                raise ValueError(f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={num_thresholds}")
            self.num_thresholds = num_thresholds
            thresholds = even_thresholds(num_thresholds)
            self._evenly = True
        # The outer ones are just outside [0, 1], so that the curve has both its ends.
        self._thresholds = np.array([0.0 - config.epsilon(), *thresholds, 1.0 + config.epsilon()])
        self.curve = curve if isinstance(curve, AUCCurve) else AUCCurve.from_str(curve)
        self.summation_method = (
            summation_method
            if isinstance(summation_method, AUCSummationMethod)
            else AUCSummationMethod.from_str(summation_method)
        )
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else ops.convert_to_tensor(label_weights, dtype=self.dtype)
        self._from_logits = from_logits
        self._built = False
        if multi_label:
            if num_labels:
                self._build((None, num_labels))
        elif num_labels:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        else:
            self._build(None)

    @property
    def thresholds(self):
        return list(self._thresholds)

    def _build(self, shape):
        variable_shape = (self.num_thresholds,)
        if self.multi_label:
            if len(shape) != 2:
                raise ValueError(
                    f"`y_pred` must have rank 2 when `multi_label=True`. Found rank {len(shape)}. Full shape received for "
                    f"`y_pred`: {shape}"
                )
            self._num_labels = shape[1]
            variable_shape = (self.num_thresholds, shape[1])
        self._build_input_shape = shape
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, name, self.add_variable(shape=variable_shape, initializer="zeros", name=name))
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._built:
            self._build(y_pred.shape)
        update_confusion_matrix_variables(
            {
                ConfusionMatrix.TRUE_POSITIVES: self.true_positives,
                ConfusionMatrix.TRUE_NEGATIVES: self.true_negatives,
                ConfusionMatrix.FALSE_POSITIVES: self.false_positives,
                ConfusionMatrix.FALSE_NEGATIVES: self.false_negatives,
            },
            y_true,
            ops.sigmoid(y_pred) if self._from_logits else y_pred,
            self._thresholds,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
            evenly=self._evenly,
        )

    def _total(self, pieces):
        """The sum of the pieces of area; with multi_label the (weighted) mean of the labels' sums."""
        if not self.multi_label:
            return ops.sum(pieces)
        areas = ops.sum(pieces, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.divide_no_nan(ops.sum(areas * self.label_weights), ops.sum(self.label_weights))

    def interpolate_pr_auc(self):
        """Area under the PR curve where true positives, not precision, are linear between thresholds (Davis & Goadrich 2006).

        Between two thresholds tp = intercept + slope * p with p = tp + fp, so that the integral of tp / p with respect to tp is
        slope * (dtp + intercept * log(p_a / p_b)).
        """
        tp = ops.convert_to_tensor(self.true_positives)
        p = tp + self.false_positives
        dtp, dp = tp[:-1] - tp[1:], p[:-1] - p[1:]
        slope = ops.divide_no_nan(dtp, ops.maximum(dp, 0))
        intercept = tp[1:] - slope * p[1:]
        both = ops.logical_and(p[:-1] > 0, p[1:] > 0)
        ratio = ops.where(both, ops.divide_no_nan(p[:-1], ops.maximum(p[1:], 0)), 1.0)
        positives = ops.maximum((tp + self.false_negatives)[1:], 0)
        return self._total(ops.divide_no_nan(slope * (dtp + intercept * ops.log(ratio)), positives))

    def _points(self):
        """(x, y) of the curve at every threshold."""
        tp, fp = ops.convert_to_tensor(self.true_positives), ops.convert_to_tensor(self.false_positives)
        tn, fn = ops.convert_to_tensor(self.true_negatives), ops.convert_to_tensor(self.false_negatives)
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == AUCCurve.ROC:
            return ops.divide_no_nan(fp, fp + tn), recall
        if self.curve == AUCCurve.PR:
            return recall, ops.divide_no_nan(tp, tp + fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        recall_gain = 1.0 - odds * ops.divide_no_nan(fn, tp)
        precision_gain = 1.0 - odds * ops.divide_no_nan(fp, tp)
        none = ops.equal(tp, 0.0)
        return ops.maximum(ops.where(none, 0.0, recall_gain), 0.0), ops.where(none, 1.0, precision_gain)

    def result(self):
        if self.curve == AUCCurve.PR and self.summation_method == AUCSummationMethod.INTERPOLATION:
            return self.interpolate_pr_auc()
        x, y = self._points()
        if self.summation_method == AUCSummationMethod.INTERPOLATION:
            heights = (y[:-1] + y[1:]) / 2.0
        elif self.summation_method == AUCSummationMethod.MINORING:
            heights = ops.minimum(y[:-1], y[1:])
        else:
            heights = ops.maximum(y[:-1], y[1:])
        return self._total((x[:-1] - x[1:]) * heights)

    def get_config(self):
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else np.asarray(self.label_weights).tolist(),
            "from_logits": self._from_logits,
        }
        if self._init_from_thresholds:
            config["thresholds"] = [float(t) for t in self._thresholds[1:-1]]
        return {**super().get_config(), **config}
