"""Guards against division by 0 and roots of 0 hold for gradients too, and lengths neither over- nor underflow."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import ops

ZERO_AND_ONE = np.array([[0.0, 0.0], [3.0, 4.0]], "float32")


def slope(function, x):
    return keras.grad(lambda v: ops.sum(function(v)))(ops.convert_to_tensor(x)).numpy()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_normalize_has_a_gradient_at_zero(order):
    weights = ops.convert_to_tensor([1.0, 2.0])
    got = slope(lambda v: ops.normalize(v, axis=-1, order=order) * weights, ZERO_AND_ONE)
    assert np.isfinite(got).all()
    # below the least norm, epsilon, the function is x / epsilon
    np.testing.assert_allclose(got[0], [1e7, 2e7], rtol=1e-5)


def test_normalize_of_a_vector():
    np.testing.assert_allclose(slope(lambda v: ops.normalize(v)[:, 0], ZERO_AND_ONE)[1], [16 / 125, -12 / 125], rtol=1e-5)
    for size in (1e-5, 1e30):
        got = ops.normalize(ops.convert_to_tensor(np.array([[3.0, 4.0]]) * size, "float32"))
        np.testing.assert_allclose(got, [[0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize("order", [None, 0.5, 1, 2, 3, np.inf])
@pytest.mark.parametrize("size", [1e-35, 1e-30, 1.0, 1e30])
def test_norms_of_all_sizes(order, size):
    x = np.array([3.0, -4.0, 0.0])
    got = float(ops.norm(ops.convert_to_tensor(x * size, "float32"), ord=order, axis=0))
    assert got == pytest.approx(np.linalg.norm(x * size, ord=order), rel=1e-5)


def test_norm_of_large_halves():
    assert float(ops.norm(ops.convert_to_tensor([300.0, 400.0], "float16"))) == 500.0


@pytest.mark.parametrize("order", [None, 0.5, 1, 2, 3, np.inf, "fro", "nuc"])
def test_norm_has_the_gradient_zero_at_zero(order):
    axis = (0, 1) if isinstance(order, str) else -1
    got = slope(lambda v: ops.norm(v, ord=order, axis=axis), np.zeros((2, 2), "float32"))
    assert np.isfinite(got).all()
    if order != "nuc":  # of which any orthogonal matrix is a subgradient
        assert not got.any()


def test_norm_of_infinities_and_nan():
    assert float(ops.norm([np.inf, 1.0])) == np.inf
    assert np.isnan(float(ops.norm([np.nan, 1.0])))


@pytest.mark.parametrize("function", [ops.std, ops.nanstd, lambda v: ops.cdist(v, v), lambda v: ops.arctan2(v, v)])
def test_other_roots_and_ratios_at_zero(function):
    assert not slope(function, np.zeros((2, 3), "float32")).any()


def test_arctan2_of_tiny_numbers_has_its_large_slope():
    a, b = ops.convert_to_tensor([1e-30]), ops.convert_to_tensor([1e-30])
    np.testing.assert_allclose(keras.grad(lambda v: ops.sum(ops.arctan2(v, b)))(a), [5e29], rtol=1e-5)


def test_divide_no_nan_and_squareplus():
    zero, one = np.zeros(2, "float32"), ops.ones(2)
    assert not slope(lambda v: ops.divide_no_nan(one, v), zero).any()
    assert np.isfinite(slope(lambda v: ops.squareplus(v, b=0.0), zero)).all()


@pytest.mark.parametrize("constraint", ["max_norm", "unit_norm", "min_max_norm"])
def test_constraints_at_zero(constraint):
    constraint = keras.constraints.get(constraint)
    assert np.isfinite(slope(constraint, np.zeros((3, 2), "float32"))).all()
    large = constraint(ops.full((3, 2), 1e30)).numpy()
    assert np.isfinite(large).all()
    assert large.any()


def test_layers_and_losses_at_zero():
    zero = np.zeros((2, 3), "float32")
    assert np.isfinite(slope(keras.layers.UnitNormalization(), zero)).all()
    loss = keras.losses.CosineSimilarity()
    assert np.isfinite(slope(lambda v: loss(ops.ones((2, 3)), v), zero)).all()
    flat = keras.layers.SpectralNormalization(keras.layers.Dense(2, kernel_initializer="zeros"))
    assert np.isfinite(flat(ops.ones((2, 3)), training=True)).all()


def test_losses_of_a_probability_of_exactly_zero_or_one():
    logits = np.array([[200.0, -200.0, 0.0]], "float32")
    loss = keras.losses.CategoricalGeneralizedCrossEntropy()
    assert np.isfinite(slope(lambda z: loss([1], ops.softmax(z)), logits)).all()
    focal = keras.losses.BinaryFocalCrossentropy(gamma=0.5)
    assert np.isfinite(slope(lambda p: focal([[1.0, 0.0]], p), np.array([[1.0, 0.0]], "float32"))).all()


def minors(a):
    n = len(a)

    def minor(i, j):
        return (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))

    return np.array([[minor(i, j) for j in range(n)] for i in range(n)])


SINGULAR = [np.zeros((3, 3)), np.diag([1.0, 2.0, 0.0]), np.diag([2.0, 0.0, 0.0]), np.ones((2, 2)), np.arange(9.0).reshape(3, 3)]
REGULAR = [np.eye(3), np.array([[2.0, 1.0], [-1.0, 3.0]]), np.diag([1e-3, 1.0, 5.0])]


@pytest.mark.parametrize("a", SINGULAR + REGULAR)
def test_gradient_of_det_is_the_cofactors(a):
    np.testing.assert_allclose(slope(ops.det, a), minors(a), atol=1e-8)


@pytest.mark.parametrize("a", SINGULAR + REGULAR)
def test_second_gradient_of_det(a):
    weights = np.random.default_rng(0).normal(size=a.shape)
    x = ops.convert_to_tensor(a)
    with keras.GradientTape() as outer:
        outer.watch(x)
        with keras.GradientTape() as inner:
            inner.watch(x)
            y = ops.det(x)
        weighted = ops.sum(inner.gradient(y, x) * weights)
    expected, step = np.zeros_like(a), 1e-4
    for k in np.ndindex(a.shape):
        e = np.zeros_like(a)
        e[k] = step
        expected[k] = ((minors(a + e) - minors(a - e)) * weights).sum() / (2 * step)
    np.testing.assert_allclose(outer.gradient(weighted, x), expected, atol=1e-6)


def test_slogdet_of_a_batch_with_a_singular_matrix():
    batch = np.stack([np.zeros((2, 2)), np.diag([2.0, 4.0])])
    np.testing.assert_allclose(slope(ops.logdet, batch)[1], np.diag([0.5, 0.25]))
    assert not slope(lambda x: ops.slogdet(x)[0], batch).any()


@pytest.mark.parametrize("x", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
def test_products_with_zeros(x):
    others = [np.prod(np.delete(x, k)) for k in range(3)]
    np.testing.assert_allclose(slope(ops.prod, np.array(x)), others)
    cumulative = [sum(np.prod(np.delete(x[: n + 1], k)) for n in range(k, 3)) for k in range(3)]
    np.testing.assert_allclose(slope(ops.cumprod, np.array(x)), cumulative)
