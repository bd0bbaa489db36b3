"""What the loops cost and print: no work per batch without need, progress lines, StepRunner."""

import io
import sys

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.callbacks.callback_list import CallbackList
from kerasgpu.progress.progbar import Progbar
from kerasgpu.training import metric_values
from kerasgpu.training.adapters import get_data_adapter
from kerasgpu.training.runners import make_runner
from kerasgpu.training.runners.eager import EagerRunner

X, Y = np.ones((40, 2), "float32"), np.ones((40, 1), "float32")


def model(**arguments):
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", **arguments)
    return made


def recorded_runs(monkeypatch):
    """The arguments of every runner.run() from now on."""
    asked = []
    run = EagerRunner.run

    def note(self, max_steps):
        asked.append(max_steps)
        return run(self, max_steps)

    monkeypatch.setattr(EagerRunner, "run", note)
    return asked


@pytest.mark.parametrize(
    "callbacks, per_batch",
    [
        ([], False),
        ([keras.callbacks.EarlyStopping("loss")], False),
        ([keras.callbacks.ModelCheckpoint("x.keras")], False),
        ([keras.callbacks.ModelCheckpoint("x.keras", save_freq=3)], True),
        ([keras.callbacks.TensorBoard("x")], False),
        ([keras.callbacks.TerminateOnNaN()], True),
        ([keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: None)], True),
        ([keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: None)], False),
    ],
)
def test_only_callbacks_that_want_batches_get_them(callbacks, per_batch):
    assert (
        CallbackList(callbacks, add_progbar=True, add_history=True, verbose=1, epochs=1, steps=1).has_batch_hooks("train")
        is per_batch
    )


def test_an_epoch_is_asked_for_at_once_without_hooks(monkeypatch):
    asked = recorded_runs(monkeypatch)
    model(run_eagerly=True).fit(X, Y, batch_size=4, epochs=2, verbose=0)
    assert len(asked) == 4 and min(asked) > 10**9  # per epoch: all steps, and the look that finds no more
    asked.clear()
    model(run_eagerly=True, steps_per_execution=4).fit(
        X, Y, batch_size=4, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]
    )
    assert asked == [4, 4, 4]


def test_hooks_see_steps_and_logs():
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append(("end", batch, sorted(logs)))

        def on_test_batch_end(self, batch, logs=None):
            seen.append(("test", batch, sorted(logs)))

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(("predict", batch, logs["outputs"].shape))

    made = model(metrics=["mae"])
    made.fit(X, Y, batch_size=20, verbose=0, callbacks=[Watch()], validation_data=(X[:5], Y[:5]))
    names = ["loss", "mae"]
    assert seen == [("begin", 0), ("end", 0, names), ("begin", 1), ("end", 1, names), ("test", 0, names)]
    seen.clear()
    made.predict(X, batch_size=32, verbose=0, callbacks=[Watch()])
    assert seen == [("predict", 0, (32, 1)), ("predict", 1, (8, 1))]


@pytest.mark.parametrize("mode", ["train", "test", "predict"])
def test_the_runner_interface(mode):
    made = model(metrics=["mae"])
    data = (X,) if mode == "predict" else (X, Y)
    runner = make_runner(made, mode, get_data_adapter(*data, batch_size=16))
    for _ in range(3):
        runner.begin_epoch()
        assert runner.num_batches == 3 and runner.has_next()
        assert runner.run(2) == 2 and runner.has_next()
        assert runner.run(9) == 1 and runner.run(9) == 0 and not runner.has_next()
        if mode == "predict":
            assert runner.outputs().shape == (40, 1)
        else:
            assert sorted(runner.logs()) == ["loss", "mae"]
        runner.end_epoch()
    runner.close()


def printed(capsys, call):
    call()
    return capsys.readouterr().out


def test_without_a_terminal_each_epoch_is_one_line(capsys):
    made = model()
    out = printed(capsys, lambda: made.fit(X, Y, epochs=2))
    lines = out.strip().split("\n")
    assert lines[0] == "Epoch 1/2" and lines[1].startswith("2/2 ━━━━━━━━━━━━━━━━━━━━ 0s") and "/step - loss: " in lines[1]
    assert len(lines) == 4 and "\x1b" not in out
    assert printed(capsys, lambda: made.fit(X, Y, verbose=2)).startswith("2/2 - 0s - ")
    assert printed(capsys, lambda: made.fit(X, Y, verbose=0)) == ""
    assert printed(capsys, lambda: made.predict(X, batch_size=40)) == ""
    assert printed(capsys, lambda: made.predict(X, batch_size=20)).startswith("2/2 ")
    assert "loss" in printed(capsys, lambda: made.evaluate(X, Y))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_the_bar_is_redrawn(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    model().fit(X, Y, batch_size=2)
    out = terminal.getvalue()
    assert "\r" in out and "20/20" in out and out.endswith("\n")


def test_progress_bar_values(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    bar = Progbar(target=4, interval=0, stateful_metrics=["m"])
    bar.update(1, [("loss", 1.0), ("m", 1.0)])
    bar.update(3, [("loss", 4.0), ("m", 7.0)])
    assert "loss: 3.0000 - m: 7.0000" in terminal.getvalue()  # (1*1 + 2*4) / 3
    bar.add(1, [("loss", 0.0001)])
    assert "1.0000e-04" in terminal.getvalue() and terminal.getvalue().endswith("\n")
    Progbar(None).update(5)
    assert "5/Unknown" in terminal.getvalue()
    with pytest.raises(ValueError, match="Only one of"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_reading_and_clearing_metrics_on_the_host_equals_their_own_methods():
    keras.utils.clear_session()  # the names below are automatic
    made = model(metrics=["mae", keras.metrics.RootMeanSquaredError(), "mae"], weighted_metrics=["mae", keras.metrics.AUC()])
    for _ in range(2):
        made.evaluate(X, Y, verbose=0)
        expected = {name: float(value) for name, value in made.get_metrics_result().items()}
        assert {name: float(value) for name, value in metric_values.read(made).items()} == expected
        assert list(expected) == ["loss", "mae", "root_mean_squared_error", "mae_1", "weighted_mae", "auc"]
    made.reset_metrics()
    assert all(not np.any(v.numpy()) for v in made.metrics_variables)
    assert metric_values.read(made)["loss"] == 0.0
