"""Depthwise convolution and its gradients against float64 NumPy written from the definition."""

import functools

import numpy as np
import pytest
from window_reference import WINDOWS, pairs, random, taps, window

from kerasgpu import _core
from kerasgpu.kernels import depthwise as D
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.kernels.window import Window

LEVELS = list(range(_core.machine_level() + 1))
TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 1.6e-2}


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def reference(x, k, g, w):
    """(y, gx, gk): the convolution, and the gradients of sum(g y)."""
    batch, channels, m = x.shape[0], *k.shape[-2:]
    wide, split = np.repeat(x, m, -1), k.reshape(*w.kernel, channels * m)
    y, gx, gk = np.zeros((batch, *w.count, channels * m)), np.zeros_like(wide), np.zeros_like(split)
    for _, tap in taps(w):
        for o, i in pairs(w, tap):
            y[o] += wide[i] * split[tap]
            gx[i] += g[o] * split[tap]
            gk[tap] += (wide[i] * g[o]).sum(0)
    return y, gx.reshape(*x.shape, m).sum(-1), gk.reshape(k.shape)


def operands(w, batch, channels, m, dtype="float32"):
    kind = numpy_dtype(dtype)
    x = random((batch, *w.size, channels), 0).astype(kind)
    k = random((*w.kernel, channels, m), 1).astype(kind)
    g = random((batch, *w.count, channels * m), 2).astype(kind)
    return x, k, g


@functools.cache
def case(w, batch, channels, m, dtype):
    """Operands, results, and the sums of the absolute values of their terms; the same for every instruction set."""
    given = operands(w, batch, channels, m, dtype)
    wide = [a.astype(np.float64) for a in given]
    return given, reference(*wide, w), reference(*map(np.abs, wide), w)


