"""Kernels that read and write by index, against NumPy: bad indices, item sizes, thread counts, the batch gather of training."""

import ml_dtypes
import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import indexing as ix
from kerasgpu.kernels.elementwise import elementwise
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

numpy_dtype("bfloat16")
DTYPES = ["bool", "uint8", "float16", ml_dtypes.bfloat16, "float32", "int32", "float64", "int64"]


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = _core.num_threads()
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(before)


@pytest.fixture(params=range(_core.machine_level() + 1))
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def values(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index_dtype", ["int32", "int64", "uint8", "int16"])
def test_take(dtype, index_dtype, threads):
    for shape, axis, index_shape in [
        ((9,), 0, (5,)),
        ((9, 4), 0, (2, 3)),
        ((2, 9, 3), 1, ()),
        ((4, 9), -1, (700,)),
        ((9, 300), 0, (0,)),
    ]:
        x = values(shape, dtype)
        low = 0 if index_dtype == "uint8" else -9
        indices = np.random.default_rng(1).integers(low, 9, index_shape).astype(index_dtype)
        y = ix.take(x, indices, axis)
        expected = np.take(x, indices, axis)
        assert y.dtype == x.dtype and y.tobytes() == expected.tobytes() and y.shape == expected.shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_take_outside(dtype):
    x = values((4, 3), dtype, 2)
    indices = np.array([0, 4, -5, -4, 2**40, -(2**63)])
    bad = np.zeros(1, "int32")
    y = ix.take(x, indices, 0, bad_count=bad)
    assert bad[0] == 4
    floats = dtype not in ("bool", "uint8", "int32", "int64")
    for k, source in enumerate([0, None, None, 0, None, None]):
        if source is None:
            assert np.isnan(y[k].astype("float64")).all() if floats else not y[k].any()
        else:
            assert (y[k] == x[source]).all()
    np.testing.assert_array_equal(ix.take(x, indices[:4], 0, "clip"), x[[0, 3, 0, 0]])
    np.testing.assert_array_equal(ix.take(x, indices[:4], 0, "wrap"), x[[0, 0, 3, 0]])
    np.testing.assert_array_equal(ix.take(x[:0], np.array([0]), 0, "clip").shape, (1, 3))


def test_take_along_axis(threads):
    rng = np.random.default_rng(0)
    for shape, axis, count in [((5,), 0, 3), ((4, 6), 1, 9), ((4, 6), 0, 2), ((3, 5, 70), 1, 4), ((2, 0, 3), 1, 0)]:
        x = values(shape)
        index_shape = (*shape[:axis], count, *shape[axis + 1 :])
        for dtype in ("int32", "int64"):
            indices = rng.integers(-shape[axis], max(shape[axis], 1), index_shape).astype(dtype)
            np.testing.assert_array_equal(
                ix.take_along_axis(x, indices, axis), np.take_along_axis(x, indices.astype("int64"), axis)
            )
    y = ix.take_along_axis(values((3,)), np.array([0, 9, -4]), 0)
    assert np.isnan(y).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="may differ along axis 0 only"):
        ix.take_along_axis(values((3, 4)), np.zeros((1, 5), "int32"), 0)


def test_index_tuples():
    x = values((4, 5, 6))
    indices = np.array([[0, 0], [3, 4], [-1, -5], [4, 0], [0, -6]])
    np.testing.assert_array_equal(ix.ravel_indices(indices, (4, 5))[:3], [0, 19, 15])
    y = ix.gather_nd(x, indices)
    np.testing.assert_array_equal(y[:3], x[[0, 3, -1], [0, 4, -5]])
    assert np.isnan(y[3:]).all()
    updates = values((5, 6), seed=3)
    expected = np.zeros_like(x)
    np.add.at(expected, ([0, 3, -1], [0, 4, -5]), updates[:3])
    np.testing.assert_array_equal(ix.scatter_nd(indices, updates, x.shape), expected)
    expected = x.copy()
    expected[[0, 3, -1], [0, 4, -5]] = updates[:3]
    np.testing.assert_array_equal(ix.scatter_nd_update(x, indices, updates), expected)
    with pytest.raises(ValueError, match="last axis of size 3"):
        ix.ravel_indices(indices, (4, 5, 6))
    with pytest.raises(ValueError, match="ravel_indices"):
        launch("ravel_indices", (indices,), (np.zeros(5, "int64"),), spec_of("ravel_indices", (5, 2, -4, 5)))


