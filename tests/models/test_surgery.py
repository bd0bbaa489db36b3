"""Feature extractors and changed models: layer.output is the output of the layer's first call."""

import io
import sys

import numpy as np
import pytest

import kerasgpu as keras

X = np.random.default_rng(0).normal(size=(6, 8)).astype("float32")


def stack():
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(6, activation="relu"), layers.Dense(5, activation="tanh"), layers.Dense(2)]
    )


def hidden(model):
    k1, b1, k2, b2 = model.get_weights()[:4]
    return np.tanh(np.maximum(X @ k1 + b1, 0) @ k2 + b2)


def test_a_layer_called_twice_gives_its_first_output():
    layer = keras.layers.Dense(3)
    first, _ = layer(keras.Input((4,))), layer(keras.Input((4,)))
    assert layer.output is first


@pytest.mark.parametrize("change", ["config", "pop", "pop and add"])
def test_features_of_a_changed_sequential(change):
    model = stack()
    if change == "config":
        twin = keras.Sequential.from_config(model.get_config())
        twin.set_weights(model.get_weights())
        model = twin
    else:
        model.pop()
        if change == "pop and add":
            model.add(keras.layers.Dense(3))
    extractor = keras.Model(model.inputs, model.layers[1].output)
    np.testing.assert_allclose(extractor.predict(X, verbose=0), hidden(model), rtol=1e-4, atol=1e-6)


def test_the_output_of_a_sequential_is_its_own_until_it_is_called():
    model = stack()
    assert model.output is model.outputs[0] and model.input is model.inputs[0]
    inputs = keras.Input((8,))
    outputs = model(inputs)
    assert model.output is outputs and model.input is inputs


def test_a_summary_on_a_terminal_without_box_characters(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="cp1252"))
    stack().summary()
    sys.stdout.flush()
    text = buffer.getvalue().decode("cp1252")
    assert "Layer (type)" in text and "+---" in text


def test_a_summary_on_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    stack().summary()
    assert "Total params" in capsys.readouterr().out
