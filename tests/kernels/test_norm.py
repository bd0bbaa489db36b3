"""Normalization kernels against their definitions in float64."""

import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import norm
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}
# (samples, rows, channels, inner), channels of a group
VIEWS = [
    ((1, 100, 3, 1), 1),
    ((1, 1000, 16, 1), 1),
    ((1, 700, 64, 1), 1),
    ((1, 2, 1, 1), 1),
    ((1, 77, 700, 1), 1),
    ((4, 50, 24, 1), 3),
    ((3, 5, 6, 100), 2),
    ((2, 300, 7, 3), 1),
    ((1, 3, 5, 9000), 1),
    ((5, 1, 4, 1), 4),
    ((1, 33, 12, 5), 12),
]


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def make(view, dtype, seed=0):
    r = np.random.default_rng(seed)
    kind = norm.statistics_dtype(numpy_dtype(dtype))
    x = (r.standard_normal(view) * 2 + 3).astype(numpy_dtype(dtype))
    g = r.standard_normal(view).astype(numpy_dtype(dtype))
    return x, g, r.standard_normal(view[2]).astype(kind), r.standard_normal(view[2]).astype(kind)


def definition(x, g, gamma, beta, group, epsilon):
    """(y, mean, variance, dx, dgamma, dbeta) in float64."""
    samples, rows, channels, inner = x.shape
    x, g = (a.astype("float64").reshape(samples, rows, channels // group, group, inner) for a in (x, g))
    gamma, beta = (a.astype("float64").reshape(1, 1, -1, group, 1) for a in (gamma, beta))
    over = (1, 3, 4)
    mean, variance = x.mean(over, keepdims=True), x.var(over, keepdims=True)
    inverse = 1 / np.sqrt(variance + epsilon)
    unit = (x - mean) * inverse
    e = gamma * g
    dx = inverse * (e - e.mean(over, keepdims=True) - unit * (e * unit).mean(over, keepdims=True))
    sums = [a.sum((0, 1, 4)).ravel() for a in (g * unit, g)]
    return unit * gamma + beta, mean.ravel(), variance.ravel(), dx, *sums


def close(got, want, tolerance):
    np.testing.assert_allclose(np.asarray(got, "float64").ravel(), want.ravel(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("view, group", VIEWS)
def test_batch_norm(view, group, dtype, level):
    x, g, gamma, beta = make(view, dtype)
    want = definition(x, g, gamma, beta, group, 1e-3)
    tolerance = TOLERANCE[dtype]
    y, mean, variance, saved = norm.batch_norm(x, view, gamma, beta, 1e-3, group)
    assert y.dtype == x.dtype and y.shape == x.shape
    assert mean.shape == ((view[2] // group,) if view[0] == 1 else (view[0], view[2] // group))
    exact = TOLERANCE["float64" if dtype == "float64" else "float32"]  # statistics are never of 16 bits
    close(mean, want[1], exact)
    close(variance, want[2], exact)
    close(y, want[0], tolerance)
    for got, ideal in zip(norm.batch_norm_grad(x, g, view, mean, saved, gamma, beta, group), want[3:]):
        close(got, ideal, 10 * tolerance)
    if view[0] == 1 and group == 1:
        applied = norm.batch_norm_apply(x, view[1:], mean, variance, gamma, beta, 1e-3)
        close(applied, want[0], tolerance)


@pytest.mark.parametrize("view", [(2, 70, 5, 1), (3, 4, 6, 50)])
def test_without_gamma_and_beta(view, level):
    x, g, *_ = make(view, "float32")
    ones, zeros = np.ones(view[2], "float32"), np.zeros(view[2], "float32")
    plain, given = norm.batch_norm(x, view), norm.batch_norm(x, view, ones, zeros)
    for a, b in zip(plain, given):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(norm.batch_norm_grad(x, g, view, *plain[1::2]), norm.batch_norm_grad(x, g, view, *given[1::2], ones)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("view, group", VIEWS)
def test_relu_and_addend_have_the_bits_of_separate_steps(view, group, level):
    x, g, gamma, beta = make(view, "float32")
    y, mean, _, saved = norm.batch_norm(x, view, gamma, beta, 1e-3, group)
    clamped = norm.batch_norm(x, view, gamma, beta, 1e-3, group, relu=True)[0]
    np.testing.assert_array_equal(clamped, np.maximum(y, 0))
    both = norm.batch_norm(x, view, gamma, beta, 1e-3, group, addend=g, relu=True)[0]
    np.testing.assert_array_equal(both, np.maximum(y + g, 0))
    masked = np.where(clamped > 0, g, np.float32(0))
    fused = norm.batch_norm_grad(x, g, view, mean, saved, gamma, beta, group, relu=True)
    for a, b in zip(fused, norm.batch_norm_grad(x, masked, view, mean, saved, gamma, beta, group)):
        np.testing.assert_array_equal(a, b)


ROWS = [(5, 3), (37, 10), (100, 128), (33, 200), (3, 5000), (1, 1), (1030, 17)]


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rows, n", ROWS)
def test_layer_norm(rows, n, dtype, centered, level):
    x, g, gamma, beta = (a.reshape(-1, n) if a.size == rows * n else a for a in make((1, rows, n, 1), dtype))
    gamma, beta = gamma.ravel(), beta.ravel()
    wide, wide_g = x.astype("float64"), g.astype("float64")
    center = wide.mean(1, keepdims=True) if centered else 0.0
    inverse = 1 / np.sqrt(((wide - center) ** 2).mean(1, keepdims=True) + 1e-3)
    unit = (wide - center) * inverse
    tolerance = TOLERANCE[dtype]
    for scale, shift in ((gamma, beta), (gamma, None), (None, beta), (None, None)):
        y, saved = norm.layer_norm(x, n, scale, shift, 1e-3, centered)
        assert y.dtype == x.dtype
        close(y, unit * (1 if scale is None else scale) + (0 if shift is None else shift), tolerance)
        e = wide_g * (1 if scale is None else scale)
        dx = inverse * (e - (e.mean(1, keepdims=True) if centered else 0) - unit * (e * unit).mean(1, keepdims=True))
        found = norm.layer_norm_grad(x, g, n, saved, scale, True, centered)
        for got, want in zip(found, (dx, (wide_g * unit).sum(0), wide_g.sum(0))):
            close(got, want, 10 * tolerance)
        (alone,) = norm.layer_norm_grad(x, g, n, saved, scale, False, centered)
        np.testing.assert_array_equal(alone, found[0])


def test_layer_norm_of_large_means(level):
    x = (1e4 + 1e-2 * np.random.default_rng(0).standard_normal((40, 700))).astype("float32")
    wide = x.astype("float64")
    want = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-6)
    close(norm.layer_norm(x, 700, epsilon=1e-6)[0], want, 1e-5)


def test_layer_norm_threads_do_not_change_bits(level):
    before, results = _core.num_threads(), []
    x = np.random.default_rng(0).standard_normal((3001, 70)).astype("float32")
    for n in (1, 2, 4):
        _core.set_num_threads(n)
        y, saved = norm.layer_norm(x, 70)
        results.append((y, saved, *norm.layer_norm_grad(x, y, 70, saved)))
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(70000, 48), (2097153, 1)])
def test_large_results_are_the_same(shape, level):
    """Above some size results go past the cache: every element must still arrive."""
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    view, ones, zeros = (1, *shape, 1), np.ones(shape[1], "float32"), np.zeros(shape[1], "float32")
    np.testing.assert_array_equal(norm.batch_norm_apply(x, view[1:], zeros, ones, ones, zeros, 0.0), x)
    y, saved = norm.layer_norm(x, shape[1])
    part, _ = norm.layer_norm(x[:100], shape[1])
    np.testing.assert_array_equal(y[:100], part)
    dx = norm.layer_norm_grad(x, x, shape[1], saved, None, False)[0]
    few = norm.layer_norm_grad(x[:100], x[:100], shape[1], np.ascontiguousarray(saved[:, :100]), None, False)[0]
    np.testing.assert_array_equal(dx[:100], few)


def test_large_mean_and_small_variance(level):
    r = np.random.default_rng(0)
    for view in ((1, 4096, 16, 1), (1, 8, 16, 512)):
        x = (1e4 + 1e-2 * r.standard_normal(view)).astype("float32")
        g = r.standard_normal(view).astype("float32")
        ones = np.ones(16, "float32")
        want = definition(x, g, ones, 0 * ones, 1, 1e-6)
        y, mean, variance, saved = norm.batch_norm(x, view, epsilon=1e-6)
        np.testing.assert_allclose(variance, want[2], rtol=1e-5)
        close(y, want[0], 1e-5)
        for got, ideal in zip(norm.batch_norm_grad(x, g, view, mean, saved), want[3:]):
            np.testing.assert_allclose(got.ravel(), ideal.ravel(), rtol=1e-3, atol=1e-3)


def test_first_rows_unlike_the_rest(level):
    """The shift of the sums comes from the first rows of a chunk: the worst that data can do to it."""
    x = np.zeros((1, 4096, 3, 1), "float32")
    x[:, 16:] = 1e3 + np.random.default_rng(0).standard_normal((1, 4080, 3, 1))
    mean, variance = norm.moments(x, x.shape)
    np.testing.assert_allclose(mean[0], x.astype("float64").mean((0, 1, 3)), rtol=1e-6)
    np.testing.assert_allclose(variance[0], x.astype("float64").var((0, 1, 3)), rtol=5e-5)


@pytest.mark.parametrize(
    "shape, axes", [((6, 5), (0,)), ((6, 5), (1,)), ((6, 5), (0, 1)), ((4, 1, 3), (0, 2)), ((2, 3, 4, 5), (1, 3))]
)
def test_moments(shape, axes, level):
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    mean, variance = norm.moments(x, norm.moments_view(shape, axes))
    np.testing.assert_allclose(mean.ravel(), x.mean(axes).ravel(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance.ravel(), x.var(axes).ravel(), rtol=1e-5, atol=1e-6)


def test_threads_do_not_change_bits(level):
    before, results = _core.num_threads(), []
    for n in (1, 2, 4):
        _core.set_num_threads(n)
        found = []
        for view, group in (((1, 30000, 16, 1), 1), ((1, 900, 600, 1), 1), ((8, 3, 30, 900), 3)):
            x, g, gamma, beta = make(view, "float32")
            out = norm.batch_norm(x, view, gamma, beta, 1e-3, group)
            found += [*out, *norm.batch_norm_grad(x, g, view, out[1], out[3], gamma, beta, group)]
        results.append(found)
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_nothing_to_average():
    mean, variance = norm.moments(np.zeros((0, 3), "float32"), (1, 0, 3, 1))
    assert np.isnan(mean).all() and np.isnan(variance).all()
    for view in ((1, 4, 0, 1), (0, 4, 2, 1), (1, 0, 2, 1), (2, 3, 4, 0)):
        x = np.zeros(view, "float32")
        out = norm.batch_norm(x, view)
        assert out[0].shape == view
        dx, dgamma, _ = norm.batch_norm_grad(x, x, view, out[1], out[3])
        assert dx.shape == view and dgamma.shape == (view[2],)


def test_nan_stays_in_its_channel(level):
    x, g, *_ = make((1, 300, 20, 1), "float32")
    x[0, 7, 3] = np.nan
    y, mean, variance, saved = norm.batch_norm(x, x.shape)
    bad = np.arange(20) == 3
    for a in (mean, variance, y[0, :, :, 0].sum(0), *norm.batch_norm_grad(x, g, x.shape, mean, saved)[:2]):
        np.testing.assert_array_equal(np.isnan(a.reshape(-1, 20).sum(0)), bad)


def test_errors():
    x, v = np.zeros((6, 4), "float32"), np.zeros(4, "float32")
    with pytest.raises(ValueError, match="cannot be seen as"):
        norm.batch_norm(x, (1, 6, 5, 1))
    with pytest.raises(ValueError, match="groups of 3"):
        norm.batch_norm(x, (1, 6, 4, 1), group=3)
    with pytest.raises(ValueError, match="a vector of 4 float32"):
        norm.batch_norm(x, (1, 6, 4, 1), gamma=v[:3])
    with pytest.raises(ValueError, match="equal sizes"):
        norm.batch_norm(x, (1, 6, 4, 1), addend=x[:3])
    with pytest.raises(ValueError, match="float array"):
        norm.moments(np.zeros(3, "int32"), (1, 1, 3, 1))


HOSTILE = [
    (),
    (1, 7, 4, 1, 1, 0, 0, 0, 0),
    (-1, -6, 4, 1, 1, 0, 0, 0, 0),
    (2**40, 2**40, 4, 1, 1, 0, 0, 0, 0),
    (2**62, 0, 2**62, 1, 1, 0, 0, 0, 0),
    (0, 2**61, 4, 1, 1, 0, 0, 0, 0),
    (1, 6, 4, 1, 0, 0, 0, 0, 0),
    (1, 6, 4, 1, -2, 0, 0, 0, 0),
    (1, 6, 4, 1, 3, 0, 0, 0, 0),
    (1, 6, 4, 1, 1, 1, 0, 0, 0),
    (1, 6, 4, 1, 1, 0, 0, 1, 0),
]


@pytest.mark.parametrize("ints", HOSTILE)
def test_hostile_parameters_throw(ints):
    x, v, s = np.zeros((6, 4), "float32"), np.zeros(4, "float32"), np.zeros(8, "float32")
    with pytest.raises(ValueError):
        launch("batch_norm", (x,), (x.copy(), v.copy(), v.copy(), s.copy()), spec_of("batch_norm", ints, (1e-3,)))
    if not ints or not ints[7]:  # which is batch_norm's alone
        with pytest.raises(ValueError):
            launch(
                "batch_norm_grad", (x, x, v, s), (x.copy(), v.copy(), v.copy()), spec_of("batch_norm_grad", ints[:7] + ints[8:])
            )
    with pytest.raises(ValueError):
        launch("batch_norm_apply", (x, v, v), (x.copy(),), spec_of("batch_norm_apply", (-6, 4, 1, 0, 0, 0, 0), (1e-3,)))
    with pytest.raises(ValueError):
        launch(
            "layer_norm",
            (x,),
            (x.copy(), s.copy()),
            spec_of("layer_norm", (*ints[:2], 0, 0, 1) if ints and ints[0] != 1 else (9, 4, 0, 0, 1), (1e-3,)),
        )
    with pytest.raises(ValueError):
        launch(
            "layer_norm_grad", (x, x, s), (x.copy(), v.copy(), v.copy()), spec_of("layer_norm_grad", (6, 4, 0, 1, 1))
        )  # saved has 18 numbers
    with pytest.raises(ValueError):
        launch("moments", (x,), (v.copy(), v.copy()), spec_of("moments", (1, 6, 2**60, 1)))
