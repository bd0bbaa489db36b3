"""What each callback does, and what it refuses."""

import csv
import os

import numpy as np
import pytest

import kerasgpu as keras

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X @ np.array([[1.0], [2.0], [3.0]], dtype="float32")


def model(learning_rate=0.05, **arguments):
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    made.compile(keras.optimizers.SGD(learning_rate), "mse", **arguments)
    return made


def scripted(values, monitor="val_loss"):
    """A callback that replaces a log by the given values, one per epoch."""
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.__setitem__(monitor, values[epoch]))


def fit(made, callbacks, epochs=10, **arguments):
    return made.fit(X, Y, epochs=epochs, verbose=0, callbacks=callbacks, **arguments)


# -- EarlyStopping --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments, values, epochs",
    [
        (dict(patience=2), [3, 2, 2, 2, 1, 1], 4),
        (dict(patience=0), [3, 3, 1], 2),
        (dict(patience=1, min_delta=0.5), [3, 2.8, 2.7, 0], 2),
        (dict(patience=2, mode="max"), [1, 2, 3, 3, 2, 9], 5),
        (dict(patience=1, start_from_epoch=3), [5, 6, 7, 8, 9, 10], 5),
        (dict(patience=2, baseline=1.0), [3, 2, 2, 0.5], 3),
        (dict(patience=5), [3, 2, 1, float("nan"), 0, 0], 6),
    ],
)
def test_early_stopping(arguments, values, epochs):
    stop = keras.callbacks.EarlyStopping(**arguments)
    history = fit(model(), [scripted(values), stop], epochs=len(values))
    assert len(history.epoch) == epochs


def test_early_stopping_restores_the_best_weights(capsys):
    made = model()
    kept = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(made.get_weights()))
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    fit(made, [scripted([3, 1, 2, 2, 2]), note, stop], epochs=5)
    assert all(np.array_equal(a, b) for a, b in zip(made.get_weights(), kept[1]))
    out = capsys.readouterr().out
    assert "Epoch 4: early stopping" in out and "end of the best epoch: 2." in out


def test_the_direction_of_a_metric_is_known():
    made = model(metrics=["accuracy", "mae", keras.metrics.AUC(name="area")])
    fit(made, [], epochs=1)
    for name, direction in (
        ("val_accuracy", keras.ops.greater),
        ("mae", keras.ops.less),
        ("area", keras.ops.greater),
        ("val_loss", keras.ops.less),
    ):
        callback = keras.callbacks.EarlyStopping(name)
        callback.set_model(made)
        callback._set_monitor_op()
        assert callback.monitor_op is direction
    with pytest.raises(ValueError, match="Pass `mode='max'`"):
        fit(made, [scripted([1], "odd"), keras.callbacks.EarlyStopping("odd")], epochs=1)
    with pytest.warns(UserWarning, match="which is not available"):
        fit(made, [keras.callbacks.EarlyStopping("val_loss")], epochs=1)
    with pytest.warns(UserWarning, match="fallback to auto"):
        keras.callbacks.EarlyStopping(mode="best")


# -- learning rate --------------------------------------------------------------------------------------------------
def test_reduce_on_plateau(capsys):
    reduce = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.02, verbose=1)
    history = fit(model(0.1), [scripted([3, 3, 3, 3, 3, 1, 1, 1]), reduce], epochs=8)
    rates = [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025]
    assert history.history["learning_rate"] == pytest.approx(rates)
    assert "Epoch 3: ReduceLROnPlateau reducing learning rate to 0.05" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"factor >= 1\.0"):
        keras.callbacks.ReduceLROnPlateau(factor=1.0)


def test_cooldown_waits():
    reduce = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2)
    history = fit(model(0.8), [scripted([1] * 8), reduce], epochs=8)
    assert history.history["learning_rate"] == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1, 0.1])


def test_learning_rate_scheduler(capsys):
    history = fit(model(1e-3), [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1), verbose=1)], epochs=3)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert "setting learning rate to 0.1" in capsys.readouterr().out
    with pytest.raises(ValueError, match="should be a float"):
        fit(model(), [keras.callbacks.LearningRateScheduler(lambda epoch, rate: "fast")])


def test_a_new_rate_reaches_captured_steps():
    def weights(rates):
        made = model()
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch])
        made.fit(X, Y, batch_size=5, epochs=len(rates), shuffle=False, verbose=0, callbacks=[schedule])
        return made.get_weights()[0]

    assert np.array_equal(weights([0.1, 0.0, 0.0]), weights([0.1]))
    assert not np.array_equal(weights([0.1, 0.1]), weights([0.1]))


# -- files ----------------------------------------------------------------------------------------------------------
def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    fit(model(), [keras.callbacks.CSVLogger(path)], epochs=2, validation_data=(X, Y))
    fit(model(), [keras.callbacks.CSVLogger(path, append=True)], epochs=1, validation_data=(X, Y))
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "0"] and float(rows[0]["val_loss"]) > 0
    fit(model(), [keras.callbacks.CSVLogger(path, separator=";")], epochs=1)
    assert path.read_text().startswith("epoch;loss;val_loss\n")


def test_csv_logger_keeps_an_old_file_until_the_first_row(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("old\n")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(path.read_text()),
        on_epoch_end=lambda e, logs: seen.append(path.read_text()),
    )
    fit(model(), [keras.callbacks.CSVLogger(path), look], epochs=2)
    assert seen[0] == "old\n" and seen[1].startswith("epoch,") and seen[1].count("\n") == 2
    assert seen[-1] == path.read_text() and seen[-1].count("\n") == 3 and [p.name for p in tmp_path.iterdir()] == ["log.csv"]
    path.write_text(path.read_text() + "2,0.1")  # a row that was cut off
    fit(model(), [keras.callbacks.CSVLogger(path, append=True)], epochs=1)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1", "2", "0"]