def compare(w, batch, channels, m=1, dtype="float32"):
    (x, k, g), results, scales = case(w, batch, channels, m, dtype)
    found = D.depthwise_conv(x, k, w), D.depthwise_input_grad(g, k, w), D.depthwise_filter_grad(x, g, w)
    for got, want, scale in zip(found, results, scales):
        assert got.dtype == x.dtype and got.shape == want.shape
        error = np.abs(got.astype(np.float64) - want)
        assert np.all(error <= TOLERANCE[dtype] * scale + (dtype == "float16") * 1e-7)  # denormals


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", WINDOWS)
def test_every_window(name, dtype, level):
    for channels in (1, 5, 16, 37):
        compare(WINDOWS[name], 2, channels, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("multiplier", [2, 3])
def test_channel_multiplier(multiplier, dtype, level):
    for name in ("3x3 same", "5x5 stride 2 same", "dilated, stride 2", "1D", "3D"):
        compare(WINDOWS[name], 2, 7, multiplier, dtype)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("taps", [3, 5])
def test_every_width_of_block(taps, stride, level):
    for width in range(1, 27):
        compare(window((3, width), taps, stride, padding="same"), 1, 18)
        compare(window((3, width), taps, stride, padding=(taps - 1, 2)), 1, 16)


def test_many_channels(level):
    compare(window((3, 4), 3, padding="same"), 1, 1000)
    compare(window((5, 4), 3, 2, padding="same"), 2, 520)


@pytest.mark.parametrize("batch, channels", [(0, 4), (2, 0)])
def test_nothing_to_do(batch, channels, level):
    w = WINDOWS["3x3 same"]
    x, k, g = operands(w, batch, channels, 1)
    assert D.depthwise_conv(x, k, w).shape == g.shape
    assert D.depthwise_input_grad(g, k, w).shape == x.shape
    np.testing.assert_array_equal(D.depthwise_filter_grad(x, g, w), np.zeros_like(k))


def test_no_output_gives_zero_gradients(level):
    w = WINDOWS["no output"]
    x, k, g = operands(w, 2, 20, 1)
    np.testing.assert_array_equal(D.depthwise_input_grad(g, k, w), np.zeros_like(x))
    np.testing.assert_array_equal(D.depthwise_filter_grad(x, g, w), np.zeros_like(k))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", ["3x3 same", "dilated", "3D"])
def test_bias_and_relu_equal_separate_steps(name, dtype, level):
    w = WINDOWS[name]
    x, k, _ = operands(w, 2, 21, 1, dtype)
    bias = random((21,), 3, dtype)
    plain = D.depthwise_conv(x, k, w)
    for activation in (None, "relu"):
        want = plain + bias
        want = np.maximum(want, 0) if activation else want
        got = D.depthwise_conv(x, k, w, bias, activation)
        if dtype == "float16":  # rounded once, after the activation
            np.testing.assert_allclose(got, want, rtol=2e-3, atol=4e-3)
        else:
            np.testing.assert_array_equal(got, want)


def test_nan_stays_where_its_windows_are(level):
    w = WINDOWS["3x3 same"]
    x, k, _ = operands(w, 1, 20, 1)
    x[0, 4, 6, 3] = np.nan
    y = D.depthwise_conv(x, k, w, activation="relu")
    want = np.zeros(y.shape, bool)
    want[0, 3:6, 5:8, 3] = True
    np.testing.assert_array_equal(np.isnan(y), want)


@pytest.mark.parametrize("channels", [3, 40, 600])
@pytest.mark.parametrize("name", ["3x3 same", "5x5 stride 2 same", "dilated, stride 2", "1D long"])
def test_threads_do_not_change_bits(name, channels, level):
    w = WINDOWS[name]
    x, k, g = operands(w, 3, channels, 1)
    before, results = _core.num_threads(), []
    for n in (1, 2, 4):
        _core.set_num_threads(n)
        results.append((D.depthwise_conv(x, k, w), D.depthwise_input_grad(g, k, w), D.depthwise_filter_grad(x, g, w)))
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_errors():
    w = window((4, 4), 3)
    x, k, g = operands(w, 2, 3, 2)
    for arguments in ((x[:, 1:], k), (x, k[1:]), (x[..., :2], k), (x.astype("float64"), k), (x[0], k)):
        with pytest.raises(ValueError, match="depthwise_conv: shapes and dtypes do not fit"):
            D.depthwise_conv(*arguments, w)
    with pytest.raises(ValueError, match="bias must be"):
        D.depthwise_conv(x, k, w, bias=np.zeros(3, "float32"))
    with pytest.raises(ValueError, match="activation"):
        D.depthwise_conv(x, k, w, activation="tanh")
    with pytest.raises(ValueError, match="depthwise_filter_grad"):
        D.depthwise_filter_grad(x, g[..., :5], w)
    with pytest.raises(ValueError, match="depthwise_input_grad"):
        D.depthwise_input_grad(g[:, :1], k, w)
    with pytest.raises(ValueError, match="float"):
        D.depthwise_conv(x.astype("int32"), k.astype("int32"), w)


def test_hostile_integers_throw_or_stay_inside(level):
    """Random windows over guarded buffers: what is too large is refused, and nothing outside the outputs is written."""
    rng = np.random.default_rng(0)
    x, k, g = random((1, 4, 4, 16), 0, "float32"), random((3, 3, 16, 1), 1, "float32"), random((1, 2, 2, 16), 2, "float32")
    good = (1, 16, *window((4, 4), 3).ints())
    calls = [
        ("depthwise_conv", (x, k), 64, (0, 0)),
        ("depthwise_input_grad", (g, k), 256, ()),
        ("depthwise_filter_grad", (x, g), 144, ()),
    ]
    refused = 0
    for _ in range(400):
        ints = list(good)
        for _ in range(rng.integers(1, 4)):
            ints[rng.integers(len(ints))] = int(rng.choice([-1, 0, 1, 2, 3, 5, 17, 2**31, 2**40, 2**62]))
        for name, inputs, count, more in calls:
            guarded = np.full(count + 128, 7, "float32")
            try:
                launch(name, inputs, (guarded[64:-64],), spec_of(name, (*ints, *more)))
            except ValueError:
                refused += 1
            np.testing.assert_array_equal(guarded[:64], 7)
            np.testing.assert_array_equal(guarded[-64:], 7)
    assert refused > 100
    for name, inputs, count, more in calls:
        with pytest.raises(ValueError):
            launch(name, inputs, (np.zeros(count, "float32"),), spec_of(name, good[:10]))
        with pytest.raises(ValueError):
            launch(name, inputs[:1], (np.zeros(count, "float32"),), spec_of(name, (*good, *more)))


def test_a_wide_window_counts_as_it_should():
    w = Window((3,), (2,), (3,), (2**20,), (1,), (1,))
    y = D.depthwise_conv(np.ones((1, 3, 1), "float32"), np.ones((3, 1, 1), "float32"), w)
    assert y.ravel().tolist() == [2.0, 0.0]
