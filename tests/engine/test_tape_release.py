"""What stays in memory after a gradient, and what later gradients still find."""

import gc
import weakref

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops


def held(keep, rounds=5, how="tape"):
    """How many of the activations of `rounds` steps are alive while their losses are kept."""
    w = keras.Variable(np.ones((8, 8), "float32"))
    activations = []
    for _ in range(rounds):
        with keras.GradientTape() as tape:
            h = ops.tanh(ops.matmul(ops.ones((4, 8)), w))
            loss = ops.mean(h * h)
        activations.append(weakref.ref(h))
        del h
        if how == "tape":
            assert tape.gradient(loss, w) is not None
        else:
            loss.backward()
        keep(loss)
        del tape, loss
    gc.collect()
    return sum(ref() is not None for ref in activations)


@pytest.mark.parametrize("how", ["tape", "backward"])
def test_kept_losses_hold_no_graphs(how):
    losses = []
    assert held(losses.append, how=how) == 0
    assert float(sum(losses[1:], losses[0])) > 0


def test_a_running_total_holds_no_graphs():
    total = [0.0]

    def add(loss):
        total[0] = total[0] + loss

    assert held(add) == 0


def test_two_tapes_over_one_computation():
    a, b = keras.Variable(2.0), keras.Variable(3.0)
    with keras.GradientTape() as first, keras.GradientTape() as second:
        shared = a * b
        one, two = shared * shared, shared + 1.0
    assert float(first.gradient(one, a)) == 2 * 2 * 9
    assert float(second.gradient(two, b)) == 2.0


def test_a_persistent_tape_answers_again():
    x = keras.Variable(3.0)
    with keras.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * x
    assert [float(tape.gradient(t, x)) for t in (z, y, z)] == [27.0, 6.0, 27.0]


def test_what_was_computed_before_the_tape_stays():
    x = keras.Variable(3.0)
    before = x * x
    for _ in range(2):
        with keras.GradientTape() as tape:
            y = before * 2.0
        assert float(tape.gradient(y, x)) == 12.0


def test_a_value_of_an_earlier_tape_is_a_constant():
    x = keras.Variable(2.0)
    mean = 0.0
    for _ in range(3):
        with keras.GradientTape() as tape:
            y = x * x + mean
        assert float(tape.gradient(y, x)) == 4.0
        mean = y * 0.5


def test_the_same_tensor_again_is_an_error():
    x = keras.Variable(2.0)
    with keras.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        y.backward()
