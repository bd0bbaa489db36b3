"""Max and average pooling and their gradients against float64 NumPy written from the definition."""

import functools
import math

import numpy as np
import pytest
from window_reference import WINDOWS, pairs, random, taps, window

from kerasgpu import _core
from kerasgpu.kernels import pooling as P
from kerasgpu.kernels import reduce
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 1.6e-2}
INTEGERS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def maxima(x, w, low=-np.inf):
    """(y, number of the first tap with the largest element), NaN being larger than every number."""
    y = np.full((x.shape[0], *w.count, x.shape[-1]), low, x.dtype)
    arg = np.full(y.shape, -1)
    for number, tap in taps(w):
        for o, i in pairs(w, tap):
            new, best = x[i], y[o]
            take = (arg[o] < 0) | (new > best)
            if x.dtype.kind == "f":
                take |= np.isnan(new) & ~np.isnan(best)
            y[o] = np.where(take, new, best)
            arg[o] = np.where(take, number, arg[o])
    return y, arg


def routed(g, arg, w):
    gx = np.zeros((g.shape[0], *w.size, g.shape[-1]))
    for number, tap in taps(w):
        for o, i in pairs(w, tap):
            gx[i] += np.where(arg[o] == number, g[o], 0)
    return gx


def taken(x, arg, w):
    y = np.zeros(arg.shape)
    for number, tap in taps(w):
        for o, i in pairs(w, tap):
            y[o] = np.where(arg[o] == number, x[i], y[o])
    return y


def means(x, w):
    total, count = np.zeros((x.shape[0], *w.count, x.shape[-1])), np.zeros((*w.count, 1))
    for _, tap in taps(w):
        for o, i in pairs(w, tap):
            total[o] += x[i]
            count[o[1:]] += 1
    return total / np.maximum(count, 1), np.maximum(count, 1)


def mean_grads(g, w):
    gx, count = np.zeros((g.shape[0], *w.size, g.shape[-1])), means(np.zeros((1, *w.size, 1)), w)[1]
    for _, tap in taps(w):
        for o, i in pairs(w, tap):
            gx[i] += g[o] / count[o[1:]]
    return gx


def close(got, want, dtype, scale):
    assert got.dtype == numpy_dtype(dtype) and got.shape == want.shape
    error = np.abs(got.astype(np.float64) - want)
    assert np.all(error <= TOLERANCE[dtype] * scale + (dtype == "float16") * 1e-7)  # denormals


def wide_of(x):
    return x.astype(np.float64)


@functools.cache
def max_case(name, channels, dtype):
    """(x, g, y, taps, gx, sums of |g|, x at the taps), the same for every instruction set."""
    w = WINDOWS[name]
    x = random((2, *w.size, channels), 0).round(1 if channels == 5 else 6).astype(numpy_dtype(dtype))  # 5: ties
    g = random((2, *w.count, channels), 1).astype(numpy_dtype(dtype))
    y, arg = maxima(wide_of(x), w)
    gradients = routed(wide_of(g), arg, w), routed(np.abs(wide_of(g)), arg, w)
    return x, g, y, arg, *gradients, taken(wide_of(x), arg, w)


@functools.cache
def mean_case(name, channels, dtype):
    w = WINDOWS[name]
    x = random((2, *w.size, channels), 0).astype(numpy_dtype(dtype))
    g = random((2, *w.count, channels), 1).astype(numpy_dtype(dtype))
    forward = [means(f(wide_of(x)), w)[0] for f in (np.array, np.abs)]
    return x, g, *forward, *(mean_grads(f(wide_of(g)), w) for f in (np.array, np.abs))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", WINDOWS)
def test_max(name, dtype, level):
    w = WINDOWS[name]
    for channels in (1, 5, 16, 37):
        x, g, want, want_arg, want_gx, scale, want_taken = max_case(name, channels, dtype)
        y, arg = P.max_pool(x, w, taps=True)
        np.testing.assert_array_equal(wide_of(y), want)
        np.testing.assert_array_equal(wide_of(P.max_pool(x, w)), want)
        assert arg.dtype == "uint8"
        np.testing.assert_array_equal(arg, np.maximum(want_arg, 0))
        close(P.max_pool_grad(g, arg, w), want_gx, dtype, scale)
        np.testing.assert_array_equal(wide_of(P.max_pool_take(x, arg, w)), want_taken)
        gx, sums = P.max_pool_grad(g, arg, w, sums=True)
        np.testing.assert_array_equal(wide_of(gx), wide_of(P.max_pool_grad(g, arg, w)))
        np.testing.assert_array_equal(wide_of(sums), wide_of(reduce.sum(gx, axis=tuple(range(gx.ndim - 1)))))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", WINDOWS)
