"""Normalization and pooling on the shim against the CPU kernels."""

import itertools

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cuda, elementwise, norm, pooling, reduce
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.kernels.window import Window

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
FLOATS = ["float32", "float64", "float16", "bfloat16"]


def put(x):
    return None if x is None else cuda.put(np.asarray(x), ("gpu", 0))


def array(shape, dtype="float32", seed=0, scale=2.0, shift=0.5):
    return elementwise.cast(np.random.default_rng(seed).normal(size=shape) * scale + shift, dtype)


def close(got, want, tolerance=None):
    if isinstance(want, (tuple, list)):
        for g, w in zip(got, want):
            close(g, w, tolerance)
        return
    got = got.get()
    assert got.dtype == want.dtype and got.shape == want.shape
    tolerance = tolerance or {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}.get(want.dtype.name, 0)
    np.testing.assert_allclose(got.astype("float64"), want.astype("float64"), rtol=tolerance, atol=tolerance)


# (samples, rows, channels, inner), group
VIEWS = [
    ((1, 40, 6, 1), 1),
    ((1, 2000, 3, 1), 1),
    ((1, 5, 40, 7), 1),
    ((1, 2, 3, 5000), 1),
    ((3, 20, 8, 1), 4),
    ((2, 3, 6, 9), 2),
    ((1, 1, 9, 30), 1),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_normalization(gpu, dtype, schedule):
    gpu.schedule = schedule
    kind = norm.statistics_dtype(np.dtype(np.float64) if dtype == "float64" else np.dtype(np.float32))
    for (view, group), extra in itertools.product(VIEWS, (False, True)):
        x, g = array(view, dtype), array(view, dtype, 1)
        gamma = array((view[2],), kind, 2) if extra else None
        beta = array((view[2],), kind, 3) if extra else None
        addend = array(view, dtype, 4) if extra else None
        options = {"group": group, "relu": extra}
        want = norm.batch_norm(x, view, gamma, beta, addend=addend, **options)
        got = norm.batch_norm(put(x), view, put(gamma), put(beta), addend=put(addend), **options)
        close(got[:3], want[:3])
        close(norm.moments(put(x), view), norm.moments(x, view))
        _, mean, _, saved = norm.batch_norm(x, view, gamma, beta, **options)
        sums = 1e-3 if dtype != "float64" else 1e-10
        want = norm.batch_norm_grad(x, g, view, mean, saved, gamma, beta, **options)
        got = norm.batch_norm_grad(put(x), put(g), view, put(mean), put(saved), put(gamma), put(beta), **options)
        close(got[0], want[0])
        close(got[1:], want[1:], sums)
        if view[0] == 1:
            args = (array((view[2],), kind, 5), elementwise.abs(array((view[2],), kind, 6)), gamma, beta)
            want = norm.batch_norm_apply(x, view[1:], *args, addend=addend, relu=extra)
            close(norm.batch_norm_apply(put(x), view[1:], *map(put, args), addend=put(addend), relu=extra), want)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_normalization_of_rows(gpu, dtype, schedule):
    gpu.schedule = schedule
    kind = norm.statistics_dtype(np.dtype(np.float64) if dtype == "float64" else np.dtype(np.float32))
    for (rows, n), centered, extra in itertools.product([(5, 7), (130, 40), (3, 1500), (1, 1)], (True, False), (True, False)):
        x, g = array((rows, n), dtype), array((rows, n), dtype, 1)
        gamma, beta = (array((n,), kind, 2), array((n,), kind, 3)) if extra else (None, None)
        want = norm.layer_norm(x, n, gamma, beta, centered=centered)
        got = norm.layer_norm(put(x), n, put(gamma), put(beta), centered=centered)
        close(got[0], want[0])
        saved = want[1]
        for sums in (True, False):
            want = norm.layer_norm_grad(x, g, n, saved, gamma, sums, centered)
            got = norm.layer_norm_grad(put(x), put(g), n, put(saved), put(gamma), sums, centered)
            # A large inverse of a spread of nothing magnifies what rounds differently.
            close(got[0], want[0], None if n > 1 else 0.1)
            close(got[1:], want[1:], 1e-3 if dtype != "float64" else 1e-10)


def test_statistics_of_hard_data(gpu):
    view = (1, 3000, 2, 1)
    x = (1e4 + 1e-2 * np.random.default_rng(0).normal(size=view)).astype("float32")
    x[0, 0] = 0
    close(norm.moments(put(x), view), norm.moments(x, view), 1e-4)
    bad = x.copy()
    bad[0, 5, 1] = np.nan
    mean, variance = norm.moments(put(bad), view)
    assert np.isnan(mean.get()[0, 1]) and np.isnan(variance.get()[0, 1]) and np.isfinite(mean.get()[0, 0])
    empty = np.zeros((1, 0, 2, 1), "float32")
    with np.errstate(all="ignore"):
        close(norm.moments(put(empty), empty.shape), norm.moments(empty, empty.shape))


WINDOWS = [
    Window((8,), (4,), (2,), (2,), (1,), (0,)),
    Window((7, 6), (4, 3), (3, 3), (2, 2), (1, 1), (1, 1)),
    Window((9, 9), (4, 5), (2, 3), (2, 1), (3, 2), (1, 0)),
    Window((4, 5, 6), (2, 2, 3), (2, 3, 2), (2, 2, 2), (1, 1, 1), (0, 1, 0)),
    Window((5, 5), (1, 1), (5, 5), (1, 1), (1, 1), (0, 0)),
    Window((3, 3), (3, 3), (1, 1), (1, 1), (1, 1), (0, 0)),
    Window((4,), (4,), (2,), (3,), (1,), (0,)),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("window", WINDOWS)
def test_pooling(gpu, window, dtype):
    x, gy = array((2, *window.size, 5), dtype), array((2, *window.count, 5), dtype, 1)
    if dtype == "float32":
        x.flat[7] = np.nan
    want = pooling.max_pool(x, window, taps=True)
    close(pooling.max_pool(put(x), window, taps=True), want)
    close(pooling.max_pool(put(x), window), pooling.max_pool(x, window))
    taps = want[1]
    close(pooling.max_pool_grad(put(gy), put(taps), window), pooling.max_pool_grad(gy, taps, window))
    close(pooling.max_pool_take(put(x), put(taps), window), pooling.max_pool_take(x, taps, window))
    gx, sums = pooling.max_pool_grad(put(gy), put(taps), window, sums=True)
    close(gx, pooling.max_pool_grad(gy, taps, window))
    close(sums, reduce.sum(pooling.max_pool_grad(gy, taps, window), axis=tuple(range(gy.ndim - 1))))
    x.flat[7] = 0
    close(pooling.average_pool(put(x), window), pooling.average_pool(x, window))
    close(pooling.average_pool_grad(put(gy), window), pooling.average_pool_grad(gy, window))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "uint64"])
