"""Images read between their pixels, on the shim: the bits of the CPU kernels."""

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cuda, sampling
from kerasgpu.kernels.gpu.plans import sampling as planned
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.launch import launch
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
SHAPES = [(2, 1, 9, 131, 3), (3, 2, 7, 5, 1), (1, 1, 1, 1, 4), (2, 1, 6, 40, 5), (2, 3, 4, 6, 8)]


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


def maps_of(count, height, width):
    """Random maps, some of which lead far outside."""
    r = np.random.default_rng(0)
    maps = r.uniform(-1.5, 1.5, (count, 8)).astype("float32")
    maps[:, 2], maps[:, 5] = r.uniform(-width, 2 * width, count), r.uniform(-height, 2 * height, count)
    maps[:, 6:] = r.uniform(0, 0.01, (count, 2))
    return maps


def equal(function, arrays, *more):
    want = function(*arrays, *more)
    got = function(*map(put, arrays), *more).get()
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("mode", sampling.MODES)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_maps_and_grids(gpu, shape, order, mode):
    rng = np.random.default_rng(1)
    x, maps = rng.random(shape).astype("float32"), maps_of(shape[0], *shape[2:4])
    for projective in (False, True):
        equal(sampling.sample_map, (x, maps), order, mode, 7.0, projective)
    equal(sampling.sample_map, (x, maps[:1]), order, mode, 1e300, False, (5, 3))
    rows = rng.uniform(-2 * shape[2], 3 * shape[2], (shape[0], 4, 7)).astype("float32")
    columns = rng.uniform(-2 * shape[3], 3 * shape[3], (shape[0], 4, 7)).astype("float32")
    equal(sampling.sample_grid, (x, rows, columns), order, mode, 7.0)
    equal(sampling.sample_grid, (x, rows[:1], columns[:1]), order, mode, 7.0)
    halves = np.round(2 * rows) / 2
    equal(sampling.sample_grid, (x, halves, columns), order, mode, 7.0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(gpu, schedule):
    gpu.schedule = schedule
    x = np.random.default_rng(1).random((2, 1, 20, 30, 3)).astype("float32")
    equal(sampling.sample_map, (x, maps_of(2, 20, 30)), 1, "reflect", 0.0, True)
    rows = (np.array([0, 3, 17], "int32"), np.random.default_rng(2).random((3, 3)).astype("float32"))
    resampled(x[:, 0], rows, rows)


@pytest.mark.parametrize("mode", sampling.MODES)
def test_places_that_are_no_numbers(gpu, mode):
    x = np.random.default_rng(0).random((1, 1, 5, 6, 3)).astype("float32")
    bad = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e10, -1e10, 5.0, -1.0], "float32").reshape(1, 3, 3)
    for order in (0, 1):
        equal(sampling.sample_grid, (x, bad, np.zeros_like(bad)), order, mode)
        equal(sampling.sample_grid, (x, bad, bad), order, mode)
        equal(sampling.sample_map, (x, np.full((1, 8), np.nan, "float32")), order, mode)
        equal(sampling.sample_map, (x, np.full((1, 8), 1e38, "float32")), order, mode, 0.0, True)


def resampled(x, rows, columns):
    want = sampling.resample(x, rows, columns)
    got = sampling.resample(put(x), tuple(map(put, rows)), tuple(map(put, columns))).get()
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("trip", [-100, 1000])  # two passes, or one
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("inner", [1, 3, 4, 8])
def test_resample(gpu, monkeypatch, trip, dtype, inner):
    monkeypatch.setattr(planned, "ROUND_TRIP", trip)
    cuda.forget()
    rng = np.random.default_rng(0)
    x = (rng.random((2, 9, 20, inner)) * 255).astype(dtype)
    sy, sx = np.array([0, 3, -5, 2**31 - 1, 6], "int32"), np.array([17, 0, 4, -(2**31)], "int32")
    for taps_y in (1, 2, 3, 9):
        for taps_x in (1, 2, 5):
            wy, wx = rng.normal(size=(5, taps_y)).astype("float32"), rng.normal(size=(4, taps_x)).astype("float32")
            resampled(x, (sy, wy), (sx, wx))
    resampled(x, (sy, np.ones((5, 1), "float32")), (sx, np.ones((4, 1), "float32")))
    cuda.forget()


