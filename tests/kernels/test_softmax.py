"""Softmax, log-softmax and their gradients against float64."""

import numpy as np
import pytest
from scipy import special

from kerasgpu import _core
from kerasgpu.kernels import softmax as S
from kerasgpu.kernels.launch import launch, numpy_dtype

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


@pytest.mark.parametrize("shape,axis", [((700, 33), 1), ((3, 500, 70), 1)])
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


def test_in_place():
    x = np.random.default_rng(1).standard_normal((9, 40)).astype(np.float32)
    expected = S.softmax(x)
    launch("softmax", (x,), (x,), (9, 40, 1))
    np.testing.assert_array_equal(x, expected)


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
            launch("softmax", (x,), (np.zeros((3, 4), np.float32),), ints)