def test_pooling_of_integers(gpu, dtype):
    window = WINDOWS[1]
    x = np.random.default_rng(0).integers(0, 100, (2, *window.size, 3)).astype(dtype)
    close(pooling.max_pool(put(x), window), pooling.max_pool(x, window))


F = ("float32", 160)
SMALL = ("float32", 16)
GEOMETRY = (1, 1, 40, 1, 1, 20, 1, 1, 2, 1, 1, 2, 1, 1, 1, 0, 0, 0)
BAD = [
    ("batch_norm", [F], [F, SMALL, SMALL, SMALL], (1, 10, 4, 1, 1, 0, 0, 0, 0), (1e-3,)),  # saved is too short
    ("batch_norm", [F], [F, SMALL, SMALL, ("float32", 32)], (1, 10, 4, 1, 3, 0, 0, 0, 0), (1e-3,)),
    ("batch_norm", [F], [F, SMALL, SMALL, ("float32", 32)], (1, 10, 5, 1, 1, 0, 0, 0, 0), (1e-3,)),
    ("batch_norm", [F], [F, SMALL, SMALL, ("float32", 32)], (1, 10, 4, 1, 1, 1, 0, 0, 0), (1e-3,)),
    ("batch_norm", [F], [F, SMALL, SMALL, ("float32", 32)], (1 << 60, 10, 0, 1, 1, 0, 0, 0, 0), (1e-3,)),
    ("batch_norm_apply", [F, SMALL], [F], (10, 4, 1, 0, 0, 0, 0), (1e-3,)),
    ("batch_norm_grad", [F, F, SMALL, SMALL], [F, SMALL, SMALL], (1, 10, 4, 1, 1, 0, 0, 0), ()),
    ("moments", [F], [SMALL, SMALL], (1, 10, 5, 1), ()),
    ("layer_norm", [F], [F, SMALL], (4, 11, 0, 0, 1), (1e-3,)),
    ("layer_norm", [F, SMALL], [F, SMALL], (4, 10, 1, 0, 1), (1e-3,)),
    ("layer_norm", [F], [F, SMALL], (4, 10, 0, 0, 1), (1e-3,)),
    ("layer_norm_grad", [F, F, SMALL], [F], (4, 10, 0, 0, 1), ()),
    ("layer_norm_grad", [F, F, SMALL], [F, SMALL, SMALL], (4, 10, 0, 1, 0), ()),
    ("max_pool", [F], [("float32", 80)], (1, 2, *GEOMETRY[2:]), ()),
    ("max_pool", [F], [("float32", 160)], (1, 2, *GEOMETRY), ()),
    ("average_pool", [F], [("float32", 80)], (1, 1, *GEOMETRY[:8], 0, *GEOMETRY[9:]), ()),
    ("max_pool_grad", [("float32", 80), ("float32", 80)], [F], (1, 1, *GEOMETRY), ()),
]


@pytest.mark.parametrize("case", BAD)
def test_hostile_arguments(case):
    name, inputs, outputs, ints, floats = case
    with pytest.raises(ValueError, match=name):
        make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, ints, floats))
