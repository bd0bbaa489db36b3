"""Depthwise convolution and its gradients on the shim against the CPU kernels."""

import numpy as np
import pytest
from cuda_shim import device as shim
from window_reference import WINDOWS, random, window

from kerasgpu.kernels import cuda, elementwise
from kerasgpu.kernels import depthwise as D
from kerasgpu.kernels.gpu.plans import depthwise as planned
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.launch import launch
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
TOLERANCE = {"float32": 2e-6, "float64": 1e-14, "float16": 2e-3, "bfloat16": 1.6e-2}


def put(x):
    return None if x is None else cuda.put(x, ("gpu", 0))


def operands(w, batch, channels, m, dtype):
    shapes = (batch, *w.size, channels), (*w.kernel, channels, m), (batch, *w.count, channels * m)
    return [elementwise.cast(random(s, k), dtype) for k, s in enumerate(shapes)]


def close(got, want, scale, dtype):
    got = got.get()
    assert got.dtype == want.dtype and got.shape == want.shape
    error = abs(got.astype("float64") - want.astype("float64"))
    assert np.all(error <= TOLERANCE[dtype] * scale.astype("float64") + (dtype == "float16") * 1e-7)


def compare(w, batch, channels, m=1, dtype="float32", bias=False):
    x, k, g = operands(w, batch, channels, m, dtype)
    ax, ak, ag = [abs(a.astype("float64")) for a in (x, k, g)]
    more = (elementwise.cast(random((channels * m,), 3), dtype), "relu") if bias else (None, None)
    got = D.depthwise_conv(put(x), put(k), w, put(more[0]), more[1]).get()
    np.testing.assert_array_equal(got, D.depthwise_conv(x, k, w, *more))  # the same sums in the same order
    close(D.depthwise_input_grad(put(g), put(k), w), D.depthwise_input_grad(g, k, w), D.depthwise_input_grad(ag, ak, w), dtype)
    close(
        D.depthwise_filter_grad(put(x), put(g), w), D.depthwise_filter_grad(x, g, w), D.depthwise_filter_grad(ax, ag, w), dtype
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", WINDOWS)
def test_every_window(gpu, name, dtype):
    for channels in (5, 16):
        compare(WINDOWS[name], 2, channels, dtype=dtype, bias=channels == 5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_schedules(gpu, schedule, dtype):
    gpu.schedule = schedule
    for name in ("3x3 same", "5x5 stride 2 same", "dilated, stride 2", "1D long"):
        compare(WINDOWS[name], 2, 24, dtype=dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 7, 37, 72, 260])
def test_channels(gpu, channels):
    compare(WINDOWS["3x3 same"], 2, channels)
    compare(WINDOWS["3x3 stride 2"], 2, channels, dtype="float16")


def test_channel_multiplier(gpu):
    for name in ("3x3 same", "dilated, stride 2", "1D", "3D"):
        compare(WINDOWS[name], 2, 7, 2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("taps", [1, 4, 6, 7, 9])
def test_other_lines_of_taps(gpu, taps, dtype):
    for stride in (1, 2):
        compare(window((8, 17), (2, taps), stride, padding="same"), 2, 8, dtype=dtype)


def test_work_in_stretches(gpu, monkeypatch):
    """Many blocks, four columns of a thread and more than one tile a block."""
    monkeypatch.setattr(planned, "ENOUGH", 64)
    for name in ("3x3", "3x3 stride 2 same", "5x5 same", "dilated", "dilated, stride 3", "1D stride 4"):
        compare(WINDOWS[name], 7, 40)
    w = window((20, 21), 3, padding="same")
    for count in (1, 3, 50):
        monkeypatch.setattr(planned, "BLOCKS", count)
        cuda.forget()
        compare(w, 9, 12)
    cuda.forget()


def test_wide_indices(gpu, monkeypatch):
    monkeypatch.setattr(planned, "SMALL", 1)
    cuda.forget()
    for name in ("3x3 same", "5x5 stride 2 same", "dilated, stride 2"):
        compare(WINDOWS[name], 2, 8)
    cuda.forget()


@pytest.mark.parametrize("batch, channels", [(0, 4), (2, 0)])
def test_nothing_to_do(gpu, batch, channels):
    w = WINDOWS["3x3 same"]
    x, k, g = operands(w, batch, channels, 1, "float32")
    assert D.depthwise_conv(put(x), put(k), w).shape == g.shape
    assert D.depthwise_input_grad(put(g), put(k), w).shape == x.shape
    np.testing.assert_array_equal(D.depthwise_filter_grad(put(x), put(g), w).get(), np.zeros_like(k))


def test_nan_stays_where_its_windows_are(gpu):
    w = WINDOWS["3x3 same"]
    x, k, g = operands(w, 1, 20, 1, "float32")
    x[0, 4, 6, 3] = np.nan
    y = D.depthwise_conv(put(x), put(k), w, activation="relu").get()
    np.testing.assert_array_equal(np.isnan(y), np.isnan(D.depthwise_conv(x, k, w, activation="relu")))
    x[0, 4, 6, 3], x[0, 0, 0, 2] = 0, np.inf
    got, want = D.depthwise_filter_grad(put(x), put(g), w).get(), D.depthwise_filter_grad(x, g, w)
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))


