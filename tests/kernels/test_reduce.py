"""Reductions and scans against NumPy: every layout, dtype, instruction set and thread count."""

import itertools

import numpy as np
import pytest
from scipy import special

from kerasgpu import _core
from kerasgpu.kernels import elementwise as E
from kerasgpu.kernels import reduce as R
from kerasgpu.kernels.launch import launch
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
SHAPES = [(), (1,), (7,), (1000,), (70001,), (3, 5), (129, 10), (1000, 3), (300, 64)]
SHAPES += [(5, 1, 4), (3, 300, 7), (2, 3, 4, 5), (130, 600), (2, 70000)]
DTYPES = ["float32", "float64", "float16", "int32", "int64", "uint8", "uint64", "bool"]


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def sample(shape, dtype, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape)
    if dtype == "bool":
        return np.asarray(x > 0)
    return np.asarray(np.abs(x) * 50 if dtype[0] == "u" else x * (50 if dtype[0] == "i" else 1)).astype(dtype)


def axes_of(shape):
    n = len(shape)
    return [None] + [a for k in range(1, n + 1) for a in itertools.combinations(range(n), k)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_simple_reductions(shape, dtype, level):
    x = sample(shape, dtype)
    wide = x.astype(np.float64) if dtype.startswith("float") else x
    for axis in axes_of(shape):
        for name in ("max", "min", "any", "all"):
            y = getattr(R, name)(x, axis, keepdims=True)
            expected = getattr(np, name)(x, axis=axis, keepdims=True)
            assert y.shape == expected.shape and y.dtype == expected.dtype
            np.testing.assert_array_equal(y, expected, err_msg=f"{name} {axis}")
        y, expected = R.sum(x, axis), np.sum(wide, axis=axis)
        if dtype.startswith("float"):
            size = np.sum(np.abs(wide), axis=axis)
            step = np.finfo(dtype).eps
            assert np.all(np.abs(y - expected) <= step * np.abs(expected) + 3e-7 * (size + 1e-3)), axis
            squares = R.sum_of_squares(x, axis, dtype="float32" if dtype != "float64" else None)
            np.testing.assert_allclose(squares, np.sum(wide * wide, axis=axis), rtol=3e-6)
            np.testing.assert_allclose(R.mean(x, axis), np.mean(wide, axis=axis), rtol=2 * step, atol=2 * step)
        else:
            np.testing.assert_array_equal(y, expected.astype(y.dtype))
            np.testing.assert_array_equal(R.sum(x, axis, dtype="int64"), np.sum(x, axis=axis, dtype=np.int64))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "uint64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_argmax_argmin(shape, dtype, level):
    x = sample(shape, dtype)
    x = np.asarray(np.round(x / 4) * 4 if dtype.startswith("float") else x // 4)  # ties
    for axis in [None, *range(len(shape))]:
        np.testing.assert_array_equal(R.argmax(x, axis), np.argmax(x, axis))
        np.testing.assert_array_equal(R.argmin(x, axis, dtype="int64"), np.argmin(x, axis))
    assert R.argmax(x, keepdims=True).shape == (1,) * len(shape)


def test_nan_wins(level):
    for shape, axis in (((5, 3000), 1), ((3000, 5), 0), ((4, 9), 1)):
        x = sample(shape, "float32")
        place = (2, 7) if shape[1] > 5 else (7, 2)
        x[place] = np.nan
        for name in ("max", "min", "argmax", "argmin", "sum"):
            np.testing.assert_allclose(getattr(R, name)(x, axis), getattr(np, name)(x, axis), rtol=1e-4, atol=1e-4)


def test_products_and_wraparound(level):
    x = np.random.default_rng(0).uniform(0.9, 1.1, (40, 33)).astype(np.float32)
    np.testing.assert_allclose(R.prod(x, 0), np.prod(x.astype(np.float64), 0), rtol=1e-5)
    np.testing.assert_allclose(R.prod(x, 1), np.prod(x.astype(np.float64), 1), rtol=1e-5)
    i = np.full((3, 5), 2**62, np.int64)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(R.sum(i, 1), np.sum(i, 1))
        np.testing.assert_array_equal(R.prod(i, 0), np.prod(i, 0))
        np.testing.assert_array_equal(R.sum(i), np.sum(i))


def test_empty():
    x = np.zeros((3, 0, 2), np.float32)
    np.testing.assert_array_equal(R.sum(x, 1), np.zeros((3, 2)))
    np.testing.assert_array_equal(R.prod(x, 1), np.ones((3, 2)))
    assert np.isnan(R.mean(x, 1)).all() and not R.any(x, 1).any() and R.all(x, 1).all()
    assert R.max(x, 0).shape == (0, 2)
    for f in (R.max, R.min, R.argmax, R.argmin):
        with pytest.raises(ValueError, match="axis 1"):
            f(x, 1)


def test_logsumexp_and_var(level):
    for shape, axis in (((7, 300), 1), ((300, 70), 0), ((3, 4, 5), (0, 2)), ((2, 65, 3), 1), ((9,), None)):
        x = sample(shape, "float32") * 20
        np.testing.assert_allclose(R.logsumexp(x, axis), special.logsumexp(x.astype(np.float64), axis=axis), rtol=1e-6)
        np.testing.assert_allclose(R.var(x, axis), np.var(x.astype(np.float64), axis=axis), rtol=1e-5)
    ends = np.float32([[-np.inf, -np.inf], [np.inf, 0], [np.nan, 0]])
    np.testing.assert_array_equal(R.logsumexp(ends, 1), np.float32([-np.inf, np.inf, np.nan]))
    np.testing.assert_array_equal(R.logsumexp(np.ascontiguousarray(ends.T), 0), np.float32([-np.inf, np.inf, np.nan]))


def test_sums_are_accurate():
    """The error grows like that of pairwise summation, not with the number of elements."""
    x = np.full((1 << 22,), 0.1, np.float32)
    exact = np.float64(x[0]) * x.size
    for y in (
        R.sum(x),
        R.sum(x.reshape(-1, 8), 0).astype(np.float64).sum(),
        R.sum(x.reshape(-1, 1024), 0).astype(np.float64).sum(),
    ):
        assert abs(y - exact) / exact < 1e-6


@pytest.mark.parametrize(
    "shape,axis", [((1 << 20,), 0), ((3, 200001), 1), ((5000, 77), 0), ((100000, 3), 0), ((200, 900), 0), ((40, 100, 65), 1)]
)
def test_threads_do_not_change_bits(shape, axis, level):
    x = sample(shape, "float32")
    before, results = _core.num_threads(), []
    for n in (1, 2, 5):
        _core.set_num_threads(n)
        results.append([f(x, axis) for f in (R.sum, R.argmax, R.logsumexp, R.sum_of_squares, R.cumsum)])
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "float16"])
@pytest.mark.parametrize("shape,axis", [((9,), 0), ((3, 1000), 1), ((1000, 3), 0), ((4, 5, 300), 1), ((0, 3), 0)])
def test_scans(shape, axis, dtype, level):
    x = sample(shape, dtype)
    exact = dtype not in ("float32", "float16")
    check = (
        np.testing.assert_array_equal
        if exact
        else lambda a, b: np.testing.assert_allclose(
            a, b, rtol=2e-2 if dtype == "float16" else 1e-5, atol=0.2 if dtype == "float16" else 1e-4
        )
    )
    total = np.cumsum(x.astype("float32") if dtype == "float16" else x, axis, dtype="float32" if dtype == "float16" else dtype)
    check(R.cumsum(x, axis), total)
    check(R.cumsum(x, axis, reverse=True), np.flip(np.cumsum(np.flip(x, axis), axis, dtype=total.dtype), axis))
    if dtype in ("int32", "int64"):
        check(R.cumsum(x, axis, exclusive=True), total - x)
        check(R.cumprod(x % 3, axis), np.cumprod(x % 3, axis, dtype=dtype))
    np.testing.assert_array_equal(R.cummax(x, axis), np.maximum.accumulate(x, axis))
    np.testing.assert_array_equal(R.cummin(x, axis, reverse=True), np.flip(np.minimum.accumulate(np.flip(x, axis), axis), axis))


