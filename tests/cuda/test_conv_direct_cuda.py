"""Direct convolution of images with few channels on the shim, beside float64 on the CPU kernels."""

import ml_dtypes
import numpy as np
import pytest
from cuda_shim import device as shim
from window_reference import window

from kerasgpu.kernels import conv, cuda
from kerasgpu.kernels.gpu.plans import conv_direct, gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
ERROR = {"float32": 2e-6, "float16": 2**-10, "bfloat16": 2**-7}
# (window, batch, channels, filters)
CASES = {
    "mnist": (window((28, 28), 3), 2, 1, 32),
    "same": (window((9, 11), 3, padding="same"), 3, 3, 16),
    "lenet": (window((14, 13), 5), 2, 1, 6),
    "resnet": (window((29, 31), 7, 2, padding=(3, 3)), 1, 3, 64),
    "four channels": (window((15, 12), 7, 2, padding="same"), 2, 4, 24),
    "two channels": (window((10, 21), (2, 3), (1, 2), padding="same"), 2, 2, 5),
    "many filters": (window((6, 7), 3, padding="same"), 2, 3, 130),
    "one filter": (window((6, 30), (4, 6)), 2, 3, 1),
    "wide": (window((3, 150), (1, 5), (2, 1)), 1, 1, 8),
    "1x1 stride 2": (window((7, 9), 1, 2), 2, 3, 8),
    "1d": (window((40,), 4, 2, padding=(1, 2)), 3, 2, 8),
    "padding alone": (window((4, 5), 2, 2, 1, (5, 5)), 2, 3, 8),
    "wider than the input": (window((3, 2), 5, padding="same"), 1, 3, 4),
}


@pytest.fixture
def direct(gpu, monkeypatch):
    monkeypatch.setattr(gemm_table, "forced", ("direct", 1))
    monkeypatch.setattr(gpu, "log", True)
    gpu.launches.clear()
    cuda.forget()
    yield gpu
    cuda.forget()


def put(x):
    return cuda.put(x, ("gpu", 0))


def operands(case, dtype):
    w, batch, channels, filters = case
    rng = np.random.default_rng(channels)
    make = lambda *s: rng.normal(size=s).astype(DTYPES[dtype])
    return make(batch, *w.size, channels), make(*w.kernel, channels, filters), make(batch, *w.count, filters), make(filters)


def check(case, dtype="float32"):
    w = case[0]
    x, f, dy, bias = operands(case, dtype)
    wide = lambda a: np.float64(a)

    def close(got, want, size):
        got = got.get()
        assert got.dtype == x.dtype and got.shape == want.shape
        assert np.all(abs(wide(got) - want) <= ERROR[dtype] * (size + 1))

    size = conv.conv(abs(wide(x)), abs(wide(f)), w, 1)
    close(conv.conv(put(x), put(f), w, 1), conv.conv(wide(x), wide(f), w, 1), size)
    want = conv.conv(wide(x), wide(f), w, 1, bias=wide(bias), activation="relu")
    close(conv.conv(put(x), put(f), w, 1, bias=put(bias), activation="relu"), want, size)
    size = conv.conv_filter_grad(abs(wide(x)), abs(wide(dy)), w, 1)
    close(conv.conv_filter_grad(put(x), put(dy), w, 1), conv.conv_filter_grad(wide(x), wide(dy), w, 1), size)


@pytest.mark.parametrize("name", CASES)
def test_geometries(direct, name):
    check(CASES[name])
    assert {one.source for one in direct.launches} <= {"conv_direct.cu", "conv_direct_filter_grad.cu", "split_sums.cu"}


def test_what_is_shallow_is_direct_by_itself(gpu):
    for name in ("mnist", "same", "lenet", "two channels"):
        check(CASES[name])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types(direct, dtype):
    for name in ("same", "lenet", "resnet"):
        check(CASES[name], dtype)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_and_stretches(direct, monkeypatch, schedule):
    direct.schedule = schedule
    for blocks in (1, 3):  # several tiles a block
        monkeypatch.setattr(conv_direct, "BLOCKS", blocks)
        cuda.forget()
        for name in ("mnist", "two channels", "resnet"):
            check(CASES[name])