@pytest.mark.parametrize("source", ["uint8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("target", ["float32", "int32", "int64", "same"])
def test_gather_rows(source, target, threads):
    data = values((50, 3, 7), source)
    perm = np.random.default_rng(0).permutation(50)
    cursor = np.array([11])
    out = np.empty((20, 3, 7), source if target == "same" else target)
    ix.gather_rows(data, perm, cursor, out)
    np.testing.assert_array_equal(out, data[perm[11:31]].astype(out.dtype))


def test_gather_rows_of_data_that_goes_away(threads):
    """Waiting threads are asked to fetch the rows of the next batch: that may not touch memory which is gone by then."""
    rng = np.random.default_rng(0)
    out = np.empty((16, 1000), "float32")
    for rows in (2000, 3000, 2000):  # more than 4 MiB, which the system gets back at once
        data = rng.normal(size=(rows, 1000)).astype("float32")
        perm = rng.permutation(rows)
        for cursor in range(0, rows - 16, 401):
            np.testing.assert_array_equal(ix.gather_rows(data, perm, np.array([cursor]), out), data[perm[cursor : cursor + 16]])
        del data
        for _ in range(50):
            elementwise("mul", out, out)  # jobs between which the threads wait


def test_gather_rows_other_dtypes_and_errors():
    data = values((10, 4), "bool")
    out = np.empty((3, 4), "bool")
    np.testing.assert_array_equal(ix.gather_rows(data, np.arange(10), np.array([7]), out), data[7:])
    out[:] = True
    kept = out.copy()
    for perm, cursor in [([0, 1, 10], 0), ([0, 1, -1], 0), ([0, 1, 2], 1), ([0, 1, 2], -1), ([0, 1], 0), ([0, 1, 2], 2**62)]:
        with pytest.raises(ValueError, match="gather_rows"):
            ix.gather_rows(data, np.array(perm), np.array([cursor]), out)
        assert (out == kept).all()
    with pytest.raises(ValueError, match="dtype"):
        ix.gather_rows(data, np.arange(10), np.array([0]), np.empty((3, 4), "float32"))
    with pytest.raises(ValueError, match="dtype"):
        ix.gather_rows(data, np.arange(10, dtype="int32"), np.array([0]), out)
    extreme = np.array([[np.nan, np.inf, -np.inf, 1e30]])
    got = ix.gather_rows(extreme, np.zeros(1, "int64"), np.array([0]), np.empty((1, 4), "int32"))
    assert got.tolist() == [[0, 2**31 - 1, -(2**31), 2**31 - 1]]


def test_store_rows():
    out = np.zeros((5, 2), "float32")
    ix.store_rows(np.ones((2, 2), "float32"), np.array([1]), out)
    ix.store_rows(np.full((3, 2), 7, "float32"), np.array([4]), out)
    np.testing.assert_array_equal(out[:, 0], [0, 1, 1, 0, 7])
    for cursor in (-1, 6, 2**62):
        with pytest.raises(ValueError, match="cursor"):
            ix.store_rows(np.ones((2, 2), "float32"), np.array([cursor]), out)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "float16", ml_dtypes.bfloat16, "int64"])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 5), (40, 300), (0, 3), (6, 0)])
def test_scatter_add(dtype, shape, threads, level):
    rng = np.random.default_rng(0)
    indices = rng.integers(-shape[0] - 1, shape[0] + 2, 400)
    updates = rng.integers(0, 3, (400, *shape[1:])).astype(dtype)
    out = np.zeros(shape, dtype)
    expected = np.zeros(shape, dtype)
    good = (indices >= -shape[0]) & (indices < shape[0])
    np.add.at(expected, indices[good], updates[good])
    np.testing.assert_array_equal(ix.scatter_add(out, indices, updates), expected)
    np.testing.assert_array_equal(ix.scatter_add(out, indices.astype("int32"), updates, zero_first=True), expected)


def test_scatter_add_is_in_index_order():
    rng = np.random.default_rng(0)
    indices, updates = rng.integers(0, 50, 3000), rng.normal(size=(3000, 40)).astype("float32")
    expected = np.zeros((50, 40), "float32")
    np.add.at(expected, indices, updates)
    for n in (1, 2, 3):
        _core.set_num_threads(n)
        assert ix.scatter_add(np.zeros((50, 40), "float32"), indices, updates).tobytes() == expected.tobytes()
    _core.set_num_threads(2)


