"""The same model, weights and data in real Keras: the same histories, evaluations, predictions and final weights."""

import functools

import numpy as np
import oracle
import pytest

import kerasgpu
from kerasgpu.engine import nest

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the warnings are those of Keras

RNG = np.random.default_rng(0)
N = 70
X = RNG.normal(size=(N, 6)).astype("float32")
LABELS = RNG.integers(0, 4, N)
ONE_HOT = np.eye(4, dtype="float32")[LABELS]
BINARY = (X[:, :1] + 0.3 * RNG.normal(size=(N, 1)) > 0).astype("float32")
TARGET = X[:, :2] * 2 + RNG.normal(size=(N, 2)).astype("float32") * 0.1
WEIGHTS = RNG.uniform(0.1, 2.0, N).astype("float32")
TOKENS = RNG.integers(0, 9, (N, 5))


def dense(k, units, activation="softmax", **arguments):
    return k.Sequential(
        [k.Input((6,)), k.layers.Dense(8, activation="relu", **arguments), k.layers.Dense(units, activation=activation)]
    )


def two_outputs(k):
    x = k.Input((6,), name="x")
    hidden = k.layers.Dense(8, activation="tanh")(x)
    outputs = {"a": k.layers.Dense(4, activation="softmax", name="a")(hidden), "b": k.layers.Dense(2, name="b")(hidden)}
    return k.Model(x, outputs)


def list_outputs(k):
    x = k.Input((6,), name="x")
    hidden = k.layers.Dense(8, activation="tanh")(x)
    return k.Model(x, [k.layers.Dense(4, activation="softmax", name="a")(hidden), k.layers.Dense(2, name="b")(hidden)])


def normalized(k):
    return k.Sequential([k.Input((6,)), k.layers.Dense(8), k.layers.BatchNormalization(), k.layers.ReLU(), k.layers.Dense(2)])


def masked(k):
    return k.Sequential([k.Input((5,)), k.layers.Embedding(9, 4, mask_zero=True), k.layers.Dense(3, activation="softmax")])


