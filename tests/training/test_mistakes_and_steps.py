"""Steps that are asked for are the steps that run; NaN is never best; NumPy's numbers are numbers; short tracebacks."""

import traceback

import numpy as np
import pytest

import kerasgpu as keras

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = X[:, :1].copy()


def regression(rate=0.0, **arguments):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", **arguments)
    return model


@pytest.mark.parametrize("eager", [True, False])
def test_validation_begins_at_the_top_in_each_epoch(eager):
    model = regression(run_eagerly=eager)
    want = float(((model.predict(X[:10], verbose=0) - Y[:10]) ** 2).mean())
    for data in ((X, Y), keras.data.Dataset.from_tensor_slices((X, Y)).batch(10)):
        history = model.fit(
            X,
            Y,
            epochs=3,
            verbose=0,
            validation_data=data,
            validation_steps=1,
            validation_batch_size=10 if isinstance(data, tuple) else None,
        )
        np.testing.assert_allclose(history.history["val_loss"], [want] * 3, rtol=1e-5)


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("with_hook", [True, False])
def test_steps_per_epoch_cuts_steps_per_execution(eager, with_hook):
    model = regression(0.01, steps_per_execution=4, run_eagerly=eager)
    ends = []
    hook = [keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))] if with_hook else []
    model.fit(X, Y, batch_size=4, steps_per_epoch=6, epochs=1, verbose=0, callbacks=hook)
    assert int(model.optimizer.iterations) == 6
    assert not with_hook or ends == [3, 7]  # the number of the last batch of a full group, as in Keras


class Report(keras.callbacks.Callback):
    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].kernel.assign(np.full((4, 1), epoch))

    def on_epoch_end(self, epoch, logs=None):
        logs["watched"] = self.values[epoch]


def test_nan_is_never_the_best(tmp_path):
    values = [np.nan, 3.0, np.nan, 2.0, 4.0]
    model = regression()
    stop = keras.callbacks.EarlyStopping("watched", mode="min", patience=9, restore_best_weights=True)
    path = tmp_path / "best.weights.h5"
    save = keras.callbacks.ModelCheckpoint(path, "watched", mode="min", save_best_only=True, save_weights_only=True)
    plateau = keras.callbacks.ReduceLROnPlateau("watched", mode="min", patience=9)
    model.fit(X, Y, epochs=5, verbose=0, callbacks=[Report(values), stop, save, plateau])
    assert stop.best == save.best == plateau.best == 2.0
    assert model.layers[0].kernel.numpy()[0, 0] == 3
    model.load_weights(path)
    assert model.layers[0].kernel.numpy()[0, 0] == 3


def test_numpy_numbers_where_numbers_are_taken():
    n = np.int64
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(np.float32(0.01)), "mse", loss_weights=np.float32(0.5), steps_per_execution=n(2))
    model.fit(
        X, Y, batch_size=n(8), epochs=n(2), initial_epoch=n(0), steps_per_epoch=n(2), verbose=n(0), validation_data=(X, Y),
        validation_steps=n(1), validation_batch_size=n(8), validation_freq=n(1), class_weight={n(0): np.float32(2.0)},
        callbacks=[keras.callbacks.EarlyStopping("loss", patience=n(3), min_delta=np.float32(0.0))],
    )  # fmt: skip
    model.evaluate(X, Y, batch_size=n(8), steps=n(1), verbose=0)
    assert model.predict(X, batch_size=np.array(8), steps=n(2), verbose=0).shape == (16, 1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.fit(X, Y, class_weight={"cat": 1}, verbose=0), "class numbers.*'cat'"),
        (lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=0, verbose=0), "at least 1"),
        (lambda m: m.get_layer(index=7), "index 7"),
    ],
)
def test_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(regression())


def test_unfrozen_without_compile_says_what_to_do():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, trainable=False), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match=r"dense.*/kernel.*call compile\(\) again"):
        model.fit(X, Y, verbose=0)


def test_a_text_column_is_named():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "town": ["x", "y"], "c": [1, 2], "d": [1, 2]})
    with pytest.raises(ValueError, match="Column 'town' holds 'x'"):
        regression().fit(table, Y[:2], verbose=0)


def frames():
    try:
        regression().fit(X, Y[:, 0][:, None, None, None] * np.ones((1, 3, 3, 3)), verbose=0)
    except ValueError as error:
        return [
            f
            for f in traceback.extract_tb(error.__traceback__)
            if "/kerasgpu/training/" in f.filename or "/kerasgpu/ops/" in f.filename or "/kerasgpu/losses/" in f.filename
        ]
    raise AssertionError("no error")


def test_a_traceback_shows_few_of_our_frames():
    assert len(frames()) <= 3
    keras.config.disable_traceback_filtering()
    try:
        assert len(frames()) > 3
    finally:
        keras.config.enable_traceback_filtering()
