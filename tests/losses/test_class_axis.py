"""Losses with an axis argument mean that axis: label smoothing, focal weights, the classes."""

import numpy as np
import pytest

import kerasgpu as keras

TARGETS = np.array([[[1, 0], [0, 1], [0, 0]]], "float32")
PROBABILITIES = np.array([[[0.7, 0.2], [0.2, 0.5], [0.1, 0.3]]], "float32")
SMOOTH = TARGETS * 0.9 + 0.1 / 3


@pytest.mark.parametrize("axis", [1, -2])
def test_smoothing_counts_the_classes_on_the_axis(axis):
    expected = -(SMOOTH * np.log(PROBABILITIES)).sum(1)
    got = keras.losses.categorical_crossentropy(TARGETS, PROBABILITIES, label_smoothing=0.1, axis=axis)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1, axis=axis)
    assert float(loss(TARGETS, PROBABILITIES)) == pytest.approx(expected.mean(), rel=1e-5)
    metric = keras.metrics.CategoricalCrossentropy(label_smoothing=0.1, axis=axis)
    assert float(metric(TARGETS, PROBABILITIES)) == pytest.approx(expected.mean(), rel=1e-5)


def test_focal_loss_over_an_axis():
    expected = -(0.25 * (1 - PROBABILITIES) ** 2 * SMOOTH * np.log(PROBABILITIES)).sum(1).mean()
    loss = keras.losses.CategoricalFocalCrossentropy(label_smoothing=0.1, axis=1)
    assert float(loss(TARGETS, PROBABILITIES)) == pytest.approx(expected, rel=1e-5)


def test_binary_losses_average_over_the_axis():
    p, t = PROBABILITIES.astype("float64"), TARGETS * 0.5 + 0.25
    bce = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    got = keras.losses.binary_crossentropy(TARGETS, PROBABILITIES, label_smoothing=0.5, axis=1)
    np.testing.assert_allclose(got, bce.mean(1), rtol=1e-5)
    right = t * p + (1 - t) * (1 - p)
    got = keras.losses.binary_focal_crossentropy(TARGETS, PROBABILITIES, label_smoothing=0.5, axis=1)
    np.testing.assert_allclose(got, ((1 - right) ** 2 * bce).mean(1), rtol=1e-5)


def test_an_axis_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"categorical_crossentropy: axis=3 .*\(1, 3, 2\)"):
        keras.losses.categorical_crossentropy(TARGETS, PROBABILITIES, axis=3)


def test_rows_without_any_probability_have_a_finite_loss():
    zero = keras.ops.zeros((1, 3))
    for loss, y in (
        (keras.losses.CategoricalCrossentropy(), [[0.0, 1.0, 0.0]]),
        (keras.losses.SparseCategoricalCrossentropy(), [1]),
        (keras.losses.CategoricalFocalCrossentropy(), [[0.0, 1.0, 0.0]]),
    ):
        value, slope = keras.value_and_grad(lambda p, loss=loss, y=y: loss(y, p))(zero)
        assert np.isfinite(float(value))
        assert np.isfinite(slope).all()
