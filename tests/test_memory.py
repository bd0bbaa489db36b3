"""Memory stays flat: what a model used is free when it is gone, without a call of the garbage collector."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers

X = np.random.default_rng(0).normal(size=(64, 16)).astype("float32")
Y = (np.arange(64) % 3).astype("int64")


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sequential():
    return keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(32, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(3, "softmax"),
        ]
    )


def functional():
    a = keras.Input((16,))
    h = layers.Dense(16, "relu")(a)
    return keras.Model(a, layers.Dense(3, "softmax")(layers.Add()([a, h])))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.two = layers.Dense(8, "relu"), layers.Dense(3, "softmax")

    def call(self, x):
        return self.two(self.one(x))


def use(make):
    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0, validation_split=0.25)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)


def growth(run, rounds, warm_up=100):
    for _ in range(warm_up):
        run()
    before = resident()
    for _ in range(rounds):
        run()
    return resident() - before


# Thousands of earlier tests leave a fragmented heap: these run in a process of their own, started by the last test here.
ALONE = os.environ.get("KERASGPU_TEST_MEMORY_ALONE") == "1"
needs_proc = pytest.mark.skipif(not ALONE or not os.path.exists("/proc/self/statm"), reason="runs in a process of its own")


@needs_proc
@pytest.mark.parametrize("make", [sequential, functional, Subclassed])
def test_build_fit_predict_delete(make):
    # Memory pools and the garbage collector need some 200 rounds to settle; from then on nothing is added.
    assert growth(lambda: use(make), 150, warm_up=250) < 1e6


@needs_proc
def test_fit_of_one_model():
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert growth(lambda: model.fit(X, Y, batch_size=16, verbose=0), 150) < 1e6
    assert growth(lambda: model.predict(X, verbose=0), 150) < 1e6
    sizes = iter(np.random.default_rng(0).integers(8, 60, 1000))
    assert growth(lambda: model.predict(X[: next(sizes)], verbose=0), 150, warm_up=100) < 2e6


@needs_proc
def test_save_and_load(tmp_path):
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)

    def run():
        model.save(tmp_path / "m.keras")
        keras.models.load_model(tmp_path / "m.keras")

    assert growth(run, 100, warm_up=30) < 2e6


@needs_proc
def test_training_step_by_hand():
    from kerasgpu.engine.tape import GradientTape

    weight = keras.Variable(np.ones((16, 3), "float32"))
    optimizer = keras.optimizers.SGD(0.01)

    def run():
        with GradientTape() as tape:
            loss = keras.ops.mean(keras.ops.square(keras.ops.matmul(X, weight)))
        optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])

    assert growth(run, 1000) < 1e6


@needs_proc
def test_errors_in_training_keep_nothing():
    def run():
        model = sequential()
        model.compile("adam", "sparse_categorical_crossentropy")
        with pytest.raises(ValueError):
            model.fit(X, Y + 5, verbose=0)

    assert growth(run, 100) < 2e6


def test_data_is_free_with_the_model():
    """A model keeps the last arrays of its programs, ready to run again; they go when it goes."""
    x, y = X.copy(), Y.copy()
    gone = [weakref.ref(x), weakref.ref(y)]
    model = sequential()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    model.fit(X, Y, verbose=0)
    model.predict(x, verbose=0)
    del x, y, model
    gc.collect()
    assert all(ref() is None for ref in gone)


@pytest.mark.parametrize("make", [sequential, functional, Subclassed])
def test_models_are_collected(make):
    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    gone = [weakref.ref(model), weakref.ref(model.optimizer), weakref.ref(model.layers[-1])]
    del model
    gc.collect()
    assert all(ref() is None for ref in gone)


@pytest.mark.skipif(ALONE or not os.path.exists("/proc/self/statm"), reason="is the parent, and needs /proc")
def test_the_rest_in_a_new_process():
    env = dict(os.environ, KERASGPU_TEST_MEMORY_ALONE="1")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parent.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


def test_blocks_of_sizes_that_nobody_uses_make_room_for_the_ones_in_use():
    script = """
import numpy as np
from kerasgpu import _core
from kerasgpu.kernels.launch import empty

def mib(n):
    return empty((n << 20,), np.dtype("uint8"))

old = [mib(n) for n in (40, 48, 56, 40, 48)]  # a peak of 232 MiB
del old
held = mib(200)  # the old blocks are still cached: there is room for 96 MiB more
for _ in range(3):
    block = mib(128)
    del block
before = _core.memory_stats()
for _ in range(10):
    block = mib(128)
    del block
after = _core.memory_stats()
assert after["allocations"] == before["allocations"], (before, after)
assert after["in_use"] + after["cached"] <= after["peak"] + (64 << 20), after
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])
