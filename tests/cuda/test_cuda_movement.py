"""Movement, indexing and sorting kernels on the shim against the CPU kernels."""

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cuda, indexing, movement, sorting
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
DTYPES = ["bool", "int8", "float16", "float32", "int64", "float64"]


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


def array(shape, dtype="float32", seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 4).astype(dtype)


def same(got, want):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        return [same(g, w) for g, w in zip(got, want)]
    got = got.get()
    assert got.dtype == want.dtype
    return np.testing.assert_array_equal(got, want)


def both(function, *arrays, **keywords):
    """The same call on both devices."""
    same(function(*map(put, arrays), **keywords), function(*arrays, **keywords))


@pytest.mark.parametrize("dtype", DTYPES)
def test_moving_elements(gpu, dtype):
    x = array((3, 4, 5), dtype)
    both(movement.copy, x)
    for perm in [(2, 1, 0), (0, 2, 1), (1, 0, 2), (0, 1, 2)]:
        both(movement.transpose, x, perm=perm)
    both(movement.broadcast_to, array((4, 1), dtype), shape=(3, 4, 5))
    both(movement.tile, x, repeats=(2, 1, 3))
    both(movement.repeat, x, repeats=3, axis=1)
    both(movement.slice, x, starts=(2, 0, 1), sizes=(2, 4, 2), steps=(-1, 1, 3))
    both(lambda a, b: movement.slice_update(a, b, (1, 0, 1)), x, array((2, 3, 2), dtype, 1))
    both(movement.flip, x, axes=(0, 2))
    both(movement.roll, x, shift=2, axis=1)
    both(
        lambda *xs: movement.concatenate(xs, 1), x, array((3, 1, 5), dtype, 1), array((3, 0, 5), dtype), array((3, 2, 5), dtype)
    )
    both(lambda *xs: movement.stack(xs, 2), x, x)
    both(movement.split, x, sizes=(1, 0, 3), axis=1)
    for mode in ("constant", "reflect", "symmetric", "edge"):
        both(movement.pad, x, widths=[(2, 1), (0, 0), (7, 9)], mode=mode, value=1)
    both(movement.band, x, low=-1, high=2)
    both(movement.tril, x, k=-1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_transposes_through_tiles(gpu, schedule):
    gpu.schedule = schedule
    for shape, perm in [((70, 33), (1, 0)), ((2, 40, 50), (0, 2, 1)), ((9, 4, 70), (2, 1, 0)), ((64, 3, 32), (2, 0, 1))]:
        both(movement.transpose, array(shape), perm=perm)


@pytest.mark.parametrize("dtype", [*DTYPES, "uint8", "int32", "uint64", "bfloat16"])
def test_fill(gpu, dtype):
    from kerasgpu.kernels.launch import numpy_dtype

    for value in (0, 1, 2.6, -3, 1e9, float("nan"), float("inf"), 1 << 40):
        x = np.zeros(37, numpy_dtype(dtype))
        try:
            want = movement.fill(x.copy(), value)
        except OverflowError:
            continue
        got = movement.fill(put(x), value).get()
        np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))


def test_counters(gpu):
    for dtype in ("int32", "uint32", "int64", "uint64"):
        both(movement.advance, np.array([7], dtype), step=-9)
    from kerasgpu.kernels import random

    for ordered in (True, False):
        state, saved = np.array([5, 7], "uint32"), np.zeros(2, "uint32")
        a, b = put(state), put(saved)
        random.advance_seed(a, b, ordered)
        random.advance_seed(state, saved, ordered)
        same([a, b], [state, saved])


