"""The mask of relu laid over the gradient of max pooling before it is spread: which calls are left, and that no bit changes."""

import numpy as np
import pytest
from replays import replayed

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels import pooling, reduce
from kerasgpu.kernels.window import Window

SHRINK = Window((9, 8), (4, 4), (2, 2), (2, 2), (1, 1), (0, 0))
OVERLAP = Window((9, 8), (5, 4), (3, 3), (2, 2), (1, 1), (1, 1))
DENSE = Window((9, 8), (9, 8), (3, 3), (1, 1), (1, 1), (1, 1))


def array(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def same(found, want):
    for a, b in zip(found, want):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("window", [SHRINK, OVERLAP, DENSE], ids=["shrink", "overlap", "dense"])
def test_mask_of_relu_is_laid_over_the_pooled_gradient(window, dtype):
    x, g = array(3, 9, 8, 5, dtype=dtype), array(3, *window.count, 5, seed=1, dtype=dtype)
    x[0, 0, 0, 0], x[1, 3, 3], g[0, 0, 0] = np.nan, np.inf, -0.0
    x[2] = -1  # windows without a positive element

    def step():
        y = ew.relu(x)
        p, taps = pooling.max_pool(y, window, taps=True)
        return [p, ew.relu_grad(pooling.max_pool_grad(g, taps, window), y)]

    calls, found, want = replayed(step)
    assert [c.kernel for c in calls] == ["elementwise", "max_pool", "elementwise", "max_pool_grad"]
    assert calls[2].spec.chain().dims == (g.size,) and calls[3].inputs[0] is calls[2].outputs[0]
    same(found, want)


def test_bias_gradient_is_summed_where_it_is_made():
    for shape, window in (((3, 9, 8, 5), OVERLAP), ((40, 9, 8, 32), SHRINK), ((1, 9, 8, 600), SHRINK), ((2, 9, 8, 1), DENSE)):
        x, g = array(*shape), array(shape[0], *window.count, shape[-1], seed=1)

        def step(x=x, g=g, window=window):
            _, taps = pooling.max_pool(x, window, taps=True)
            spread = pooling.max_pool_grad(g, taps, window)
            return [spread, reduce.sum(spread, axis=(0, 1, 2)), ew.neg(spread)]

        calls, found, want = replayed(step)
        assert [c.kernel for c in calls] == ["max_pool", "max_pool_grad", "elementwise"]
        same(found, want)


def test_other_sums_stay():
    x, g = array(2, 9, 8, 5), array(2, 4, 4, 5, seed=1)

    def step():
        _, taps = pooling.max_pool(x, SHRINK, taps=True)
        spread = pooling.max_pool_grad(g, taps, SHRINK)
        return [reduce.sum(spread, axis=(1, 2)), reduce.max(spread, axis=(0, 1, 2)), reduce.sum(spread, axis=(0, 1))]

    calls, found, want = replayed(step)
    assert sum(c.kernel == "reduce" for c in calls) == 3
    same(found, want)


def test_what_must_stay():
    x, z, g = array(2, 9, 8, 5), array(2, 9, 8, 5, seed=2), array(2, 4, 4, 5, seed=1)

    def other_mask():
        p, taps = pooling.max_pool(x, SHRINK, taps=True)
        return [p, ew.relu_grad(pooling.max_pool_grad(g, taps, SHRINK), z)]

    def unmasked_is_needed():
        p, taps = pooling.max_pool(x, SHRINK, taps=True)
        spread = pooling.max_pool_grad(g, taps, SHRINK)
        return [p, spread, ew.relu_grad(spread, x)]

    def mask_is_spread():
        p, taps = pooling.max_pool(x, SHRINK, taps=True)
        return [p, ew.relu_grad(z, pooling.max_pool_grad(g, taps, SHRINK))]

    for step in (other_mask, unmasked_is_needed, mask_is_spread):
        calls, found, want = replayed(step)
        assert [c.kernel for c in calls] == ["max_pool", "max_pool_grad", "elementwise"], step.__name__
        same(found, want)


def test_a_network_trains_to_the_same_bits():
    def build():
        keras.utils.set_random_seed(1)
        return keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                layers.Conv2D(8, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(6, 3, activation="relu"),
                layers.MaxPooling2D(2, strides=1),
                layers.Flatten(),
                layers.Dense(2),
            ]
        )

    x, y = array(48, 12, 12, 3), array(48, 2, seed=9)
    weights = []
    for eagerly in (False, True):
        model = build()
        model.compile("sgd", "mse", run_eagerly=eagerly)
        model.fit(x, y, batch_size=16, epochs=3, verbose=0, shuffle=False)
        weights.append([*model.get_weights(), model.predict(x, verbose=0)])
    same(*weights)
