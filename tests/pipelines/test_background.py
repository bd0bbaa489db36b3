"""Threads of data pipelines: errors reach the consumer, nothing is left behind, and nothing gets in the way of training."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.data import Dataset

ROOT = Path(__file__).resolve().parents[2]


def threads():
    return sum(t.name.startswith("kerasgpu-") for t in threading.enumerate())


def wait_for_threads(most=0):
    deadline = time.monotonic() + 5
    while threads() > most and time.monotonic() < deadline:
        time.sleep(0.005)
    return threads()


def refuse_five(x):
    if int(x) == 5:
        raise KeyError("five")
    return x


@pytest.mark.parametrize("calls", [None, 1, 3])
@pytest.mark.parametrize("size", [0, 2])
def test_errors_come_in_their_turn_with_their_traceback(calls, size):
    seen = []
    with pytest.raises(KeyError, match="five") as caught:
        for x in Dataset.range(20).map(refuse_five, num_parallel_calls=calls).prefetch(size):
            seen.append(int(x))
    assert seen == [0, 1, 2, 3, 4]
    assert "refuse_five" in {frame.name for frame in traceback.extract_tb(caught.value.__traceback__)}
    del caught
    assert wait_for_threads() == 0


def test_an_error_of_the_source_comes_after_what_it_gave():
    def source():
        yield from range(3)
        raise OSError("disk full")

    seen = []
    with pytest.raises(OSError, match="disk full"):
        for x in Dataset.from_generator(source).map(lambda x: x, num_parallel_calls=4).prefetch(4):
            seen.append(int(x))
    assert seen == [0, 1, 2]


def test_results_run_ahead_but_not_far():
    together, made = threading.Barrier(3), []

    def work(x):
        if 1 <= int(x) <= 3:
            together.wait(20)  # three are under way at the same time
        made.append(int(x))
        return x

    elements = iter(Dataset.range(1000).map(work, num_parallel_calls=3).prefetch(2))
    assert [int(next(elements)) for _ in range(5)] == [0, 1, 2, 3, 4]
    time.sleep(0.1)
    # Beyond the five: two that the prefetch holds, one that it offers, and twice as many as threads in the map.
    assert len(made) <= 5 + 2 + 1 + 6
    elements.close()


def test_unordered_results_are_all_there():
    ds = Dataset.range(30).map(lambda x: time.sleep(0.05 * (int(x) == 1)) or x, num_parallel_calls=4, deterministic=False)
    found = [int(x) for x in ds]
    assert sorted(found) == list(range(30)) and found != sorted(found)


def test_two_hundred_broken_off_passes_leave_nothing():
    import resource

    ds = Dataset.range(10**9).map(lambda x: np.zeros((64, 64, 3), "float32"), num_parallel_calls=2).batch(8).prefetch(3)

    def passes(n):
        for _ in range(n):
            for _ in ds:
                break

    passes(20)
    wait_for_threads()
    gc.collect()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    passes(200)
    assert wait_for_threads() == 0
    gc.collect()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 40_000  # KiB


def test_fit_stops_its_threads():
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    ds = Dataset.from_tensor_slices((x, x[:, :1])).map(lambda a, b: (a, b), num_parallel_calls=2).batch(8).repeat().prefetch(2)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(ds, epochs=2, steps_per_epoch=3, verbose=0)
    assert wait_for_threads() == 0

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        model.fit(ds, epochs=2, steps_per_epoch=3, verbose=0, callbacks=[Stop()])
    assert wait_for_threads() == 0


def test_a_pipeline_works_while_another_thread_infers_shapes_in_mixed_precision():
    """The engine's switches belong to a thread."""
    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    expected = layer(np.ones((2, 4), "float32")).numpy()
    ds = Dataset.from_tensors(np.ones((2, 4), "float32")).repeat(300).map(layer, num_parallel_calls=2)
    for found in ds:
        inner = keras.layers.Dense(5, dtype="mixed_float16")
        inner(keras.Input((4,)))
        assert inner(np.ones((1, 4), "float32")).dtype == "float16"
        assert type(found).__name__ == "Tensor" and found.dtype == "float32"
        np.testing.assert_array_equal(found.numpy(), expected)


def test_layers_in_a_function_are_built_once():
    for _ in range(10):
        layer = keras.layers.Dense(3)
        list(Dataset.from_tensors(np.ones((2, 4), "float32")).repeat(8).map(layer, num_parallel_calls=4))
        assert len(layer.weights) == 2


def run(code, **options):
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_a_wait():
    process = run(
        """
        import time
        from kerasgpu.data import Dataset
        print("ready", flush=True)
        for x in Dataset.range(9).map(lambda x: time.sleep(0.1) or x, num_parallel_calls=2).prefetch(2).repeat():
            pass
        """
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode != 0 and "KeyboardInterrupt" in errors and "Fatal" not in errors


def test_the_interpreter_ends_with_an_iteration_under_way():
    process = run(
        """
        import numpy as np, kerasgpu as keras
        ds = keras.data.Dataset.range(10**6).map(lambda x: keras.ops.sum(keras.ops.ones((300, 300))), num_parallel_calls=2)
        kept = iter(ds.batch(4).prefetch(2))
        next(kept)
        print("end")
        """
    )
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "end\n" and not errors, errors