def test_average(name, dtype, level):
    w = WINDOWS[name]
    for channels in (1, 5, 16, 37):
        x, g, y, y_scale, gx, gx_scale = mean_case(name, channels, dtype)
        close(P.average_pool(x, w), y, dtype, y_scale)
        close(P.average_pool_grad(g, w), gx, dtype, gx_scale)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ["3x3 stride 2 same", "padding alone", "dilated", "1D", "3D"])
def test_max_of_integers(name, dtype, level):
    w = WINDOWS[name]
    low = 0 if dtype == "bool" else np.iinfo(dtype).min
    for channels in (3, 16, 100):
        raw = np.random.default_rng(0).integers(0, 2**64, (2, *w.size, channels), "uint64")
        x = raw.astype(dtype) if dtype != "bool" else raw % 5 == 0
        y = P.max_pool(x, w)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y, maxima(x, w, low)[0])


def test_more_than_256_taps(level):
    w = window((20, 21), (17, 18), 3, padding="same")
    x, g = random((2, *w.size, 20), 0, "float32"), random((2, *w.count, 20), 1, "float32")
    y, arg = P.max_pool(x, w, taps=True)
    want, want_arg = maxima(x, w)
    assert arg.dtype == "int32"
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(arg, want_arg)
    close(P.max_pool_grad(g, arg, w), routed(g, want_arg, w), "float32", routed(np.abs(g), want_arg, w))


@pytest.mark.parametrize("channels", [1, 20])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_nan_and_infinities(dtype, channels, level):
    w = WINDOWS["3x3 stride 2 same"]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, *w.size, channels))
    x = np.where(rng.random(x.shape) < 0.5, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], x.shape), x)
    x[1, :3] = -np.inf
    x = x.astype(numpy_dtype(dtype))
    y, arg = P.max_pool(x, w, taps=True)
    want, want_arg = maxima(wide_of(x), w)
    np.testing.assert_array_equal(wide_of(y), want)
    np.testing.assert_array_equal(wide_of(P.max_pool(x, w)), want)
    np.testing.assert_array_equal(arg, want_arg)


def test_the_first_of_equal_maxima_gets_the_gradient(level):
    w = window((4, 4), 2, 2)
    gx = P.max_pool_grad(np.ones((1, 2, 2, 3), "float32"), P.max_pool(np.zeros((1, 4, 4, 3), "float32"), w, True)[1], w)
    want = np.zeros((1, 4, 4, 3))
    want[:, ::2, ::2] = 1
    np.testing.assert_array_equal(gx, want)


@pytest.mark.parametrize("batch, channels", [(0, 4), (2, 0)])
def test_nothing_to_do(batch, channels, level):
    w = WINDOWS["3x3 same"]
    x, g = np.zeros((batch, *w.size, channels), "float32"), np.zeros((batch, *w.count, channels), "float32")
    y, arg = P.max_pool(x, w, taps=True)
    assert y.shape == g.shape == arg.shape == P.average_pool(x, w).shape
    assert P.max_pool_grad(g, arg, w).shape == P.average_pool_grad(g, w).shape == x.shape


