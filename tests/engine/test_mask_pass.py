"""The gradient through a relu as a part of the product that makes it: which calls are left, and that no bit changes."""

import ml_dtypes
import numpy as np
import pytest
from replays import replayed

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.engine.program import Program
from kerasgpu.kernels import conv, gemm, movement
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels.gemm import RELU_GRAD
from kerasgpu.kernels.window import Window

# Those that take each way of csrc/cpu/conv_run.h: rows, lines, Winograd forth and back; and strides, taps that nothing sees, groups.
WINDOWS = {
    "rows": (Window((2, 2), (2, 2), (3, 3), (1, 1), (1, 1), (1, 1)), 3, 5, 7, 1),
    "lines": (Window((9, 20), (9, 20), (3, 3), (1, 1), (1, 1), (1, 1)), 2, 6, 5, 1),
    "winograd": (Window((12, 12), (12, 12), (3, 3), (1, 1), (1, 1), (1, 1)), 8, 36, 40, 1),
    "winograd back": (Window((13, 13), (11, 11), (3, 3), (1, 1), (1, 1), (0, 0)), 8, 32, 64, 1),
    "stride": (Window((9, 8), (5, 4), (3, 3), (2, 2), (1, 1), (1, 1)), 2, 16, 8, 1),
    "blind": (Window((9, 8), (3, 3), (2, 2), (3, 3), (1, 1), (0, 0)), 2, 4, 8, 1),
    "groups": (Window((6, 6), (6, 6), (3, 3), (1, 1), (1, 1), (1, 1)), 2, 32, 16, 2),
    "1d": (Window((40,), (20,), (4,), (2,), (1,), (1,)), 3, 17, 6, 1),
}


def array(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def mask(shape, dtype="float32"):
    y = array(*shape, seed=9, dtype=dtype)
    flat = y.reshape(-1)
    for k, special in enumerate((0.0, -0.0, np.nan, np.inf, -np.inf)):
        flat[k::19] = special
    return y


def same(found, want):
    for a, b in zip(found, want):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.view(f"u{a.dtype.itemsize}"), b.view(f"u{b.dtype.itemsize}"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", WINDOWS)
def test_input_gradients(name, dtype):
    window, batch, channels, filters, groups = WINDOWS[name]
    dy, w = (
        array(batch, *window.count, filters, dtype=dtype),
        array(*window.kernel, channels // groups, filters, seed=1, dtype=dtype),
    )
    y = mask((batch, *window.size, channels), dtype)

    def step():
        return [ew.relu_grad(conv.conv_input_grad(dy, w, window, groups), y)]

    calls, found, want = replayed(step)
    assert [c.kernel for c in calls] == ["conv_input_grad"] and calls[0].inputs[-1].array is y
    same(found, want)


def test_results_that_are_written_past_the_cache():
    window = Window((96, 96), (96, 96), (3, 3), (1, 1), (2, 2), (2, 2))
    dy, w, y = array(8, 96, 96, 8), array(3, 3, 32, 8, seed=1), mask((8, 96, 96, 32))
    calls, found, want = replayed(lambda: [ew.relu_grad(conv.conv_input_grad(dy, w, window), y)])
    assert len(calls) == 1
    same(found, want)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("m,k,n", [(32, 10, 128), (128, 512, 512), (1, 70, 33), (40, 7, 1)])
def test_products(m, k, n, dtype):
    g, w, y = array(m, k, dtype=dtype), array(n, k, seed=1, dtype=dtype), mask((m, n), dtype)
    calls, found, want = replayed(lambda: [ew.relu_grad(gemm.gemm(g, w, transpose_b=True), y)])
    assert [c.kernel for c in calls] == ["gemm"]
    same(found, want)


def test_what_must_stay_apart():
    g, w, y = array(8, 6), array(6, 6, seed=1), mask((8, 6))

    def used_twice():
        p = gemm.gemm(g, w)
        return [ew.relu_grad(p, y), ew.neg(p)]

    def product_is_the_mask():
        return [ew.relu_grad(y, gemm.gemm(g, w))]

    def of_itself():
        p = gemm.gemm(g, w)
        return [ew.relu_grad(p, p)]

    def one_row_for_all():
        return [ew.relu_grad(gemm.gemm(g, w), y[0])]

    def mask_made_after():
        p = gemm.gemm(g, w)
        return [ew.relu_grad(p, gemm.gemm(y, w))]

    def activated():
        return [ew.relu_grad(gemm.gemm(g, w, activation="relu"), y)]

    def accumulated():
        return [ew.relu_grad(gemm.gemm(g, w, out=movement.copy(y), accumulate=True), y)]

    for step in (used_twice, product_is_the_mask, of_itself, one_row_for_all, mask_made_after, activated, accumulated):
        calls, found, want = replayed(step)
        assert not any(c.kernel == "gemm" and c.spec.activation == RELU_GRAD for c in calls), step.__name__
        assert any(c.kernel == "elementwise" for c in calls)
        same(found, want)


def test_a_step_of_training_has_no_masks_left():
    keras.utils.set_random_seed(1)
    stack = [layers.Conv2D(8, 3, activation="relu"), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    dense = [layers.Dense(16, activation="relu"), layers.Dense(16, activation="relu"), layers.Dense(3)]
    model = keras.Sequential([keras.Input((9, 9, 2)), *stack, *dense])
    model.compile("sgd", keras.losses.MeanSquaredError())
    x, y = array(24, 9, 9, 2), array(24, 3, seed=4)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    (programs,) = model._programs.values()
    (program,) = [p for p in programs.by_size.values() if isinstance(p, Program)]
    masked = [c for c in program.calls if c.kernel in ("gemm", "conv_input_grad") and c.spec.activation == RELU_GRAD]
    assert [c.kernel for c in masked] == ["gemm", "gemm", "gemm", "conv_input_grad"]
    weights = model.get_weights()
    keras.utils.set_random_seed(1)
    again = keras.Sequential([keras.Input((9, 9, 2)), *[type(layer).from_config(layer.get_config()) for layer in model.layers]])
    again.compile("sgd", keras.losses.MeanSquaredError(), run_eagerly=True)
    again.fit(x, y, batch_size=8, epochs=3, verbose=0)
    same(weights, again.get_weights())
