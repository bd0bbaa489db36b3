"""Softmax, log-softmax and their gradients against float64."""

import numpy as np
import pytest
from scipy import special

from kerasgpu import _core
from kerasgpu.kernels import softmax as S
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
CASES = [
    ((4, 33), -1),
    ((2, 3, 5), 1),
    ((0, 7), 1),
    ((1, 1), 0),
    ((8, 4097), 1),
    ((300, 70), 0),
    ((5, 9, 2, 3), 1),
    ((200, 10), -1),
    ((64,), 0),
    ((133, 1), -1),
    ((70, 37), -1),
    ((9, 64), -1),
    ((7, 300), -1),
    ((5, 1100), -1),
    ((3, 9001), -1),
    ((1, 70001), -1),
]
TOLERANCE = {"float32": 1e-6, "float64": 1e-13, "float16": 1e-3, "bfloat16": 8e-3}


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape,axis", CASES)
def test_forward_and_gradient(shape, axis, dtype, level):
    r = np.random.default_rng(0)
    x = (r.standard_normal(shape) * 5).astype(numpy_dtype(dtype))
    g = r.standard_normal(shape).astype(numpy_dtype(dtype))
    wide, wide_g = x.astype(np.float64), g.astype(np.float64)
    tol = TOLERANCE[dtype]
    y = S.softmax(x, axis)
    assert y.dtype == x.dtype and y.shape == x.shape
    if x.size == 0:
        return
    p = special.softmax(wide, axis)
    np.testing.assert_allclose(y.astype(np.float64), p, rtol=4 * tol, atol=tol / 10)
    np.testing.assert_allclose(
        S.log_softmax(x, axis).astype(np.float64), special.log_softmax(wide, axis), rtol=2 * tol, atol=tol
    )
    y64 = y.astype(np.float64)
    expected = y64 * (wide_g - np.sum(wide_g * y64, axis, keepdims=True))
    np.testing.assert_allclose(S.softmax_grad(y, g, axis).astype(np.float64), expected, rtol=10 * tol, atol=tol)
    ly = S.log_softmax(x, axis)
    expected = wide_g - np.exp(ly.astype(np.float64)) * np.sum(wide_g, axis, keepdims=True)
    np.testing.assert_allclose(S.log_softmax_grad(ly, g, axis).astype(np.float64), expected, rtol=10 * tol, atol=40 * tol)


@pytest.mark.parametrize("n", [3, 16, 37, 64, 100, 700, 3000, 20000])
def test_rows_do_not_know_where_they_are(n, level):
    """The bits of a row are those that it has alone, also past the cache and with outputs at odd addresses."""
    rows = max(9, min(150, 2**22 // n))
    count = max(rows, 2**21 // n + 7) if n in (37, 700) else rows  # 8 MB: written past the cache
    r = np.random.default_rng(0)
    x = np.tile((r.standard_normal((rows, n)) * 3).astype(np.float32), (-(-count // rows), 1))[:count]
    g = x[::-1].copy()
    memory = np.empty(x.size + 1, np.float32)
    for name, inputs in [
        ("softmax", (x,)),
        ("log_softmax", (x,)),
        ("softmax_grad", (x, g)),
        ("log_softmax_grad", (x, g)),
    ]:
        y = memory[1:].reshape(x.shape)
        launch(name, inputs, (y,), spec_of(name, (*x.shape, 1)))
        for k in {0, 1, 8, rows - 1, count - 1}:
            alone = np.empty((1, n), np.float32)
            launch(name, tuple(a[k : k + 1] for a in inputs), (alone,), spec_of(name, (1, n, 1)))
            np.testing.assert_array_equal(y[k : k + 1], alone, err_msg=name)


@pytest.mark.parametrize("n", [2, 17, 64, 200, 5000, 30000])
def test_bad_rows_stay_alone(n, level):
    x = np.random.default_rng(0).standard_normal((40, n)).astype(np.float32)
    clean = S.softmax(x), S.log_softmax(x)
    bad = x.copy()
    bad[3] = -np.inf
    bad[8, n - 1] = np.nan
    bad[9, 0] = np.inf
    bad[20, : n - 1] = -np.inf
    others = np.setdiff1d(np.arange(40), [3, 8, 9, 20])
    for y, expected in zip((S.softmax(bad), S.log_softmax(bad)), clean):
        assert np.isnan(y[[3, 8, 9]]).all()
        np.testing.assert_array_equal(y[others], expected[others])
    np.testing.assert_array_equal(S.softmax(bad)[20], np.eye(n, dtype=np.float32)[n - 1])
    np.testing.assert_array_equal(S.log_softmax(bad)[20, n - 1], 0)


@pytest.mark.parametrize("axis", [0, 1])
def test_infinities(axis, level):
    inf, nan = np.inf, np.nan
    x = np.float32([[-1e4, 0, -inf], [-inf, -inf, -inf], [0, inf, 1], [nan, 0, 1], [3e38, -3e38, 0]])
    expected = np.float32([[0, 1, 0], [nan] * 3, [nan] * 3, [nan] * 3, [1, 0, 0]])
    if axis == 0:
        x, expected = np.ascontiguousarray(x.T), expected.T
    y = S.softmax(x, axis)
    np.testing.assert_array_equal(y, np.where(np.isnan(expected), np.where(np.isnan(y), nan, 0 if axis else y), expected))
    np.testing.assert_array_equal(np.isnan(y).any(axis), np.isnan(expected).any(axis))


@pytest.mark.parametrize("shape,axis", [((700, 33), 1), ((3, 500, 70), 1), ((3000, 10), 1), ((300, 400), 1), ((9, 17000), 1)])
def test_threads_do_not_change_bits(shape, axis, level):
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    before, results = _core.num_threads(), []
    for n in (1, 2, 5):
        _core.set_num_threads(n)
        results.append((S.softmax(x, axis), S.log_softmax(x, axis), S.softmax_grad(x, x, axis)))
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rows,n", [(9, 40), (100, 10), (9, 400), (2, 17000)])
def test_in_place(rows, n, level):
    x, g = np.random.default_rng(1).standard_normal((2, rows, n)).astype(np.float32)
    for name, inputs in [("softmax", 1), ("log_softmax", 1), ("softmax_grad", 2), ("log_softmax_grad", 2)]:
        for over in range(inputs):
            arrays = (x.copy(), g.copy())[:inputs]
            expected = np.empty_like(x)
            launch(name, arrays, (expected,), spec_of(name, (rows, n, 1)))
            launch(name, arrays, (arrays[over],), spec_of(name, (rows, n, 1)))
            np.testing.assert_array_equal(arrays[over], expected)


def test_errors():
    x = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match="out of range"):
        S.softmax(x, 2)
    with pytest.raises(ValueError, match="equal shapes"):
        S.softmax_grad(x, x[:2])
    with pytest.raises(ValueError, match="float"):
        S.softmax(np.zeros((3, 4), np.int32))
    for ints in [(3, 5, 1), (-3, 4, 1), (2**40, 2**40, 1), ()]:
        with pytest.raises(ValueError):
            launch("softmax", (x,), (np.zeros((3, 4), np.float32),), spec_of("softmax", ints))
