"""What the tables of cases do not show: sizes that depend on values, special values, ties, aliases of one buffer."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops
from kerasgpu.engine.tape import grad

NAN, INF = float("nan"), float("inf")


def test_nonzero_and_masks():
    x = np.array([[0.0, 1.0], [2.0, 0.0]], "float32")
    assert [k.numpy().tolist() for k in ops.nonzero(x)] == [[0, 1], [1, 0]]
    t = ops.convert_to_tensor(x)
    assert t[t > 0].numpy().tolist() == [1.0, 2.0]
    assert t[np.array([True, False])].numpy().tolist() == [[0.0, 1.0]]
    assert [k.numpy().tolist() for k in ops.where(x)] == [[0, 1], [1, 0]]


def test_gradient_through_a_mask():
    g = grad(lambda x: ops.sum(x[x > 1.5] * 2))(np.array([1.0, 2.0, 3.0], "float32"))
    assert g.numpy().tolist() == [0.0, 2.0, 2.0]


def test_unique():
    values, index, inverse, counts = ops.unique([3, 1, 3, 2], return_index=True, return_inverse=True, return_counts=True)
    assert values.numpy().tolist() == [1, 2, 3]
    assert index.numpy().tolist() == [1, 3, 0]
    assert inverse.numpy().tolist() == [2, 0, 2, 1]
    assert counts.numpy().tolist() == [1, 1, 2]
    assert ops.unique([3, 1, 3], size=4, fill_value=9).numpy().tolist() == [1, 3, 9, 9]
    assert ops.unique([[1, 2], [1, 2], [0, 5]], axis=0).numpy().tolist() == [[0, 5], [1, 2]]


def test_bincount():
    assert ops.bincount([[1, 1, 3], [0, 0, 2]]).numpy().tolist() == [[0, 2, 0, 1], [2, 0, 1, 0]]
    assert ops.bincount([1, 2, 2], weights=[0.5, 1.0, 2.0]).numpy().tolist() == [0.0, 0.5, 3.0]
    assert ops.bincount(np.zeros(0, "int32"), minlength=2).numpy().tolist() == [0, 0]


@pytest.mark.parametrize("bins, limits", [(4, None), (3, (0.0, 2.0)), (1, None)])
def test_histogram(bins, limits):
    x = np.random.default_rng(0).normal(size=50).astype("float32")
    counts, edges = ops.histogram(x, bins=bins, range=limits)
    want_counts, want_edges = np.histogram(x, bins=bins, range=limits)
    np.testing.assert_array_equal(counts, want_counts)
    np.testing.assert_allclose(edges, want_edges, rtol=1e-5, atol=1e-6)


def test_isin_with_many_values():
    x, y = np.arange(50), np.arange(0, 100, 3)
    np.testing.assert_array_equal(ops.isin(x, y), np.isin(x, y))
    np.testing.assert_array_equal(ops.isin(x, y, invert=True), np.isin(x, y, invert=True))


def test_extremes_with_nan_and_ties():
    assert np.isnan(float(ops.max([1.0, NAN])))
    assert np.isnan(float(ops.maximum(1.0, NAN)))
    assert float(ops.fmax(1.0, NAN)) == 1.0
    assert int(ops.argmax([1.0, 3.0, 3.0])) == 1
    assert grad(ops.max)(np.array([3.0, 1.0, 3.0], "float32")).numpy().tolist() == [0.5, 0.0, 0.5]
    assert grad(lambda x: ops.maximum(x, 0.0))(0.0).numpy() == 0.5


def test_slopes_where_formulas_divide_by_zero():
    assert grad(lambda x: ops.power(x, 2.0))(0.0).numpy() == 0.0
    assert grad(lambda x: ops.power(x, 0))(0.0).numpy() == 0.0
    assert grad(lambda x: ops.power(0.0, x))(2.0).numpy() == 0.0
    assert grad(lambda x: ops.sum(ops.divide_no_nan(1.0, x)))(np.zeros(2, "float32")).numpy().tolist() == [0.0, 0.0]
    assert grad(ops.prod)(np.array([0.0, 2.0, 3.0], "float32")).numpy().tolist() == [6.0, 0.0, 0.0]
    assert grad(lambda x: ops.hypot(x, 0.0))(0.0).numpy() == 0.0
    assert grad(ops.absolute)(0.0).numpy() == 0.0
    assert float(grad(ops.sinc)(0.0)) == 0.0


def test_logaddexp_at_infinity():
    assert float(ops.logaddexp(-INF, -INF)) == -INF
    assert float(ops.logaddexp(-INF, 1.0)) == 1.0
    assert float(ops.logaddexp2(-INF, -INF)) == -INF


def test_median_of_nan():
    assert np.isnan(float(ops.median([1.0, NAN, 2.0])))
    assert float(ops.nanmedian([1.0, NAN, 2.0])) == 1.5
    assert np.isnan(float(ops.nanmedian([NAN, NAN])))
    assert np.isnan(float(ops.nanmax([NAN])))
    assert float(ops.median([1.0, 2.0, INF])) == 2.0
    assert float(ops.median([1.0, INF])) == INF
    assert int(ops.nanargmax([NAN, 1.0])) == 1


def test_windows_and_bessel():
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        for n in (0, 1, 7):
            np.testing.assert_allclose(getattr(ops, name)(n), getattr(np, name)(n), atol=1e-6)
    np.testing.assert_allclose(ops.kaiser(9, 4.0), np.kaiser(9, 4.0), rtol=1e-6)
    x = np.array([0.0, 0.1, 5.0, -30.0, 600.0])
    np.testing.assert_allclose(ops.i0(x), np.i0(x), rtol=1e-12)


def test_ranges():
    np.testing.assert_array_equal(ops.arange(2, 11, 3), [2, 5, 8])
    np.testing.assert_array_equal(ops.arange(5, 0, -2), [5, 3, 1])
    np.testing.assert_allclose(ops.linspace(0.0, 1.0, 5, endpoint=False), np.linspace(0, 1, 5, endpoint=False), rtol=1e-6)
    out, step = ops.linspace([0.0, 1.0], [1.0, 3.0], 3, retstep=True, axis=-1)
    np.testing.assert_allclose(out, [[0, 0.5, 1], [1, 2, 3]])
    np.testing.assert_allclose(step, [0.5, 1.0])
    np.testing.assert_allclose(ops.logspace(0.0, 3.0, 4, base=2), [1, 2, 4, 8], rtol=1e-6)
    np.testing.assert_allclose(ops.geomspace(-1.0, -8.0, 4), [-1, -2, -4, -8], rtol=1e-6)


def test_meshgrid():
    for indexing in ("xy", "ij"):
        for got, want in zip(
            ops.meshgrid([1, 2], [3, 4, 5], [6], indexing=indexing), np.meshgrid([1, 2], [3, 4, 5], [6], indexing=indexing)
        ):
            np.testing.assert_array_equal(got, want)


def test_vectorize():
    norm = ops.vectorize(lambda v, k: ops.sum(v * v) + k, signature="(n),()->()")
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_allclose(norm(x, 1.0), (x * x).sum(-1) + 1)
    scaled = ops.vectorize(lambda a, how: a * 2 if how == "double" else a, excluded={1})
    assert scaled([1, 2], "double").numpy().tolist() == [2, 4]


def test_unravel_index_and_select():
    for got, want in zip(ops.unravel_index([5, -1], (2, 3)), ([1, 1], [2, 2])):
        assert got.numpy().tolist() == want
    x = ops.arange(6)
    out = ops.select([x < 2, x > 3], [x, x * 10], default=-1)
    assert out.numpy().tolist() == [0, 1, -1, -1, 40, 50]


def test_complex():
    z = np.array([1 + 2j, -3j], "complex64")
    np.testing.assert_array_equal(ops.real(z), z.real)
    np.testing.assert_array_equal(ops.imag(z), z.imag)
    np.testing.assert_allclose(ops.angle(z), np.angle(z))
    assert ops.isreal(z).numpy().tolist() == [False, False]
    np.testing.assert_allclose(ops.absolute(z), np.abs(z), rtol=1e-6)


def test_a_reshape_of_a_variable_keeps_its_value():
    v = keras.Variable(np.zeros((2, 2), "float32"))
    seen = ops.reshape(v, (4,))
    total = ops.sum(seen)
    assert float(total) == 0.0
    assert ops.copy(seen)._data is not v.value._data


def test_operators_mix_with_numpy():
    t, a = ops.ones((2,)), np.array([1.0, 2.0], "float32")
    for out in (a + t, t + a, a * t, a - t, a / t, a @ t):
        assert isinstance(out, type(t))
    assert (a < t).dtype == "bool"
    assert divmod(ops.convert_to_tensor(7), 2)[0].numpy() == 3
