"""Every mistake ends in one clear sentence, and leaves everything usable."""

import re
import signal
import threading
import time

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 3
INTERNALS = re.compile(r"Traceback|object at 0x|NoneType|has no attribute|positional argument|not subscriptable|unhashable")


def classifier(loss="sparse_categorical_crossentropy", **arguments):
    model = keras.Sequential([keras.Input((4,), name="in"), layers.Dense(3, activation="softmax", name="out")])
    model.compile(arguments.pop("optimizer", "adam"), loss, **arguments)
    return model


def fit(x=X, y=Y, model=None, **arguments):
    (model or classifier()).fit(x, y, verbose=0, **arguments)


def two_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    return keras.Model({"a": a, "b": b}, layers.Add()([a, b]))


def of_names(kind, make):
    def run():
        make("no_such_thing")

    return run, f"Could not interpret {kind} identifier: no_such_thing.*lists all names"


BAD = {
    # shapes
    "features": (lambda: fit(X[:, :3]), r"layer 'out'.*expected axis -1.*value 4.*\(24, 3\)"),
    "features in predict": (lambda: classifier().predict(X[:, :3], verbose=0), r"layer 'out'.*value 4.*\(24, 3\)"),
    "features in a call": (lambda: classifier()(X[:, :3]), r"layer 'out'.*value 4.*\(24, 3\)"),
    "rank too low": (lambda: fit(X[:, 0]), r"name 'in'.*Expected shape \(None, 4\).*\(24,\)"),
    "rank too high": (lambda: fit(np.ones((24, 4, 4, 4))), r"name 'in'.*Expected shape \(None, 4\).*\(24, 4, 4, 4\)"),
    "targets": (
        lambda: fit(y=np.ones((24, 7)), model=classifier("mse")),
        r"loss 'mse' of y_true \(24, 7\), y_pred \(24, 3\): .*",
    ),
    "one-hot for sparse": (lambda: fit(y=np.eye(3)[Y]), r"target.shape=\(24, 3\), output.shape=\(24, 3\)"),
    "sparse for one-hot": (lambda: fit(model=classifier("categorical_crossentropy")), r"same rank.*\(24,\).*\(24, 3\)"),
    # labels
    "label too large": (lambda: fit(y=Y + 1), r"class numbers from 0 to 2.*from 1 to 3.*4 units"),
    "label negative": (lambda: fit(y=Y - 1), r"class numbers from 0 to 2.*from -1 to 1\. Map the labels to 0, 1, 2"),
    "label column": (lambda: fit(y=Y[:, None] + 1), r"class numbers from 0 to 2.*from 1 to 3"),
    "label with logits": (
        lambda: fit(y=Y + 1, model=classifier(keras.losses.SparseCategoricalCrossentropy(from_logits=True))),
        r"class numbers from 0 to 2.*from 1 to 3",
    ),
    "label in evaluate": (lambda: classifier().evaluate(X, Y + 1, verbose=0), "class numbers from 0 to 2"),
    "label in validation": (lambda: fit(validation_data=(X, Y + 1)), "class numbers from 0 to 2"),
    "label from a generator": (
        lambda: classifier().fit(((X, Y + 1) for _ in range(1)), verbose=0, shuffle=False),
        r"class numbers from 0 to 2.*from 1 to 3",
    ),
    "label in train_on_batch": (lambda: classifier().train_on_batch(X, Y - 1), r"class numbers from 0 to 2.*from -1 to 1"),
    "label in test_on_batch": (lambda: classifier().test_on_batch(X, Y + 1), r"class numbers from 0 to 2.*from 1 to 3"),
    "category too large": (lambda: keras.utils.to_categorical([0, 5], 3), r"class 5 does not fit in num_classes=3"),
    # data
    "empty": (lambda: fit(X[:0], Y[:0]), r"no samples: x has shape \(0, 4\)"),
    "empty in predict": (lambda: classifier().predict(X[:0], verbose=0), "no samples"),
    "empty list": (lambda: fit([], []), "no samples"),
    "no data": (lambda: fit(None), "No data: pass x"),
    "no targets": (lambda: fit(y=None), "No targets.*sparse_categorical_crossentropy.*Pass y"),
    "a number": (lambda: fit(3, 4), r"Unrecognized data type: x=3.*Pass NumPy arrays"),
    "objects": (lambda: fit(np.array([[1, 2], [3]], dtype=object), Y[:2]), "rows of different lengths.*pad_sequences"),
    "ragged": (lambda: fit([[1.0, 2.0], [3.0]], [0, 1]), "differ in length.*pad_sequences"),
    "text": (lambda: fit(np.full((24, 4), "a")), "x: An array of dtype <U1.*convert text"),
    "text targets": (lambda: fit(y=np.full(24, "cat")), "y: An array of dtype <U3.*convert text"),
    "dates": (lambda: fit(np.zeros((24, 4), "M8[s]")), "datetime64.*convert text and dates"),
    "complex": (lambda: fit(X.astype("complex64")), "complex64.*real and imaginary parts"),
    "lengths of x and y": (lambda: fit(y=Y[:5]), "same number of samples(.|\n)*'x' sizes: 24\n'y' sizes: 5"),
    "lengths of weights": (lambda: fit(sample_weight=np.ones(3)), "same number of samples(.|\n)*'sample_weight' sizes: 3"),
    "lengths in validation": (lambda: fit(validation_data=(X, Y[:3])), "same number of samples"),
    "inputs by name": (lambda: two_inputs().predict({"c": X}, verbose=0), r'Missing data for input "a".*\[.c.\]'),
    "number of inputs": (lambda: two_inputs().predict([X], verbose=0), r"expects 2.*received 1 input"),
    # arguments
    "batch size 0": (lambda: fit(batch_size=0), "positive integer. Received: batch_size=0"),
    "batch size 2.5": (lambda: fit(batch_size=2.5), "positive integer. Received: batch_size=2.5"),
    "epochs": (lambda: fit(epochs="3"), "`epochs` must be an integer. Received: epochs='3'"),
    "validation split": (lambda: fit(validation_split=1.5), "between 0 and 1"),
    "units": (lambda: layers.Dense(-3), "positive integer. Received: units=-3"),
    "rate": (lambda: layers.Dropout(1.5), "between 0 and 1. Received: rate=1.5"),
    "learning rate": (lambda: keras.optimizers.Adam("fast"), "`learning_rate` should be float"),
    "dtype": (lambda: layers.Dense(1, dtype="flot32"), "flot32"),
    # names
    "optimizer": of_names("optimizer", lambda n: classifier(optimizer=n)),
    "loss": of_names("loss", lambda n: fit(model=classifier(n))),
    "metric": of_names("metric", lambda n: fit(model=classifier(metrics=[n]))),
    "activation": of_names("activation function", lambda n: layers.Dense(1, activation=n)),
    "initializer": of_names("initializer", lambda n: layers.Dense(1, kernel_initializer=n)),
    "regularizer": of_names("regularizer", lambda n: layers.Dense(1, kernel_regularizer=n)),
    "constraint": of_names("constraint", lambda n: layers.Dense(1, kernel_constraint=n)),
    "nearly": (lambda: classifier(optimizer="adamm"), "Did you mean 'adam"),
    # order
    "not compiled": (lambda: keras.Sequential([layers.Dense(1)]).fit(X, Y), r"call model.compile\(.*before `fit\(\)`"),
    "no loss": (lambda: fit(model=classifier(None)), "No loss to compute"),
    "not built": (lambda: keras.Sequential([layers.Dense(1)]).count_params(), "isn't built"),
    "no layers": (lambda: keras.Sequential().predict(X, verbose=0), "has no layers"),
    "weights of nothing": (lambda: keras.Sequential([layers.Dense(1)]).save_weights("w.weights.h5"), "not yet been built"),
    # ops
    "reshape": (lambda: keras.ops.reshape(X, (5, 5)), r"reshape: .*\(24, 4\).*\(5, 5\)"),
    "matmul": (lambda: keras.ops.matmul(X, X), r"matmul: .*\(24, 4\) and \(24, 4\)"),
    "concatenate": (lambda: keras.ops.concatenate([X, X[:3]], 1), r"concatenate: .*\(24, 4\), \(3, 4\)"),
    "broadcast": (lambda: keras.ops.add(X, X[:3]), r"add: .*\(24, 4\).*\(3, 4\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_clear_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, match = BAD[name]
    with pytest.raises(ValueError, match=match) as caught:
        run()
    assert not INTERNALS.search(str(caught.value)), str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("wrong", [{"x": X[:, :3]}, {"y": Y + 1}, {"y": Y[:3]}, {"x": np.full((24, 4), "a")}])
def test_a_model_works_after_a_mistake(wrong):
    keras.utils.set_random_seed(0)
    model = classifier()
    before = model.get_weights()
    with pytest.raises(ValueError):
        model.fit(**{"x": X, "y": Y, **wrong}, verbose=0)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])
    assert model.predict(X, verbose=0).shape == (24, 3)


