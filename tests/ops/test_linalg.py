"""keras.ops.linalg against numpy.linalg, and its gradients."""

import math

import numpy as np
import pytest
from gradient_check import check_gradients

from kerasgpu import ops

RNG = np.random.default_rng(0)


def matrices(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def positive(n, batch=2):
    a = matrices(batch, n, n)
    return a @ a.swapaxes(-1, -2) + 0.5 * np.eye(n)


def close(found, wanted, tolerance=1e-10):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=tolerance, atol=tolerance)


def test_factorizations_multiply_back():
    a, s = matrices(2, 5, 3), positive(4)
    q, r = ops.qr(a)
    close(q @ r, a)
    close(np.asarray(q).swapaxes(-1, -2) @ np.asarray(q), np.broadcast_to(np.eye(3), (2, 3, 3)))
    assert ops.qr(a, mode="complete")[0].shape == (2, 5, 5)
    u, d, vh = ops.svd(a, full_matrices=False)
    close(np.asarray(u) * np.asarray(d)[:, None] @ np.asarray(vh), a)
    close(ops.svd(a, compute_uv=False), d)
    low = ops.cholesky(s)
    close(low @ ops.transpose(low, (0, 2, 1)), s)
    close(ops.cholesky(s, upper=True), np.asarray(low).swapaxes(-1, -2))
    close(ops.cholesky_inverse(low[0]), np.linalg.inv(s[0]), 1e-8)
    w, v = ops.eigh(s)
    close(np.asarray(v) * np.asarray(w)[:, None] @ np.asarray(v).swapaxes(-1, -2), s)
    lu, pivots = ops.lu_factor(s)
    lower, upper = np.tril(lu, -1) + np.eye(4), np.triu(lu)
    rebuilt = lower @ upper
    for b in range(2):
        for k in reversed(range(4)):
            j = int(pivots[b, k])
            rebuilt[b, [k, j]] = rebuilt[b, [j, k]]
    close(rebuilt, s)
    values, vectors = ops.eig(matrices(3, 3))
    assert values.dtype == "complex128" and vectors.shape == (3, 3)


def test_solvers():
    a, b = positive(4), matrices(2, 4, 3)
    close(ops.solve(a, b), np.linalg.solve(a, b), 1e-8)
    close(ops.solve(a, b[..., 0]), np.linalg.solve(a, b[..., :1])[..., 0], 1e-8)
    close(ops.solve_triangular(a, b, lower=True), np.linalg.solve(np.tril(a), b), 1e-8)
    close(ops.inv(a), np.linalg.inv(a), 1e-8)
    close(ops.det(a), np.linalg.det(a))
    close(ops.logdet(a), np.linalg.slogdet(a)[1])
    close(ops.pinv(matrices(4, 2)), np.linalg.pinv(matrices(4, 2)))
    close(ops.lstsq(matrices(5, 2), matrices(5, 3)), np.linalg.lstsq(matrices(5, 2), matrices(5, 3), rcond=None)[0])
    low_rank = matrices(5, 2) @ matrices(2, 4)
    assert int(ops.matrix_rank(low_rank)) == 2 and ops.matrix_rank(low_rank).dtype == "int32"


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, math.inf, -math.inf])
def test_vector_norms(order):
    x = matrices(3, 4)
    close(ops.norm(x, ord=order, axis=1), np.linalg.norm(x, ord=order, axis=1))


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
def test_matrix_norms(order):
    x = matrices(2, 3, 4)
    for keepdims in (False, True):
        found = ops.norm(x, ord=order, axis=(0, 2), keepdims=keepdims)
        close(found, np.linalg.norm(x, ord=order, axis=(0, 2), keepdims=keepdims))


def test_half_floats_are_computed_in_float32():
    out = ops.inv(ops.cast(positive(3), "bfloat16"))
    assert out.dtype == "bfloat16"


def test_gradients():
    s, a = positive(3), matrices(2, 3, 3)

    def symmetric(f):
        return lambda x: f((x + ops.swapaxes(x, -1, -2)) / 2)

    check_gradients(symmetric(ops.cholesky), s)
    check_gradients(symmetric(lambda x: ops.eigh(x)[0]), s)
    check_gradients(symmetric(lambda x: ops.square(ops.eigh(x)[1])), s, rtol=1e-4)
    check_gradients(ops.inv, s)
    check_gradients(ops.det, a)
    check_gradients(ops.logdet, a)
    check_gradients(ops.solve, s, matrices(2, 3, 2))
    check_gradients(lambda a, b: ops.solve_triangular(a, b, lower=True), s, matrices(2, 3, 2))
    check_gradients(lambda a, b: ops.solve_triangular(a, b), s, matrices(2, 3))
    check_gradients(lambda x: ops.lu_factor(x)[0], s)
    check_gradients(ops.pinv, matrices(4, 2), rtol=1e-4)
    check_gradients(ops.pinv, matrices(2, 4), rtol=1e-4)
    check_gradients(ops.lstsq, matrices(5, 2), matrices(5, 2), rtol=1e-4)


def test_gradients_of_factorizations():
    check_gradients(ops.qr, matrices(2, 4, 3), rtol=1e-4)
    check_gradients(ops.qr, matrices(3, 3), rtol=1e-4)
    for shape in ((4, 3), (3, 4), (3, 3)):

        def parts(x):
            u, s, vh = ops.svd(x, full_matrices=False)
            return ops.square(u), s, ops.square(vh)  # the signs of singular vectors are free

        check_gradients(parts, matrices(*shape), rtol=1e-4)
        check_gradients(lambda x: ops.svd(x, compute_uv=False), matrices(*shape), rtol=1e-4)
    with pytest.raises(NotImplementedError, match="qr has a gradient"):
        check_gradients(ops.qr, matrices(2, 4))


@pytest.mark.parametrize("order", [None, 1, 3, math.inf])
def test_gradients_of_norms(order):
    check_gradients(lambda x: ops.norm(x, ord=order, axis=-1), matrices(3, 4))
    if order != 3:
        check_gradients(lambda x: ops.norm(x, ord=order, axis=(0, 1)), matrices(3, 4))


def test_jvp():
    x, v = matrices(3, 4), matrices(3, 4) + 1
    y, dy = ops.jvp(lambda x: ops.sin(x) * ops.sum(x), (ops.convert_to_tensor(x),), (ops.convert_to_tensor(v),))
    close(y, np.sin(x) * x.sum())
    close(dy, np.cos(x) * v * x.sum() + np.sin(x) * v.sum())
    out = ops.jvp(lambda x: (x * 2, "extra"), (ops.ones(2),), (ops.ones(2),), has_aux=True)
    assert out[2] == "extra" and out[1].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: ops.cholesky(-np.eye(2)), "Cholesky decomposition failed"),
        (lambda: ops.inv(np.ones((2, 3))), "square matrix"),
        (lambda: ops.det(np.ones(3)), "rank >= 2"),
        (lambda: ops.solve(np.eye(3), np.ones((2, 1))), "Incompatible shapes"),
        (lambda: ops.qr(np.eye(2), mode="raw"), "mode"),
        (lambda: ops.lstsq(np.ones((3, 2)), np.ones(4)), "b.shape"),
        (lambda: ops.norm(np.ones((2, 2)), ord="nuc", axis=0), "ord"),
        (lambda: ops.norm(np.ones((2, 2)), ord=7, axis=(0, 1)), "ord"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