@pytest.mark.parametrize("channels", [3, 40, 600])
@pytest.mark.parametrize("name", ["3x3 same", "2x3 strides 3, 2", "1D long"])
def test_threads_do_not_change_bits(name, channels, level):
    w = WINDOWS[name]
    x, g = random((3, *w.size, channels), 0, "float32"), random((3, *w.count, channels), 1, "float32")
    before, results = _core.num_threads(), []
    for n in (1, 2, 4):
        _core.set_num_threads(n)
        y, arg = P.max_pool(x, w, taps=True)
        more = P.max_pool(x, w), *P.max_pool_grad(g, arg, w, sums=True), P.max_pool_take(x, arg, w)
        results.append((y, arg, *more, P.average_pool(x, w), P.average_pool_grad(g, w)))
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_errors():
    w = window((4, 4), 2)
    x = np.zeros((2, 4, 4, 3), "float32")
    y, arg = P.max_pool(x, w, taps=True)
    for call in (
        lambda: P.max_pool(x[:, 1:], w),
        lambda: P.max_pool_grad(y[..., :2], arg, w),
        lambda: P.max_pool_grad(x, arg, w),
        lambda: P.max_pool_take(x, arg[:1], w),
        lambda: P.average_pool(x[0], w),
        lambda: P.average_pool_grad(x, w),
    ):
        with pytest.raises(ValueError, match="shapes do not fit"):
            call()
    with pytest.raises(ValueError, match="float"):
        P.max_pool(x.astype("int32"), w, taps=True)
    with pytest.raises(ValueError, match="float"):
        P.average_pool(x.astype("int32"), w)
    with pytest.raises(ValueError, match="uint8 or int32"):
        P.max_pool_grad(y, arg.astype("int64"), w)
    wide = window((20, 20), 17)
    with pytest.raises(ValueError, match="256"):
        P.max_pool_grad(np.zeros((1, 4, 4, 1), "float32"), np.zeros((1, 4, 4, 1), "uint8"), wide)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_any_tap_numbers_stay_inside(dtype, level):
    info = np.iinfo(dtype)
    for w in (WINDOWS["3x3 same"], WINDOWS["padding alone"], WINDOWS["1D stride 4"]):
        arg = np.random.default_rng(0).integers(-3, 12, (2, *w.count, 19)) if dtype == "int32" else None
        arg = np.random.default_rng(0).integers(0, 256, (2, *w.count, 19)) if arg is None else arg
        arg = arg.astype(dtype)
        arg[0, ..., 0], arg[0, ..., 1] = info.max, info.min
        x, g = random((2, *w.size, 19), 0, "float32"), random((2, *w.count, 19), 1, "float32")
        close(P.max_pool_grad(g, arg, w), routed(g, arg, w), "float32", routed(np.abs(g), arg, w))
        np.testing.assert_array_equal(P.max_pool_take(x, arg, w), taken(x, arg, w))


def test_hostile_integers_throw_or_stay_inside(level):
    """Random windows over guarded buffers: what is too large is refused, and nothing outside the outputs is written."""
    rng = np.random.default_rng(0)
    x, g, arg = random((1, 4, 4, 16), 0, "float32"), random((1, 2, 2, 16), 2, "float32"), np.zeros((1, 2, 2, 16), "uint8")
    good = (1, 16, *window((4, 4), 3).ints())
    calls = [
        ("max_pool", (x,), 64),
        ("max_pool_grad", (g, arg), 256),
        ("max_pool_take", (x, arg), 64),
        ("average_pool", (x,), 64),
        ("average_pool_grad", (g,), 256),
    ]
    refused = 0
    for _ in range(400):
        ints = list(good)
        for _ in range(rng.integers(1, 4)):
            ints[rng.integers(len(ints))] = int(rng.choice([-1, 0, 1, 2, 3, 5, 17, 2**31, 2**40, 2**62]))
        for name, inputs, count in calls:
            guarded = np.full(count + 128, 7, "float32")
            try:
                launch(name, inputs, (guarded[64:-64],), spec_of(name, tuple(ints)))
            except ValueError:
                refused += 1
            np.testing.assert_array_equal(guarded[:64], 7)
            np.testing.assert_array_equal(guarded[-64:], 7)
    assert refused > 100
    for name, inputs, count in calls:
        with pytest.raises(ValueError):
            launch(name, inputs, (np.zeros(count, "float32"),), spec_of(name, good[:10]))
        with pytest.raises(ValueError):
            launch(name, (), (np.zeros(count, "float32"),), spec_of(name, good))


def test_sizes_of_the_reference():
    """The reference itself: a window in the middle holds every tap once."""
    w = WINDOWS["3x3 same"]
    assert means(np.ones((1, *w.size, 1)), w)[1].max() == math.prod(w.kernel)