def test_hostile_integers_are_refused_or_stay_inside(gpu):
    """The arrays of the shim end at pages that fault; random windows over them."""
    rng = np.random.default_rng(0)
    x, k, g = random((1, 4, 4, 16), 0, "float32"), random((3, 3, 16, 1), 1, "float32"), random((1, 2, 2, 16), 2, "float32")
    good = (1, 16, *window((4, 4), 3).ints())
    calls = [
        ("depthwise_conv", (x, k), 64, (0, 0)),
        ("depthwise_input_grad", (g, k), 256, ()),
        ("depthwise_filter_grad", (x, g), 144, ()),
    ]
    agreed = refused = 0
    for _ in range(150):
        ints = list(good)
        for _ in range(rng.integers(1, 4)):
            ints[rng.integers(len(ints))] = int(rng.choice([-1, 0, 1, 2, 3, 5, 17, 2**31, 2**40, 2**62]))
        for name, inputs, count, more in calls:
            want = np.full(count, 7, "float32")
            device = put(want)
            try:
                launch(name, inputs, (want,), spec_of(name, (*ints, *more)))
            except ValueError:
                refused += 1
                with pytest.raises(ValueError, match=name):
                    launch(name, tuple(map(put, inputs)), (device,), spec_of(name, (*ints, *more)))
                continue
            launch(name, tuple(map(put, inputs)), (device,), spec_of(name, (*ints, *more)))
            np.testing.assert_allclose(device.get(), want, rtol=1e-5, atol=1e-5)
            agreed += 1
    assert refused > 100 and agreed > 50


def test_hostile_operands():
    ints = (1, 16, *window((4, 4), 3).ints())
    f = lambda n, dtype="float32": (dtype, n * {"float32": 4, "int32": 4, "float64": 8}[dtype])
    for name, inputs, outputs, more in [
        ("depthwise_conv", [f(256), f(144)], [f(63)], (0, 0)),
        ("depthwise_conv", [f(255), f(144)], [f(64)], (0, 0)),
        ("depthwise_conv", [f(256), f(143)], [f(64)], (0, 0)),
        ("depthwise_conv", [f(256), f(144), f(15)], [f(64)], (1, 0)),
        ("depthwise_conv", [f(256), f(144)], [f(64)], (1, 0)),
        ("depthwise_conv", [f(256), f(144)], [f(64)], (2, 0)),
        ("depthwise_conv", [f(256), f(144)], [f(64)], (0, 2)),
        ("depthwise_conv", [f(256), f(144)], [f(64)], ()),
        ("depthwise_conv", [f(256), f(144, "float64")], [f(64)], (0, 0)),
        ("depthwise_conv", [f(256, "int32"), f(144, "int32")], [f(64, "int32")], (0, 0)),
        ("depthwise_input_grad", [f(63), f(144)], [f(256)], ()),
        ("depthwise_filter_grad", [f(256), f(63)], [f(144)], ()),
        ("depthwise_filter_grad", [f(256), f(64)], [f(143)], ()),
    ]:
        with pytest.raises(ValueError, match=name):
            make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, (*ints, *more)))
