"""What `make tsan` runs: threads that share kernels, the pool of memory, a program and a model, in one process. Passes without it, too."""

import threading

import numpy as np

import kerasgpu as keras
from kerasgpu import _core, layers
from kerasgpu.kernels import launch


def together(count, work):
    """Run work(k) in `count` threads at once; their first error is raised."""
    errors = []

    def run(k):
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_kernels_and_the_number_of_threads():
    a = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    want = keras.ops.matmul(a, a).numpy(), keras.ops.exp(a).numpy(), keras.ops.sum(a, axis=0).numpy()
    before = _core.num_threads()

    def work(k):
        for round in range(20):
            if k == 0:
                _core.set_num_threads(1 + round % 4)
            got = keras.ops.matmul(a, a).numpy(), keras.ops.exp(a).numpy(), keras.ops.sum(a, axis=0).numpy()
            assert all(np.array_equal(x, y) for x, y in zip(want, got))

    try:
        together(4, work)
    finally:
        _core.set_num_threads(before)


def test_memory_pool():
    def work(k):
        draw = np.random.default_rng(k)
        held = []
        for _ in range(300):
            held.append(launch.empty((int(draw.integers(1, 1 << 16)),), "float32"))
            held[-1][...] = k
            if len(held) > 8:
                found = held.pop(int(draw.integers(0, 8)))
                assert found[0] == k and found[-1] == k
            if draw.random() < 0.02:
                _core.empty_cache()
            _core.memory_stats()

    together(4, work)


def test_model_in_many_threads():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((16,)), layers.Dense(64, "relu"), layers.Dense(4)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(256, 16)).astype("float32")
    want = model.predict(x, verbose=0)

    def work(k):
        for _ in range(10):
            assert np.array_equal(model.predict(x, verbose=0), want)

    together(4, work)
    together(2, lambda k: model.fit(x, x[:, :4], epochs=3, verbose=0) if k == 0 else model.predict(x, verbose=0))
