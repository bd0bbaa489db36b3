"""Counts at thresholds against plain NumPy, and the argument checks of the metrics built on them."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.metrics import thresholds as module
from kerasgpu.metrics.thresholds import ConfusionMatrix

rng = np.random.default_rng(0)


def reference(y_true, y_pred, thresholds, weights, axis):
    above = y_pred[None] > np.asarray(thresholds).reshape(-1, *[1] * y_pred.ndim)
    true = (y_true != 0)[None]
    cases = {
        ConfusionMatrix.TRUE_POSITIVES: true & above,
        ConfusionMatrix.FALSE_POSITIVES: ~true & above,
        ConfusionMatrix.FALSE_NEGATIVES: true & ~above,
        ConfusionMatrix.TRUE_NEGATIVES: ~true & ~above,
    }
    return {key: (case * weights[None]).sum(axis=axis) for key, case in cases.items()}


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "thresholds", [[0.5], [0.1, 0.7, 0.75], [k / 10 for k in range(11)], [-1e-7, *[k / 10 for k in range(1, 10)], 1 + 1e-7]]
)
def test_counts(thresholds, multi_label):
    y_true = rng.integers(0, 2, (30, 4))
    y_pred = rng.random((30, 4)).astype("float32")
    y_pred[:3] = [[0.0, 1.0, 0.1, 0.7]] * 3
    on_an_edge = np.isclose(y_pred % 0.1, 0, atol=1e-3) & (y_pred > 0) & (y_pred < 1)
    y_pred = np.where(on_an_edge, y_pred + 0.01, y_pred).astype("float32")
    weights = rng.uniform(0, 2, 30).astype("float32")
    shape = (len(thresholds), 4) if multi_label else (len(thresholds),)
    variables = {key: keras.Variable(np.zeros(shape, "float32"), trainable=False) for key in ConfusionMatrix}
    module.update_confusion_matrix_variables(
        variables,
        y_true,
        y_pred,
        thresholds,
        sample_weight=weights,
        multi_label=multi_label,
        evenly=module.are_even(thresholds),
    )
    expected = reference(y_true, y_pred, thresholds, np.repeat(weights[:, None], 4, 1), axis=1 if multi_label else (1, 2))
    for key, variable in variables.items():
        np.testing.assert_allclose(variable.numpy(), expected[key], rtol=1e-5, atol=1e-5, err_msg=str(key))


def test_confusion_matrix():
    labels, predictions = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    expected = np.zeros((4, 4), int)
    np.add.at(expected, (labels, predictions), 1)
    np.testing.assert_array_equal(module.confusion_matrix(labels, predictions, 4).numpy(), expected)


def test_labels_that_are_no_class_are_left_out():
    metric = keras.metrics.MeanIoU(num_classes=2)
    metric.update_state([0, 1, 7, -3], [0, 1, 1, 0])
    np.testing.assert_array_equal(metric.total_cm.numpy(), np.eye(2))


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: keras.metrics.Precision(thresholds=[0.1, 1.5]), r"Threshold values must be in \[0, 1\]"),
        (lambda: keras.metrics.AUC(num_thresholds=1), "`num_thresholds` must be an integer > 1"),
        (lambda: keras.metrics.AUC(curve="no"), "Invalid AUC curve value"),
        (lambda: keras.metrics.AUC(summation_method="no"), "Invalid AUC summation method value"),
        (lambda: keras.metrics.AUC(num_labels=2), "`num_labels` is needed only"),
        (lambda: keras.metrics.RecallAtPrecision(1.2), r"`precision` must be in the range \[0, 1\]"),
        (lambda: keras.metrics.SensitivityAtSpecificity(0.5, num_thresholds=0), "must be an integer > 0"),
        (lambda: keras.metrics.FBetaScore(beta=1), "should be a Python float"),
        (lambda: keras.metrics.FBetaScore(average="x"), "Invalid `average`"),
        (lambda: keras.metrics.F1Score(threshold=2.0), "0 < threshold <= 1"),
        (lambda: keras.metrics.F1Score()([1.0], [1.0]), "expects 2D inputs"),
        (lambda: keras.metrics.R2Score(num_regressors=-1), ">= 0"),
        (lambda: keras.metrics.R2Score(class_aggregation="x"), "class_aggregation"),
        (lambda: keras.metrics.IoU(num_classes=2, target_class_ids=[2]), "out of range"),
        (lambda: keras.metrics.Precision(class_id=1)([1.0], [1.0]), "must be a 2D array"),
        (lambda: keras.metrics.Precision()(np.ones((4, 3)), np.ones((4, 2))), "must match"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
