"""A cross-entropy is computed from the logits of its own activation over its own axis, and from the probabilities after any other."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops

Z = np.array([[2.0, -1.0, 0.5], [0.3, 0.2, -2.0]])
LABELS = np.array([0, 1])
HOT = np.eye(3)[LABELS]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


PROBABILITIES = {"sigmoid": sigmoid(Z), "softmax": softmax(Z)}


def binary(p):
    return -(HOT * np.log(p) + (1 - HOT) * np.log(1 - p)).mean()


def categorical(p):
    return -np.log((p / p.sum(1, keepdims=True))[np.arange(2), LABELS]).mean()


LOSSES = {
    "binary_crossentropy": (HOT, binary),
    "categorical_crossentropy": (HOT, categorical),
    "sparse_categorical_crossentropy": (LABELS, categorical),
}


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_metric_after_either_activation(activation, loss):
    labels, reference = LOSSES[loss]
    expected = reference(PROBABILITIES[activation])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation=activation, kernel_initializer="identity")])
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=[loss])
    x = Z.astype("float32")
    np.testing.assert_allclose(model.evaluate(x, labels, verbose=0), [expected, expected], rtol=1e-5)
    np.testing.assert_allclose(model.fit(x, labels, verbose=0).history["loss"], [expected], rtol=1e-5)


def test_logits_of_the_right_softmax_are_exact_where_probabilities_vanish():
    z = ops.convert_to_tensor([[0.0, 200.0], [0.0, 0.0]])
    hot = ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
    assert ops.categorical_crossentropy(hot, ops.softmax(z)).numpy()[0] == 200.0
    # classes on axis 0: the first column is a tie, in the second class 1 is 200 behind
    assert ops.categorical_crossentropy(hot, ops.softmax(z, axis=0), axis=0).numpy()[1] == 200.0


@pytest.mark.parametrize("made, used", [(0, 1), (1, 0), (0, -1), (-2, 1)])
def test_a_softmax_over_another_axis_is_taken_as_it_is(made, used):
    z, t = np.array([[1.0, 2.0], [3.0, -1.0]]), np.eye(2)
    p = softmax(z, made)
    p = p / p.sum(used, keepdims=True)
    given = ops.softmax(ops.convert_to_tensor(z, "float32"), axis=made)
    got = ops.categorical_crossentropy(ops.convert_to_tensor(t, "float32"), given, axis=used)
    np.testing.assert_allclose(got, -(t * np.log(p)).sum(used), rtol=1e-5)


def test_from_logits_after_another_activation_takes_what_it_is_given():
    s = ops.sigmoid(ops.convert_to_tensor(Z, "float32"))
    got = ops.categorical_crossentropy(ops.convert_to_tensor(HOT, "float32"), s, from_logits=True)
    np.testing.assert_allclose(got, -np.log(softmax(sigmoid(Z)))[np.arange(2), LABELS], rtol=1e-5)