def test_model_checkpoint_saves_what_and_when(tmp_path, monkeypatch):
    made, saved = model(), []
    monkeypatch.setattr(type(made), "save", lambda self, path, overwrite=True: saved.append(os.path.basename(path)))
    monkeypatch.setattr(type(made), "save_weights", lambda self, path, overwrite=True: saved.append(os.path.basename(path)))

    def run(values=(1,), **arguments):
        saved.clear()
        path = str(tmp_path / "new" / arguments.pop("path", "m{epoch:02d}-{val_loss:.1f}.keras"))
        callbacks = [scripted(values), keras.callbacks.ModelCheckpoint(path, **arguments)]
        made.fit(X, Y, batch_size=4, epochs=len(values), verbose=0, callbacks=callbacks)
        return list(saved)

    assert run([3, 2, 4]) == ["m01-3.0.keras", "m02-2.0.keras", "m03-4.0.keras"]
    assert run([3, 2, 4], save_best_only=True) == ["m01-3.0.keras", "m02-2.0.keras"]
    assert run([3, 2, 4], save_best_only=True, initial_value_threshold=2.5) == ["m02-2.0.keras"]
    assert run([3, 2, 4], save_best_only=True, mode="max") == ["m01-3.0.keras", "m03-4.0.keras"]
    assert run([1, 1], path="{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=4) == [
        "1-4.weights.h5",
        "2-3.weights.h5",
    ]
    assert (tmp_path / "new").is_dir()
    with pytest.raises(KeyError, match="Failed to format"):
        run(path="{nothing}.keras")
    for arguments, message in (
        (dict(filepath="x.txt"), "must end in `.keras`"),
        (dict(filepath="x.keras", save_weights_only=True), "must end in `.weights.h5`"),
        (dict(filepath="x.keras", save_freq="hour"), "Unrecognized save_freq"),
    ):
        with pytest.raises(ValueError, match=message):
            keras.callbacks.ModelCheckpoint(**arguments)


def test_backup_and_restore_continues_where_training_stopped(tmp_path):
    pytest.importorskip("h5py")
    folder = tmp_path / "backup"

    class Fail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("power cut")

    straight = model()
    straight.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    first = model()
    with pytest.raises(RuntimeError, match="power cut"):
        first.fit(X, Y, epochs=4, shuffle=False, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(folder), Fail()])
    second = model()
    history = second.fit(X, Y, epochs=4, shuffle=False, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(folder)])
    assert history.epoch == [2, 3] and not folder.exists()
    assert all(np.array_equal(a, b) for a, b in zip(second.get_weights(), straight.get_weights()))
    assert int(second.optimizer.iterations) == int(straight.optimizer.iterations)
    assert second.fit(X, Y, epochs=1, verbose=0).epoch == [0]
    with pytest.raises(ValueError, match="Empty `backup_dir`"):
        keras.callbacks.BackupAndRestore("")


# -- the others -----------------------------------------------------------------------------------------------------
def test_terminate_on_nan(capsys):
    broken = Y.copy()
    broken[7] = np.nan
    history = model().fit(
        X, broken, batch_size=5, shuffle=False, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]
    )
    assert len(history.epoch) == 1 and "Batch 1: Invalid loss" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0"):
        model().fit(X, Y * np.inf, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN(raise_error=True)])


def test_lambda_callbacks_and_order():
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_begin=lambda epoch, logs: seen.append(epoch),
        on_train_batch_end=lambda batch, logs: seen.append(sorted(logs)),
        on_test_begin=lambda logs: seen.append("test"),
        on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)),
        on_train_end=lambda logs: seen.append("end"),
    )
    fit(model(), [callback], epochs=1, validation_data=(X, Y))
    assert seen == ["begin", 0, ["loss"], "test", ["loss", "val_loss"], "end"]


def test_swap_ema_weights():
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    swap = keras.callbacks.SwapEMAWeights()
    seen = []
    watch = keras.callbacks.LambdaCallback(on_test_begin=lambda logs: seen.append(made.get_weights()[0]))
    history = fit(made, [swap, watch], epochs=2, validation_data=(X, Y))
    assert len(seen) == 2 and not np.array_equal(seen[0], seen[1]) and np.isfinite(history.history["val_loss"]).all()
    with pytest.raises(ValueError, match="use_ema=True"):
        fit(model(), [keras.callbacks.SwapEMAWeights()], epochs=1, validation_data=(X, Y))


def test_remote_monitor(monkeypatch):
    requests = pytest.importorskip("requests")
    sent = []
    monkeypatch.setattr(requests, "post", lambda url, data=None, json=None, headers=None: sent.append((url, json)))
    fit(model(), [keras.callbacks.RemoteMonitor(send_as_json=True)], epochs=1)
    assert sent[0][0] == "http://localhost:9000/publish/epoch/end/" and sent[0][1]["epoch"] == 0


def test_names_that_do_not_exist_say_what_to_use():
    with pytest.raises(NotImplementedError, match="ModelCheckpoint"):
        _ = keras.callbacks.OrbaxCheckpoint


def test_a_callback_list_of_ones_own():
    calls = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            calls.append((epoch, logs))

    made = model()
    container = keras.callbacks.CallbackList([[Note()]], add_history=True, model=made, epochs=1, steps=1, verbose=0)
    container.append(Note())
    container.on_train_begin()
    container.on_epoch_end(0, {"b": keras.ops.ones(()), "a": {"c": np.float32(2)}})
    container.on_train_end()
    assert calls == [(0, {"c": 2.0, "b": 1.0})] * 2 and made.history.history == {"c": [2.0], "b": [1.0]}
    assert list(calls[0][1]) == ["c", "b"]
