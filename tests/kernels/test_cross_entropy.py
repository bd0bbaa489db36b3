"""Cross-entropies against float64, bad labels included."""

import numpy as np
import pytest
from scipy import special

from kerasgpu import _core
from kerasgpu.kernels import cross_entropy as C
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
TOLERANCE = {"float32": 2e-6, "float64": 1e-13, "float16": 2e-3, "bfloat16": 2e-2}


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("label_dtype", ["int32", "int64", "uint8", "uint64"])
@pytest.mark.parametrize("shape", [(7, 10), (300, 3), (2, 5, 67), (1, 1), (0, 4), (9, 200), (3, 17001)])
def test_sparse(shape, label_dtype, dtype, level):
    r = np.random.default_rng(0)
    x = (r.standard_normal(shape) * 4).astype(numpy_dtype(dtype))
    labels = r.integers(0, shape[-1], shape[:-1]).astype(label_dtype)
    g = r.standard_normal(shape[:-1]).astype(x.dtype)
    loss, p = C.sparse_softmax_cross_entropy(x, labels)
    assert loss.shape == labels.shape and p.shape == x.shape
    if x.size == 0:
        return
    tol = TOLERANCE[dtype]
    wide = special.log_softmax(x.astype(np.float64), -1)
    onehot = np.eye(shape[-1])[labels.astype(np.int64)]
    np.testing.assert_allclose(loss.astype(np.float64), -np.sum(wide * onehot, -1), rtol=2 * tol, atol=tol)
    np.testing.assert_allclose(p.astype(np.float64), np.exp(wide), rtol=4 * tol, atol=tol / 10)
    gx = C.sparse_softmax_cross_entropy_grad(p, labels, g)
    expected = (p.astype(np.float64) - onehot) * g.astype(np.float64)[..., None]
    np.testing.assert_allclose(gx.astype(np.float64), expected, rtol=4 * tol, atol=tol)


def test_bad_and_ignored_labels(level):
    x = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    labels = np.array([0, 5, -1, 4, 2**40, -7], np.int64)
    bad = np.zeros(1, np.int32)
    loss, p = C.sparse_softmax_cross_entropy(x, labels, ignore_index=-1, bad=bad)
    assert bad[0] == 3
    np.testing.assert_array_equal(np.isnan(loss), [0, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(np.isnan(p).all(1), [0, 1, 0, 0, 1, 1])
    assert loss[2] == 0
    gx = C.sparse_softmax_cross_entropy_grad(p, labels, np.ones(6, np.float32), ignore_index=-1)
    assert np.isnan(gx[[1, 4, 5]]).all() and np.all(gx[2] == 0) and np.isfinite(gx[[0, 3]]).all()
    huge = np.array([2**63 + 1] * 6, np.uint64)
    assert np.isnan(C.sparse_softmax_cross_entropy(x, huge)[0]).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(7, 10), (300, 3), (2, 5, 67), (0, 4), (3, 900)])
def test_dense(shape, dtype, level):
    r = np.random.default_rng(0)
    x = (r.standard_normal(shape) * 4).astype(numpy_dtype(dtype))
    t = r.uniform(0, 1, shape).astype(x.dtype)
    g = r.standard_normal(shape[:-1]).astype(x.dtype)
    loss, p = C.softmax_cross_entropy(x, t)
    tol = TOLERANCE[dtype]
    wide_t, wide = t.astype(np.float64), special.log_softmax(x.astype(np.float64), -1)
    np.testing.assert_allclose(loss.astype(np.float64), -np.sum(wide * wide_t, -1), rtol=4 * tol, atol=tol)
    gx = C.softmax_cross_entropy_grad(p, t, g)
    expected = (p.astype(np.float64) * np.sum(wide_t, -1, keepdims=True) - wide_t) * g.astype(np.float64)[..., None]
    np.testing.assert_allclose(gx.astype(np.float64), expected, rtol=10 * tol, atol=10 * tol)


