"""Layers in the place of activation functions, and plain functions as constraints, regularizers and initializers."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize(
    "activation, weights",
    [
        (lambda: layers.LeakyReLU(negative_slope=0.5), 0),
        (lambda: layers.ReLU, 0),
        (lambda: layers.Softmax(), 0),
        (lambda: layers.PReLU(alpha_initializer="ones"), 1),
        (lambda: layers.Dense(5), 2),
    ],
)
@pytest.mark.parametrize("owner", [lambda a: layers.Dense(5, activation=a), lambda a: layers.Activation(a)])
def test_a_layer_is_applied_built_and_saved(activation, weights, owner, tmp_path):
    layer = owner(activation())
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    own = 0 if isinstance(layer, layers.Activation) else 2
    assert len(model.trainable_weights) == own + weights
    model.compile("sgd", "mse")
    run = model.fit if own + weights else model.evaluate
    run(X, np.ones((4, model.output_shape[1])), verbose=0)
    expected = X @ layer.kernel + layer.bias if own else X
    np.testing.assert_allclose(model(X), layer.activation(ops.convert_to_tensor(expected)), rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")(X), model(X), rtol=1e-6)


def test_a_config_of_a_layer():
    config = keras.activations.serialize(layers.LeakyReLU(negative_slope=0.25))
    for read in (keras.activations.get, keras.activations.deserialize):
        assert read(config).negative_slope == 0.25


@pytest.mark.parametrize("constraint", [lambda w: ops.clip(w, -0.01, 0.01), lambda w: np.clip(w, -0.01, 0.01)])
@pytest.mark.parametrize(
    "initializer", [np.ones, lambda shape, dtype=None: np.ones(shape), lambda shape, dtype: ops.ones(shape, dtype)]
)
def test_plain_functions(constraint, initializer):
    layer = layers.Dense(2, kernel_initializer=initializer, kernel_constraint=constraint)
    model = keras.Sequential([keras.Input((3,)), layer])
    np.testing.assert_array_equal(layer.kernel, np.ones((3, 2)))
    model.compile("sgd", "mse")
    model.fit(X, np.ones((4, 2)), verbose=0)
    np.testing.assert_allclose(layer.kernel, np.full((3, 2), 0.01))


def test_a_plain_function_as_regularizer():
    layer = layers.Dense(2, kernel_initializer="ones", kernel_regularizer=lambda w: 0.5 * ops.sum(w * w))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError())
    history = model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0).history
    assert history["loss"] == [3.0]
    np.testing.assert_allclose(layer.kernel, np.full((3, 2), 0.9), rtol=1e-6)


@pytest.mark.parametrize("columns", [1, 5])
def test_normalization_names_itself_and_both_sizes(columns):
    layer = layers.Normalization(name="scale")
    layer.adapt(X)
    for x in (np.ones((2, columns)), keras.Input((columns,))):
        with pytest.raises(ValueError, match=rf"'scale' .*\(4, 3\).* inputs of shape \(\w+, {columns}\)"):
            layer(x)
    with pytest.raises(ValueError, match=r"'scale' .*\(4, 3\).*\(2, 5\)"):
        layer.adapt(np.ones((2, 5)))
    assert layer(X[0]).shape == (1, 3)  # single examples pass


def test_normalization_given_statistics_that_do_not_fit():
    with pytest.raises(ValueError, match=r"'scale' .*shape \(3,\).*\(2, 5\)"):
        layers.Normalization(mean=[0.0, 0.0, 0.0], variance=[1.0, 1.0, 1.0], name="scale")(np.ones((2, 5)))
