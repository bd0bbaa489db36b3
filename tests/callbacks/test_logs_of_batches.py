"""Logs of batches are plain dicts, read before the hooks are called; our own callbacks have them read only where they use them."""

import functools
import json
import pickle

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.callbacks.callback_list import CallbackList
from kerasgpu.training.runners.base import StepRunner

X, Y = np.ones((40, 2), "float32"), np.ones((40, 1), "float32")


def model():
    made = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def reads_in_fit(monkeypatch, *callbacks):
    """How often the numbers of a step are read while fit() runs ten batches."""
    reads, logs = [], StepRunner.logs
    with monkeypatch.context() as patch:
        patch.setattr(StepRunner, "logs", lambda self: (reads.append(1), logs(self))[1])
        patch.setattr(StepRunner, "epoch_logs", logs)
        model().fit(X, Y, batch_size=4, verbose=0, callbacks=list(callbacks))
    return len(reads)


class Count(keras.callbacks.Callback):
    batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


def test_a_hook_gets_a_dict_with_which_anything_can_be_done():
    seen = []

    class Mark(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            logs["mark"] = batch

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs)

    model().fit(X, Y, batch_size=20, verbose=0, callbacks=[Mark(), Look()])
    assert [type(logs) for logs in seen] == [dict, dict] and [logs["mark"] for logs in seen] == [0, 1]
    for logs in seen:
        assert sorted(logs) == ["loss", "mae", "mark"] and all(type(logs[name]) is float for name in ("loss", "mae"))
        assert json.loads(json.dumps(logs)) == pickle.loads(pickle.dumps(logs)) == {**logs} == logs
    assert seen[0]["loss"] != seen[1]["loss"]  # they stay those of their step


def test_numbers_are_read_at_the_batches_that_are_saved_or_written(monkeypatch, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "{batch}-{loss:.3f}.keras"), save_freq=4)
    assert reads_in_fit(monkeypatch, checkpoint) == 2 == len(list(tmp_path.glob("*.keras")))
    board = keras.callbacks.TensorBoard(str(tmp_path / "board"), update_freq=3, write_graph=False)
    assert reads_in_fit(monkeypatch, board) == 3
    assert reads_in_fit(monkeypatch, keras.callbacks.BackupAndRestore(str(tmp_path / "backup"), save_freq=5)) == 0
    assert reads_in_fit(monkeypatch, keras.callbacks.TerminateOnNaN()) == 10
    counting = Count()
    assert reads_in_fit(monkeypatch, counting) == 0 and counting.batches == 10  # it never looks
    assert reads_in_fit(monkeypatch, counting, checkpoint) == 10  # before a user's hook, which may change the metrics


def test_what_a_hook_does_to_the_metrics_is_not_in_the_logs_of_its_batch(tmp_path):
    class Evaluate(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.evaluate(X, Y + 100, verbose=0)

    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "{loss:.0f}.keras"), save_freq=1)
    model().fit(X, Y, batch_size=40, verbose=0, callbacks=[Evaluate(), checkpoint])
    (saved,) = tmp_path.glob("*.keras")
    assert int(saved.stem) < 100


@pytest.mark.parametrize(
    "hook, looks",
    [
        (lambda batch, logs: batch, False),
        (lambda batch, logs=None: logs, True),
        (lambda batch, logs: [logs for _ in range(2)], True),
        (lambda batch, logs: (lambda: logs)(), True),
        (lambda batch, logs: locals(), True),
        (lambda *args: args, True),
        (lambda batch, **more: more, True),
        (print, True),
        (functools.partial(print), True),
    ],
)
def test_a_hook_that_may_look_at_its_logs_gets_them(hook, looks):
    seen = CallbackList([keras.callbacks.LambdaCallback(on_train_batch_end=hook)])
    assert seen.defers_logs("train") is not looks


def test_a_method_that_a_user_wrote_gets_a_dict(tmp_path):
    class Mine(keras.callbacks.ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            assert logs["loss"] > 0
            super().on_train_batch_end(batch, logs)

    class MyList(CallbackList):
        def on_train_batch_end(self, index, logs=None):
            assert logs["loss"] > 0
            super().on_train_batch_end(index, logs)

    ours = keras.callbacks.ModelCheckpoint(str(tmp_path / "a.keras"), save_freq=2)
    assert CallbackList([ours]).defers_logs("train")
    assert not CallbackList([ours, Mine(str(tmp_path / "b.keras"), save_freq=2)]).defers_logs("train")
    assert not CallbackList([keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: print(logs))]).defers_logs(
        "train"
    )
    made = model()
    made.fit(X, Y, batch_size=4, verbose=0, callbacks=[Mine(str(tmp_path / "b.keras"), save_freq=2)])
    made.fit(
        X, Y, batch_size=4, verbose=0, callbacks=MyList([ours], model=made, add_history=True, verbose=0, epochs=1, steps=10)
    )
