"""Factorizations: cholesky, eig, eigh, lu_factor, qr, svd."""

from __future__ import annotations

from kerasgpu.engine.symbolic import needs_known, symbolic
from kerasgpu.ops.linalg.checks import matrix, restore, square_matrix
from kerasgpu.ops.numpy import creation
from kerasgpu.ops.primitives import factorizations, linalg

__all__ = ["cholesky", "cholesky_inverse", "eig", "eigh", "lu_factor", "qr", "svd"]


@needs_known(square=True)
@symbolic
def cholesky(x, upper=False):
    """The triangular L with L L' = x (or, with upper=True, U with U' U = x).

    Args:
        x: symmetric positive definite matrices, shape (..., n, n).
        upper: which triangle to return.

    ValueError when a matrix is not positive definite.

    >>> import kerasgpu as keras
    >>> keras.ops.cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    x, kind = square_matrix(x)
    out = linalg.cholesky(x)
    return restore(linalg.t(out) if upper else out, kind)


@needs_known(square=True)
@symbolic
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor is x: (x x')^-1, or (x' x)^-1 with upper=True."""
    x, kind = square_matrix(x)
    inverse = linalg.solve_triangular(x, creation.zeros_like(x) + creation.eye(x.shape[-1], dtype=x.dtype), not upper)
    flags = (False, True) if upper else (True, False)
    return restore(linalg.product(inverse, inverse, *flags), kind)


@needs_known(square=True)
@symbolic
def eig(x):
    """(eigenvalues, eigenvectors as columns) of square matrices, complex. Without a gradient; see `eigh`."""
    x, _ = square_matrix(x)
    return linalg.eig(x)


@needs_known(square=True)
@symbolic
def eigh(x):
    """(ascending eigenvalues, eigenvectors as columns) of symmetric matrices (the lower triangle is read).

    >>> import kerasgpu as keras
    >>> keras.ops.eigh([[2.0, 0.0], [0.0, 1.0]])[0].tolist()
    [1.0, 2.0]
    """
    x, kind = square_matrix(x)
    w, v = linalg.eigh(x)
    return restore(w, kind), restore(v, kind)


@needs_known(-2, -1)
@symbolic
def lu_factor(x):
    """(L and U in one matrix, row exchanges): row k of x was exchanged with row pivots[k], k = 0, 1, ...; then x = L U."""
    x, kind = matrix(x)
    lu, pivots = factorizations.lu_factor(x)
    return restore(lu, kind), pivots


@needs_known(-2, -1)
@symbolic
def qr(x, mode="reduced"):
    """(Q, R): orthonormal columns and an upper triangle with Q R = x.

    Args:
        x: matrices, shape (..., m, n).
        mode: "reduced" for min(m, n) columns of Q, "complete" for m.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(
            f"`mode` argument value not supported. Expected one of {{'reduced', 'complete'}}. Received: mode={mode}"
        )
    x, kind = matrix(x)
    q, r = factorizations.qr(x, mode)
    return restore(q, kind), restore(r, kind)


@needs_known(-2, -1)
@symbolic
def svd(x, full_matrices=True, compute_uv=True):
    """(U, s, V') with x = U diag(s) V', s in descending order; only s with compute_uv=False.

    Args:
        x: matrices, shape (..., m, n).
        full_matrices: whether U and V are square; only without has the result a gradient (unless m = n).
        compute_uv: whether to return U and V'.
    """
    x, kind = matrix(x)
    if not compute_uv:
        return restore(factorizations.singular_values(x), kind)
    return tuple(restore(part, kind) for part in factorizations.svd(x, bool(full_matrices)))
