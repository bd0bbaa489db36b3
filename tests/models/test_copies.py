"""Copies of models, optimizers and estimators: the same values, and the same bits after more training."""

import copy
import pickle

import numpy as np
import pytest

import kerasgpu as keras

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
WAYS = {"pickle": lambda x: pickle.loads(pickle.dumps(x)), "deepcopy": copy.deepcopy}


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(5, activation="relu")
        self.drop = keras.layers.Dropout(0.3, seed=3)
        self.blocks = [keras.layers.Dense(1)]

    def call(self, x, training=None):
        return self.blocks[0](self.drop(self.hidden(x), training=training))


def sequential():
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3, seed=3)]
        + [keras.layers.Dense(1)]
    )


def functional():
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.ops.relu(keras.layers.Dense(5)(inputs)) + 1))


def assert_same(a, b):
    for p, q in zip(a, b, strict=True):
        np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [sequential, functional, Net])
@pytest.mark.parametrize("epochs", [1, 2])  # the second epoch replays recorded steps
def test_a_copy_of_a_fitted_model_trains_on(make, way, epochs):
    model = make()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, epochs=epochs, verbose=0, shuffle=False)
    twin = WAYS[way](model)
    assert twin.history.model is twin and twin.history.history == model.history.history
    assert_same([v.numpy() for v in twin.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    before = twin.get_weights()
    model.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    assert_same(twin.get_weights(), before)  # nothing is shared
    twin.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    assert_same(twin.get_weights(), model.get_weights())


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_model_that_was_not_fitted(way):
    model = sequential()
    twin = WAYS[way](model)
    np.testing.assert_array_equal(twin(X).numpy(), model(X).numpy())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["SKLearnRegressor", "SKLearnTransformer", "SKLearnClassifier"])
def test_a_copy_of_a_fitted_estimator(kind, way):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2 if kind == "SKLearnClassifier" else 1)])
    model.compile("adam", "mse")
    y = (Y[:, 0] > 0).astype(int) if kind == "SKLearnClassifier" else Y[:, 0]
    estimator = getattr(keras.wrappers, kind)(model, fit_kwargs={"verbose": 0}).fit(X, y)
    ask = (lambda e: e.transform(X)) if kind == "SKLearnTransformer" else (lambda e: e.predict(X))
    np.testing.assert_array_equal(ask(WAYS[way](estimator)), ask(estimator))
