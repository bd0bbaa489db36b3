"""Sorting kernels against NumPy: every dtype, ties, NaN, infinities, long and short rows."""

import ml_dtypes
import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import sorting as so
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

numpy_dtype("bfloat16")
INTS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]
FLOATS = ["float16", ml_dtypes.bfloat16, "float32", "float64"]


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = _core.num_threads()
    _core.set_num_threads(request.param)
    yield request.param
    _core.set_num_threads(before)


def values(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iub":
        info = (0, 2) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return rng.integers(*info, shape, dtype="uint64" if dtype == "uint64" else "int64").astype(dtype)
    x = np.round(rng.normal(0, 10, shape), 1).astype(dtype)
    flat = x.reshape(-1)
    for k, v in enumerate([np.nan, np.inf, -np.inf, 0.0, -0.0]):
        if flat.size > 8:
            flat[3 + k] = v
    return x


@pytest.mark.parametrize("dtype", INTS + FLOATS)
def test_sort_and_argsort(dtype, threads):
    for shape in [(0,), (1,), (9,), (300,), (5000,), (4, 33), (3, 700, 2), (2, 0)]:
        x = values(shape, dtype)
        wide = x.astype("float64") if dtype in FLOATS else x
        for axis in range(-1, len(shape)):
            y, order = so.sort(x, axis), so.argsort(x, axis)
            np.testing.assert_array_equal(order, np.argsort(wide, axis, kind="stable"))
            assert y.tobytes() == np.take_along_axis(x, order.astype("int64"), axis).tobytes()
            assert y.dtype == x.dtype and order.dtype == np.int32
    x = values((200,), dtype)
    order = so.argsort(x, descending=True, dtype="int64")
    assert order.dtype == np.int64
    ranks = {v: r for r, v in enumerate(so.sort(x).tolist())}
    assert [ranks.get(v, 1000) for v in x[order].tolist()] == sorted([ranks.get(v, 1000) for v in x.tolist()], reverse=True)


@pytest.mark.parametrize("dtype", INTS + FLOATS)
def test_top_k(dtype):
    for shape, k in [((10,), 3), ((4, 50), 50), ((3, 1000), 5), ((3, 1000), 400), ((2, 7), 0), ((2, 1), 1)]:
        x = values(shape, dtype, 1)
        y, order = so.top_k(x, k)
        wide = x.astype("float64") if dtype in FLOATS else x
        # Largest first and the lowest index first: reverse, sort stably, reverse.
        expected = shape[-1] - 1 - np.argsort(wide[..., ::-1], -1, kind="stable")[..., ::-1]
        np.testing.assert_array_equal(order, expected[..., :k])
        assert y.tobytes() == np.take_along_axis(x, expected, -1)[..., :k].tobytes()


def test_in_top_k():
    predictions = np.array(
        [[0.1, 0.5, 0.4], [0.3, 0.3, 0.3], [np.nan, 0.1, 0.2], [np.inf, 0.0, 1.0], [1, 2, 3], [1, 2, 3]], "float32"
    )
    targets = np.array([2, 2, 2, 0, 3, -1])
    for dtype in ("float32", "float64", "float16"):
        p = predictions.astype(dtype)
        assert so.in_top_k(targets, p, 1).tolist() == [False, True, False, True, False, False]
        assert so.in_top_k(targets.astype("int32"), p, 2).tolist() == [True, True, True, True, False, False]
        assert so.in_top_k(np.zeros(1, "int64"), np.array([[np.nan, 1]], dtype), 2).tolist() == [False]
    assert so.in_top_k(np.zeros(0, "int64"), np.zeros((0, 3), "float32"), 1).shape == (0,)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32", "float64", "float16"])
def test_searchsorted(dtype):
    a = np.sort(values((100,), dtype))
    v = values((37,), dtype, 5)
    for side in ("left", "right"):
        for out in ("int32", "int64"):
            y = so.searchsorted(a, v, side, out)
            assert y.dtype == out
            np.testing.assert_array_equal(y, np.searchsorted(a, v, side))
    np.testing.assert_array_equal(so.searchsorted(a[:0], v), np.zeros(37))


def test_errors():
    x = np.zeros((2, 3), "float32")
    with pytest.raises(ValueError, match="top_k"):
        so.top_k(x, 4)
    with pytest.raises(ValueError, match="out of range"):
        so.sort(x, 2)
    with pytest.raises(ValueError, match="side"):
        so.searchsorted(x[0], x, "middle")
    with pytest.raises(ValueError, match="in_top_k"):
        so.in_top_k(np.zeros(3, "int32"), x, 1)
    for name, outs in [
        ("sort", (x.copy(),)),
        ("argsort", (np.zeros((2, 3), "int32"),)),
        ("top_k", (x.copy(), np.zeros((2, 3), "int32"))),
    ]:
        for ints in [(2, 4, 1), (-2, 3, 1), (1 << 40, 1 << 40, 0), (2,), (1, 1 << 33, 0)]:
            with pytest.raises(ValueError, match=name):
                launch(name, (x,), outs, spec_of(name, ints))
