"""Learning rates that Python computes: captured steps use the right one at every step."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.engine.program import Program


class OnHost(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 / (1 + float(step))


def growing():
    calls = []

    def rate():
        calls.append(0)
        return 0.01 * len(calls)

    return rate


@pytest.mark.parametrize("make", [OnHost, growing, lambda: lambda: np.float32(0.05)])
@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, lambda rate: keras.optimizers.AdamW(rate, clipnorm=1.0)])
def test_every_step_has_its_own_rate(make, optimizer):
    x = np.ones((24, 1), "float32")
    weights = []
    for eager in (True, False):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(optimizer(make()), "mse", run_eagerly=eager)
        model.fit(x, x, batch_size=4, epochs=3, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)
    entries = [e for programs in model._programs.values() for e in programs.by_size.values()]
    assert entries and all(isinstance(e, Program) for e in entries)


def test_the_rate_of_each_step_is_the_one_of_the_function():
    x = np.ones((4, 1), "float32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(OnHost()), "mse")
    model.fit(x, x, batch_size=4, epochs=6, verbose=0)
    w = 0.0
    for step in range(6):
        w -= 0.1 / (1 + step) * 2 * (w - 1)
    assert model.get_weights()[0].item() == pytest.approx(w, rel=1e-5)