@pytest.mark.parametrize("lanes, columns, groups", [(1, 4, 1), (1, 8, 64), (4, 8, 4), (8, 4, 32), (16, 8, 1), (16, 4, 16)])
def test_tiles_that_waste(direct, monkeypatch, lanes, columns, groups):
    case = CASES["same"]
    c = conv_case(case)
    tile = conv_direct.Tile(lanes, columns, 256 // lanes // groups, groups)
    shared = 4 * (27 * 4 * lanes + tile.pixels(c))
    monkeypatch.setattr(conv_direct, "forward_tile", lambda c: (tile, shared))
    monkeypatch.setattr(conv_direct, "grad_tile", lambda c: conv_direct.Tile(lanes, 4, 2, groups))
    cuda.forget()
    check(case)


def conv_case(case):
    from kerasgpu.kernels.gpu.plans.conv import Conv

    w, batch, channels, filters = case
    return Conv(batch, channels, filters, 1, False, False, w.whole())


def plan_of(case, name="conv", dtype="float32", groups=1):
    w, batch, channels, filters = case
    big = (dtype, 1 << 26)
    return make_plan(name, (big, big), (big,), spec_of(name, (batch, channels, filters, groups, 0, 0, *w.ints())))


def test_the_choice(gpu, monkeypatch):
    sources = lambda *a, **k: plan_of(*a, **k).launches[0].source
    assert sources(CASES["mnist"]) == "conv_direct.cu"
    assert sources(CASES["mnist"], "conv_filter_grad") == "conv_direct_filter_grad.cu"
    assert sources(CASES["mnist"], "conv_filter_grad", "float64") == "conv.cu"
    assert sources(CASES["mnist"], dtype="bfloat16") == "conv_direct.cu"
    assert sources(CASES["resnet"], dtype="bfloat16") == "conv.cu"  # deep enough for tensor cores
    assert sources(CASES["resnet"]) == "conv_direct.cu"  # exact float32
    assert sources(CASES["four channels"], "conv_input_grad") == "conv.cu"
    assert sources((window((9, 9), 3), 2, 5, 8)) == "conv.cu"
    assert sources((window((9, 9), 3), 2, 4, 8), groups=2) == "conv.cu"
    assert sources((window((9, 9), 3, dilation=2), 2, 3, 8)) == "conv.cu"
    assert sources((window((19, 19), 3, 3), 2, 3, 8)) == "conv.cu"
    assert sources((window((9, 29), (3, 9)), 2, 3, 8)) == "conv.cu"
    assert sources((window((5, 9, 9), 3), 2, 3, 8)) == "conv.cu"
    c = conv_case(CASES["resnet"])
    product = (c.batch * 15 * 16, 64, 147, 1)
    assert not conv_direct.wanted(c, 0, "half", "bfloat16", product)
    monkeypatch.setitem(gemm_table.MEASURED, gemm_table.shape_class("half", *product), ("direct", 1))
    assert conv_direct.wanted(c, 0, "half", "bfloat16", product)
    monkeypatch.setattr(gemm_table, "forced", ("64x64x64s4", 1))
    assert not conv_direct.wanted(c, 0, "half", "bfloat16", product)
    assert sources(CASES["mnist"]) == "conv.cu"
    monkeypatch.setattr(gemm_table, "forced", ("direct", 1))
    assert sources((window((9, 9), 3), 2, 5, 8)) == "conv.cu"  # what does not fit is a product still


def test_infinite_pixels_stay_where_their_windows_are(direct):
    case = CASES["same"]
    x, f, dy, _ = operands(case, "float32")
    x[0, 2, 10, 1] = np.inf
    with np.errstate(invalid="ignore"):
        got, want = conv.conv(put(x), put(f), case[0], 1).get(), conv.conv(x, f, case[0], 1)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))
        got = conv.conv_filter_grad(put(x), put(dy), case[0], 1).get()
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(conv.conv_filter_grad(x, dy, case[0], 1)))