@pytest.mark.parametrize("index", [7, -8])
def test_indices_out_of_range_touch_nothing(index):
    embedding = layers.Embedding(5, 2)
    assert np.isnan(np.asarray(embedding(np.array([[index]])))).all()
    assert np.isfinite(np.asarray(embedding(np.array([[4, 0]])))).all()


def test_nan_goes_on_and_can_be_stopped():
    x = X.copy()
    x[3, 2] = np.nan
    history = classifier().fit(x, Y, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3 and np.isnan(history.history["loss"][-1])
    stopped = classifier().fit(x, Y, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert len(stopped.history["loss"]) == 1


def test_infinite_inputs_and_targets():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.full((8, 4), np.inf, "float32"), np.full((8, 1), -np.inf), epochs=2, verbose=0)
    assert not np.isfinite(model.history.history["loss"][-1])


def test_wrong_files(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"PK\3\4 not really")
    (tmp_path / "w.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n not really")
    model = classifier()
    for run, match in (
        (lambda: keras.models.load_model(tmp_path / "m.keras"), "m.keras is not a readable .keras file"),
        (lambda: keras.models.load_model(tmp_path / "nothing.keras"), "File not found.*nothing.keras"),
        (lambda: model.load_weights(tmp_path / "w.weights.h5"), "w.weights.h5 is not a readable HDF5 file"),
        (lambda: model.load_weights(tmp_path / "m.txt"), "File format not supported"),
        (lambda: model.save(tmp_path / "m.txt"), "Invalid filepath extension"),
    ):
        with pytest.raises(ValueError, match=match):
            run()
    with pytest.raises(FileNotFoundError, match="nothing.weights.h5 does not exist"):
        model.load_weights(tmp_path / "nothing.weights.h5")


def big_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), layers.Dense(256, "relu"), layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_ctrl_c(method):
    """An interrupt during a captured run comes through within a second; the model can be used and trained on."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60_000, 784)).astype("float32"), rng.integers(0, 10, 60_000)
    model = big_model()
    model.fit(x[:512], y[:512], verbose=0)
    arguments = {
        "fit": lambda: model.fit(x, y, epochs=1000, verbose=0),
        "evaluate": lambda: [model.evaluate(x, y, batch_size=8, verbose=0) for _ in range(1000)],
        "predict": lambda: [model.predict(x, batch_size=8, verbose=0) for _ in range(1000)],
    }
    sent = []

    def interrupt():
        sent.append(time.perf_counter())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    timer = threading.Timer(1.0, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            arguments[method]()
        assert time.perf_counter() - sent[0] < 1.0
    finally:
        timer.cancel()
        timer.join()
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.predict(x[:100], verbose=0).shape == (100, 10)
    losses = model.fit(x[:2000], y[:2000], epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_stopping_from_a_callback_and_errors_in_callbacks():
    class Breaks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("mine")

    model = classifier()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, verbose=0, callbacks=[Breaks()])
    assert len(model.fit(X, Y, epochs=2, verbose=0).history["loss"]) == 2