INDICES = np.array([[0, 3, -1], [9, -4, 2]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_reading_by_index(gpu, dtype, index):
    x, k = array((3, 4, 5), dtype), INDICES.astype(index)
    for mode in ("fill", "clip", "wrap"):
        both(indexing.take, x, k, axis=1, mode=mode)
        both(indexing.take_along_axis, array((2, 7), dtype), k, axis=1, mode=mode)
    bad = np.zeros(1, "int32")
    counted = put(bad)
    indexing.take(put(x), put(k), 1, bad_count=counted)
    indexing.take(x, k, 1, bad_count=bad)
    same(counted, bad)
    both(indexing.gather_nd, x, np.array([[0, 1], [2, -1], [5, 0]], index))
    both(indexing.one_hot, k, depth=4, axis=1, dtype=dtype)


def test_rows_of_a_data_set(gpu):
    perm, cursor = np.array([3, 0, 2, 1, 4]), np.array([2])
    for source in ("uint8", "int32", "int64", "float32", "float64"):
        data = np.abs(array((5, 3), "float64")).astype(source)
        for target in ("float32", "int32", "int64"):
            out = np.zeros((2, 3), target)
            got = indexing.gather_rows(*map(put, (data, perm, cursor, out)))
            same(got, indexing.gather_rows(data, perm, cursor, out))
    out = np.zeros((3, 3), "float32")
    same(indexing.store_rows(*map(put, (array((2, 3)), cursor, out))), indexing.store_rows(array((2, 3)), cursor, out))
    # A bad cursor or entry reads nothing: NaN instead of the CPU's error.
    data, out = array((5, 3)), np.zeros((2, 3), "float32")
    assert np.isnan(indexing.gather_rows(*map(put, (data, perm, np.array([4]), out))).get()).all()
    got = indexing.gather_rows(*map(put, (data, np.array([99, 1]), np.array([0]), out))).get()
    assert np.isnan(got[0]).all() and (got[1] == data[1]).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_writing_by_index(gpu, dtype, schedule):
    gpu.schedule = schedule
    rng = np.random.default_rng(0)
    for rows, count, inner in [(5, 40, 3), (300, 3000, 1), (4, 0, 2), (1, 9, 8)]:
        k = rng.integers(-rows - 1, rows + 1, count)
        out, updates = array((rows, inner), dtype), array((count, inner), dtype, 1)
        for name in ("scatter_add", "scatter_update", "scatter_max", "scatter_min"):
            function = getattr(indexing, name)
            same(function(put(out), put(k), put(updates)), function(out.copy(), k, updates))
        args = (out.copy(), k, updates, True)
        same(indexing.scatter_add(put(out), put(k), put(updates), True), indexing.scatter_add(*args))


def test_bincount(gpu):
    x = np.random.default_rng(0).integers(-1, 9, (3, 50))
    both(indexing.bincount, x, length=7)
    both(lambda a, w: indexing.bincount(a, 7, w), x, array((3, 50)))
    both(indexing.bincount, x[0].astype("uint8"), length=300, dtype="int64")


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", [*DTYPES, "uint8", "uint64", "int16"])
def test_sorting(gpu, dtype, schedule):
    gpu.schedule = schedule
    for shape in [(4, 1), (3, 7), (2, 300), (1, 5000)]:
        x = array(shape, "float64")
        if dtype in ("float32", "float64", "float16"):
            x.flat[:: max(3, x.size // 9)] = np.nan
            x.flat[1 :: max(3, x.size // 5)] = -0.0
        x = np.nan_to_num(x).astype(dtype) if dtype[0] in "biu" else x.astype(dtype)
        for descending in (False, True):
            both(sorting.sort, x, descending=descending)
            both(sorting.argsort, x, descending=descending)
        both(sorting.top_k, x, k=min(5, shape[1]))


def test_searching(gpu):
    ordered, values = np.sort(array((37,))), array((50,), seed=3)
    values[:5] = ordered[3:8]
    for side in ("left", "right"):
        both(sorting.searchsorted, ordered, values, side=side)
    predictions = array((6, 9)).astype("float32")
    predictions[2, 4] = np.nan
    for k in (1, 3):
        both(sorting.in_top_k, np.array([0, 8, 4, -1, 9, 3]), predictions, k=k)


F = ("float32", 160)
BAD = [
    ("copy", [F], [("float32", 80)], (), ()),
    ("transpose", [F], [F], (2, 5, 8, 0, 0), ()),
    ("transpose", [F], [F], (2, 5, 9, 0, 1), ()),
    ("transpose", [F], [F], (99, 5, 9, 0, 1), ()),
    ("transpose", [F], [F], (2, 1 << 40, 1 << 40, 0, 1), ()),
    ("broadcast_to", [F], [F], (1, 3, 40), ()),
    ("slice", [F], [F], (1, 40, 38, 1, 5), ()),
    ("slice", [F], [F], (1, 40, 0, 0, 5), ()),
    ("slice", [F], [F], (1, 40, 0, 1 << 62, 3), ()),
    ("slice_assign", [F], [F], (1, 40, -1, 1, 5), ()),
    ("pad", [F], [F], (0, 1, 40, -1, 1), (0.0,)),
    ("pad", [F], [F], (0, 1, 40, 1, 1), (0.0,)),
    ("pad", [F], [F], (9, 1, 40, 0, 0), (0.0,)),
    ("concatenate", [F, F], [F], (1, 40, 40), ()),
    ("split", [F], [F, F], (1, 40, -1), ()),
    ("tri_mask", [F], [F], (1, 40, 2, 0, 0), ()),
    ("take", [F, ("int32", 40)], [F], (1, 40, 1, 11, 0), ()),
    ("take", [F, ("float32", 40)], [F], (1, 40, 1, 10, 0), ()),
    ("take", [F, ("int32", 40)], [F], (1, 40, 1, 10, 7), ()),
    ("take_along_axis", [F, ("int32", 40)], [F], (2, 20, 1, 10, 0), ()),
    ("ravel_indices", [("int64", 160)], [("int64", 160)], (20, 2, 1 << 40, 1 << 40), ()),
    ("gather_rows", [F, ("int64", 80), ("int64", 8)], [F], (5, 9, 10, 4), ()),
    ("gather_rows", [F, ("int64", 80), ("int64", 0)], [F], (5, 8, 10, 5), ()),
    ("store_rows", [F, ("int64", 8)], [F], (6, 8, 5), ()),
    ("scatter_add", [("int32", 40), F], [F], (5, 8, 10, 0), ()),
    ("scatter_max", [("uint8", 40), F], [F], (5, 8, 5, 0), ()),
    ("one_hot", [F], [F], (1, 4, 10), ()),
    ("bincount", [("int32", 40)], [F], (1, 11, 40), ()),
    ("sort", [F], [F], (5, 9, 0), ()),
    ("sort", [F], [F], (0, 1 << 40, 0), ()),
    ("top_k", [F], [F, ("int32", 160)], (1, 40, 41), ()),
    ("in_top_k", [("int32", 40), F], [("bool", 10)], (10, 5, 1), ()),
    ("searchsorted", [F, F], [("int32", 160)], (41, 40, 0), ()),
    ("advance", [], [("float32", 4)], (1,), ()),
    ("advance_seed", [], [("uint32", 4)], (0,), ()),
]


@pytest.mark.parametrize("case", BAD)
def test_hostile_arguments(case):
    name, inputs, outputs, ints, floats = case
    with pytest.raises(ValueError, match=name):
        make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, ints, floats))