def test_wide_indices(gpu, monkeypatch):
    monkeypatch.setattr(planned, "SMALL", 1)
    cuda.forget()
    x = np.random.default_rng(0).random((2, 2, 5, 6, 4)).astype("float32")
    equal(sampling.sample_map, (x, maps_of(2, 5, 6)), 1, "wrap")
    rows = (np.array([0, 3, 1], "int32"), np.ones((3, 2), "float32"))
    resampled(x[:, 0], rows, rows)
    cuda.forget()


def test_nothing_to_do(gpu):
    x = np.zeros((0, 1, 4, 5, 3), "float32")
    equal(sampling.sample_map, (x, np.zeros((1, 8), "float32")))
    resampled(x[:, 0], (np.zeros(2, "int32"), np.ones((2, 1), "float32")), (np.zeros(3, "int32"), np.ones((3, 2), "float32")))


def test_hostile_integers_are_refused_or_stay_inside(gpu):
    """The arrays of the shim end at pages that fault."""
    rng = np.random.default_rng(0)
    f = lambda *s: rng.random(s).astype("float32")
    x = f(2, 1, 4, 5, 3)
    starts, weights = np.array([0, 1, 2, 3], "int32"), f(4, 2)
    calls = [
        ("sample_map", (x, f(2, 8)), 120, (2, 1, 4, 5, 3, 2, 1, 0, 4, 5, 0), (0.0,)),
        ("sample_grid", (x, f(2, 4, 5), f(2, 4, 5)), 120, (2, 1, 4, 5, 3, 2, 1, 0, 4, 5), (0.0,)),
        ("resample", (x, starts, weights, starts, weights), 96, (2, 4, 5, 3, 4, 4, 2, 2), ()),
    ]
    refused = agreed = 0
    for _ in range(200):
        for name, inputs, count, good, floats in calls:
            ints = list(good)
            for _ in range(rng.integers(1, 4)):
                ints[rng.integers(len(ints))] = int(rng.choice([-1, 0, 1, 2, 3, 5, 17, 2**31, 2**40, 2**62]))
            want = np.full(count, 7, "float32")
            device = put(want)
            try:
                launch(name, inputs, (want,), spec_of(name, tuple(ints), floats))
            except ValueError:
                refused += 1
                with pytest.raises(ValueError, match=name):
                    launch(name, tuple(map(put, inputs)), (device,), spec_of(name, tuple(ints), floats))
                continue
            launch(name, tuple(map(put, inputs)), (device,), spec_of(name, tuple(ints), floats))
            np.testing.assert_array_equal(device.get(), want)
            agreed += 1
    assert refused > 200 and agreed > 20


def test_hostile_operands():
    f, i = ("float32", 480), ("int32", 480)
    ints = (2, 1, 4, 5, 3, 2, 1, 0, 4, 5, 0)
    for name, inputs, outputs, numbers in [
        ("sample_map", [f, ("float32", 32)], [f], ints),
        ("sample_map", [f, f], [("float32", 476)], ints),
        ("sample_map", [("float32", 476), f], [f], ints),
        ("sample_map", [i, f], [f], ints),
        ("sample_map", [f, f], [i], ints),
        ("sample_grid", [f, f], [f], ints),
        ("sample_grid", [f, f, ("float32", 156)], [f], ints),
        ("resample", [("float64", 960), i, f, i, f], [f], (2, 4, 5, 3, 4, 5, 2, 2)),
        ("resample", [f, f, f, i, f], [f], (2, 4, 5, 3, 4, 5, 2, 2)),
        ("resample", [f, i, f, i, ("float32", 36)], [f], (2, 4, 5, 3, 4, 5, 2, 2)),
        ("resample", [f, i, f, i, f], [f], (2, 4, 5, 3, 4, 5, 5, 2)),
        ("resample", [f, i, f, i, f], [f], (2, 4, 5, 3, 4, 5, 2)),
    ]:
        with pytest.raises(ValueError, match=name):
            make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, numbers, (0.0,)))