CASES = {
    "sparse labels, accuracy, split": (
        lambda k: dense(k, 4),
        dict(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
        (X, LABELS),
        dict(epochs=3, batch_size=16, validation_split=0.2),
    ),
    "one-hot, acc and others, weights": (
        lambda k: dense(k, 4),
        lambda k: dict(
            optimizer=k.optimizers.SGD(0.1, momentum=0.9),
            loss=k.losses.CategoricalCrossentropy(label_smoothing=0.1),
            metrics=["acc", k.metrics.TopKCategoricalAccuracy(2)],
            weighted_metrics=["accuracy", "mse"],
        ),
        (X, ONE_HOT),
        dict(epochs=2, sample_weight=WEIGHTS, validation_data=(X[:20], ONE_HOT[:20], WEIGHTS[:20])),
    ),
    "binary, class weights": (
        lambda k: dense(k, 1, "sigmoid"),
        dict(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy", "AUC", "Precision"]),
        (X, BINARY),
        dict(epochs=3, class_weight={0: 2.0, 1: 0.5}),
    ),
    "regression, regularizers": (
        lambda k: dense(k, 2, None, kernel_regularizer=k.regularizers.L2(0.01), activity_regularizer="l2"),
        dict(optimizer="sgd", loss="mse", metrics=["mae", "mean_squared_error"]),
        (X, TARGET),
        dict(epochs=3, batch_size=20),
    ),
    "batch normalization": (normalized, dict(optimizer="sgd", loss="huber"), (X, TARGET), dict(epochs=3, validation_split=0.3)),
    "outputs in a dict": (
        two_outputs,
        dict(
            optimizer="adam",
            loss={"a": "sparse_categorical_crossentropy", "b": "mae"},
            loss_weights={"a": 0.3, "b": 2.0},
            metrics={"a": ["accuracy"], "b": ["mse", "mae"]},
        ),
        (X, {"a": LABELS, "b": TARGET}),
        dict(epochs=2),
    ),
    "outputs in a list": (
        list_outputs,
        dict(
            optimizer="adam",
            loss=["sparse_categorical_crossentropy", "mae"],
            loss_weights=[0.3, 2.0],
            metrics=[["accuracy"], None],
        ),
        (X, [LABELS, TARGET]),
        dict(epochs=2, sample_weight=WEIGHTS, validation_split=0.1),
    ),
    "one loss for several outputs": (
        list_outputs,
        dict(optimizer="adam", loss="mse"),
        (X, [ONE_HOT, TARGET]),
        dict(epochs=2),
    ),
    "mask": (
        masked,
        # No metrics: in training on JAX, Keras loses the mask before it updates them (on other backends it does not).
        dict(optimizer="adam", loss="sparse_categorical_crossentropy"),
        (TOKENS, TOKENS % 3),
        dict(epochs=2),
    ),
    "mask and weights per step": (
        masked,
        dict(optimizer="adam", loss="sparse_categorical_crossentropy"),
        (TOKENS, TOKENS % 3),
        dict(epochs=2, sample_weight=np.abs(X[:, :5])),
    ),
    "steps per epoch": (
        lambda k: dense(k, 2, None),
        dict(optimizer="sgd", loss="mse", steps_per_execution=2),
        (X, TARGET),
        dict(
            epochs=5,
            batch_size=10,
            steps_per_epoch=4,  # a multiple of steps_per_execution: Keras rounds up to one
            initial_epoch=1,
            validation_data=(X, TARGET),
            validation_freq=2,
        ),
    ),
}


def pair(build):
    """The model of `build` in both, with the same weights."""
    models = [build(kerasgpu), build(keras)]
    models[0].set_weights(models[1].get_weights())
    return models


def compile_both(models, arguments):
    for module, model in zip((kerasgpu, keras), models):
        model.compile(**(arguments(module) if callable(arguments) else arguments))


def train(model, name):
    """Everything that is compared: history, weights, evaluation, predictions."""
    _, _, data, fit_arguments = CASES[name]
    history = model.fit(*data, shuffle=False, verbose=0, **fit_arguments).history
    weights, scores = model.get_weights(), model.evaluate(*data, verbose=0)
    return history, weights, scores, nest.flatten(model.predict(data[0], verbose=0))


@functools.cache
def expected(name):
    build, compile_arguments, _, _ = CASES[name]
    model = build(keras)
    start = model.get_weights()
    model.compile(**(compile_arguments(keras) if callable(compile_arguments) else compile_arguments))
    return start, train(model, name)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("capture", [True, False], ids=["captured", "eager"])
def test_history_and_weights(name, capture):
    build, compile_arguments, _, _ = CASES[name]
    start, (history, weights, scores, predictions) = expected(name)
    model = build(kerasgpu)
    model.set_weights(start)
    model.compile(
        **(compile_arguments(kerasgpu) if callable(compile_arguments) else compile_arguments), run_eagerly=not capture
    )
    ours = train(model, name)
    assert list(ours[0]) == list(history)
    for key in history:
        oracle.close(ours[0][key], history[key], rtol=2e-4, atol=2e-5, what=key)
    oracle.close(ours[2], scores, rtol=2e-4, atol=2e-5, what="evaluate")
    for what, mine, theirs in (("weights", ours[1], weights), ("predict", ours[3], predictions)):
        for a, b in zip(mine, theirs):
            oracle.close(a, b, rtol=2e-4, atol=2e-5, what=what)


def test_the_same_seed_shuffles_alike():
    models = pair(lambda k: dense(k, 4))
    compile_both(models, dict(optimizer="adam", loss="sparse_categorical_crossentropy"))
    found = []
    for model in models:
        model.evaluate(X, LABELS, verbose=0)  # builds what Keras would draw an order for
        np.random.seed(5)
        found.append(model.fit(X, LABELS, epochs=3, batch_size=8, verbose=0).history["loss"])
    oracle.close(*found, rtol=1e-4)


def test_single_batches():
    models = pair(lambda k: dense(k, 4))
    compile_both(
        models,
        dict(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]),
    )
    for _ in range(2):
        for call in (
            lambda m: m.train_on_batch(X[:9], LABELS[:9], sample_weight=WEIGHTS[:9]),
            lambda m: m.train_on_batch(X[:9], LABELS[:9], class_weight={1: 3.0}),
            lambda m: m.test_on_batch(X, LABELS),
            lambda m: list(m.test_on_batch(X, LABELS, return_dict=True).values()),
            lambda m: m.predict_on_batch(X),
        ):
            oracle.close(call(models[0]), call(models[1]), rtol=1e-4)


def test_masks_in_the_metrics_of_evaluate():
    models = pair(masked)
    compile_both(models, dict(loss="sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]))
    found = [model.evaluate(TOKENS, TOKENS % 3, verbose=0, return_dict=True) for model in models]
    assert list(found[0]) == list(found[1])
    oracle.close(list(found[0].values()), list(found[1].values()), rtol=1e-4)


def test_compile_configs_are_equal():
    models = [list_outputs(kerasgpu), list_outputs(keras)]
    compile_both(
        models,
        lambda k: dict(
            optimizer=k.optimizers.Adam(name="adam"),
            loss=["mse", "mae"],
            loss_weights=[1.0, 2.0],
            metrics=[["accuracy"], ["mse"]],
        ),
    )
    ours, theirs = (oracle.plain(model.get_compile_config()) for model in models)
    del ours["jit_compile"], theirs["jit_compile"]  # Keras writes down what it chose for its backend
    assert ours == theirs