def test_scatter_update_max_min(threads):
    rng = np.random.default_rng(0)
    indices, updates = rng.integers(-8, 9, 300), rng.normal(size=(300, 70)).astype("float32")
    start = rng.normal(size=(8, 70)).astype("float32")
    good = indices < 8
    expected = start.copy()
    for k, u in zip(indices[good], updates[good]):
        expected[k] = u
    np.testing.assert_array_equal(ix.scatter_update(start.copy(), indices, updates), expected)
    for ours, theirs in [(ix.scatter_max, np.maximum), (ix.scatter_min, np.minimum)]:
        expected = start.copy()
        theirs.at(expected, indices[good], updates[good])
        np.testing.assert_array_equal(ours(start.copy(), indices, updates), expected)
        nan = ours(np.array([np.nan, 1], "float32"), np.array([0, 1]), np.array([5, np.nan], "float32"))
        assert np.isnan(nan).all()


def test_take_grad():
    x = values((3, 5, 4))
    indices = np.array([[0, 4], [4, 9]])
    for axis in (0, 1, 2):
        g = values(ix.take(x, indices, axis).shape, seed=4)
        expected = np.zeros_like(x)
        for k in np.ndindex(g.shape):
            i = indices[k[axis], k[axis + 1]]
            if i < x.shape[axis]:
                expected[(*k[:axis], i, *k[axis + 2 :])] += g[k]
        np.testing.assert_array_equal(ix.take_grad(g, indices, x.shape, axis), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_hot(dtype, threads):
    for shape, depth, axis in [
        ((5,), 3, -1),
        ((2, 4), 5, 0),
        ((2, 4), 5, 1),
        ((), 4, 0),
        ((400,), 120, -1),
        ((3,), 0, -1),
        ((0,), 3, -1),
    ]:
        indices = np.random.default_rng(0).integers(-2, depth + 2, shape)
        expected = np.moveaxis(np.eye(depth + 4, dtype="int64")[indices + 2][..., 2 : depth + 2], -1, axis).astype(dtype)
        y = ix.one_hot(indices, depth, axis, dtype)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, expected)
    assert not ix.one_hot(np.array([2**63 + 1], "uint64"), 3).any()


def test_bincount():
    x = np.array([[0, 2, 2, 9], [1, -1, 1, 1]])
    np.testing.assert_array_equal(ix.bincount(x, 4), [[1, 0, 2, 0], [0, 3, 0, 0]])
    weights = np.array([[0.5, 1, 2, 3], [1, 1, 1, 1]], "float32")
    y = ix.bincount(x.astype("uint8"), 4, weights)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, [[0.5, 0, 3, 0], [0, 3, 0, 0]])
    np.testing.assert_array_equal(ix.bincount(np.zeros(0, "int32"), 3), [0, 0, 0])


def test_hostile_calls():
    x, y, i = np.zeros((2, 3), "float32"), np.zeros((2, 3), "float32"), np.zeros(2, "int32")
    for name, inputs, ints in [
        ("take", (x, i), (1, 3, 3, 2, 0)),
        ("take", (x, i), (1, 2, 3, 3, 0)),
        ("take", (x, i), (1, 2, 3, 2, 7)),
        ("take", (x, i), (-1, -2, 3, 2, 0)),
        ("take", (x, i), (1 << 62, 4, 1, 2, 0)),
        ("take", (x, i.astype("float32")), (1, 2, 3, 2, 0)),
        ("take_along_axis", (x, i), (1, 2, 3, 2, 0)),
        ("scatter_add", (i, x), (3, 3, 2, 0)),
        ("scatter_add", (i, x), (2, 3, 3, 0)),
        ("scatter_max", (i, x), (-2, 3, 2, 0)),
        ("one_hot", (i,), (2, 4, 1)),
        ("one_hot", (i,), (3, 1, 1)),
        ("bincount", (i,), (1, 3, 2)),
        ("store_rows", (x, i), (2, 3, 2)),
        ("gather_rows", (x, i, i), (2, 3, 2, 2)),
    ]:
        with pytest.raises(ValueError, match=name):
            launch(name, inputs, (y,), spec_of(name, ints))
    with pytest.raises(ValueError, match="updates must be"):
        ix.scatter_add(x, np.zeros(2, "int32"), np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="must be integers"):
        ix.take(x, np.zeros(2, "float32"))