def test_python_side():
    x = sample((3, 4), "float32")
    np.testing.assert_allclose(R.sum(x.T, 0), x.T.sum(0), rtol=1e-6)
    assert R.sum(x > 0).dtype == np.int32
    assert R.cumsum(x).shape == (12,)
    assert R.sum(x, -1, keepdims=True).shape == (3, 1)
    np.testing.assert_array_equal(R.sum(x, ()), x)
    for bad, message in [
        (lambda: R.sum(x, 2), "out of range"),
        (lambda: R.sum(x, (0, -2)), "twice"),
        (lambda: R.mean(E.cast(x, "int32")), "cast it first"),
        (lambda: R.argmax(x, (0, 1)), "one number"),
        (lambda: launch("scan", (x,), (x.copy(),), spec_of("scan", (2, 1, 12, 1, 0, 1))), "exclusive"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()


@pytest.mark.parametrize(
    "name,ints",
    [
        ("reduce", (0, 3, 5, 1)),
        ("reduce", (99, 3, 4, 1)),
        ("reduce", (-1, 3, 4, 1)),
        ("reduce", (0, -3, 4, 1)),
        ("reduce", (0, 2**40, 2**40, 1)),
        ("reduce", (0, 4, 3, 1)),
        ("reduce", (8, 3, 4, 1)),
        ("reduce", ()),
        ("scan", (0, 3, 5, 1, 0, 0)),
        ("scan", (7, 3, 4, 1, 0, 0)),
        ("scan", (0, 3, 4)),
    ],
)
def test_hostile_arguments(name, ints):
    out = np.zeros(3 if name == "reduce" else 12, np.float32)
    with pytest.raises(ValueError):
        launch(name, (np.zeros(12, np.float32),), (out,), spec_of(name, ints))