@pytest.mark.parametrize("cols", [10, 40, 64, 300, 17000])
def test_rows_do_not_know_where_they_are(cols, level):
    """The bits of a row are those that it has alone; gradients may overwrite p."""
    r = np.random.default_rng(0)
    rows = 75
    x, t = r.standard_normal((2, rows, cols)).astype(np.float32)
    labels = r.integers(0, cols, rows)
    labels[5], labels[20] = cols, -1
    g = r.standard_normal(rows).astype(np.float32)
    dense, sparse = C.softmax_cross_entropy(x, t), C.sparse_softmax_cross_entropy(x, labels, ignore_index=-1)
    dense_grad = C.softmax_cross_entropy_grad(dense[1], t, g)
    sparse_grad = C.sparse_softmax_cross_entropy_grad(sparse[1], labels, g, ignore_index=-1)
    for k in (0, 5, 16, 20, 37, rows - 1):
        one = slice(k, k + 1)
        for a, b in zip(dense, C.softmax_cross_entropy(x[one], t[one])):
            np.testing.assert_array_equal(a[one], b)
        for a, b in zip(sparse, C.sparse_softmax_cross_entropy(x[one], labels[one], ignore_index=-1)):
            np.testing.assert_array_equal(a[one], b)
        np.testing.assert_array_equal(dense_grad[one], C.softmax_cross_entropy_grad(dense[1][one], t[one], g[one]))
        alone = C.sparse_softmax_cross_entropy_grad(sparse[1][one], labels[one], g[one], ignore_index=-1)
        np.testing.assert_array_equal(sparse_grad[one], alone)
    for name, inputs, ints, expected in [
        ("softmax_cross_entropy_grad", (dense[1], t, g), (rows, cols), dense_grad),
        ("sparse_softmax_cross_entropy_grad", (sparse[1], labels, g), (rows, cols, 1, -1), sparse_grad),
    ]:
        launch(name, inputs, (inputs[0],), spec_of(name, ints))
        np.testing.assert_array_equal(inputs[0], expected)


def test_masked_logits_and_certainty(level):
    x = np.float32([[0, -np.inf, 1], [200, -200, 0]])
    t = np.float32([[1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(C.softmax_cross_entropy(x, t)[0], [np.log(1 + np.e), 400], rtol=1e-6)
    np.testing.assert_allclose(C.sparse_softmax_cross_entropy(x, np.array([0, 1]))[0], [np.log(1 + np.e), 400], rtol=1e-6)
    assert C.sparse_softmax_cross_entropy(x, np.array([1, 1]))[0][0] == np.inf


def test_sigmoid(level):
    x = np.linspace(-30, 30, 61, dtype=np.float32)
    z = np.random.default_rng(0).uniform(0, 1, 61).astype(np.float32)
    wide = x.astype(np.float64)
    expected = -(z * special.log_expit(wide) + (1 - z.astype(np.float64)) * special.log_expit(-wide))
    np.testing.assert_allclose(C.sigmoid_cross_entropy(x, z), expected, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(C.sigmoid_cross_entropy_grad(x, z, z), (special.expit(wide) - z) * z, rtol=1e-5, atol=1e-6)


def test_threads_do_not_change_bits(level):
    r = np.random.default_rng(0)
    x, t = r.standard_normal((2, 900, 40)).astype(np.float32)
    labels = r.integers(0, 40, 900)
    before, results = _core.num_threads(), []
    for n in (1, 2, 5):
        _core.set_num_threads(n)
        results.append([*C.softmax_cross_entropy(x, t), *C.sparse_softmax_cross_entropy(x, labels)])
    _core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


def test_errors():
    x, labels = np.zeros((3, 4), np.float32), np.zeros(3, np.int32)
    for bad, message in [
        (lambda: C.sparse_softmax_cross_entropy(x, np.zeros(2, np.int32)), "labels has shape"),
        (lambda: C.sparse_softmax_cross_entropy(x, np.zeros(3, np.float32)), "must be integers"),
        (lambda: C.sparse_softmax_cross_entropy(np.zeros((3, 0), np.float32), labels), "at least one class"),
        (lambda: C.softmax_cross_entropy(x, x[:2]), "has shape"),
        (lambda: C.softmax_cross_entropy(x, x.astype("float64")), "cast them"),
        (lambda: C.softmax_cross_entropy_grad(x, x, np.zeros(4, np.float32)), "gloss"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()
    out = np.zeros(3, np.float32), np.zeros((3, 4), np.float32)
    for ints in [(3, 5, 0, 0), (4, 3, 0, 0), (3, 0, 0, 0), (-3, 4, 0, 0), (2**40, 2**40, 0, 0), ()]:
        with pytest.raises(ValueError):
            launch("sparse_softmax_cross_entropy", (x, labels), out, spec_of("sparse_softmax_cross_entropy", ints))
