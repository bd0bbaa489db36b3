"""Solvers, inverses, determinants and rank."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.symbolic import needs_known, symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.linalg.checks import matrix, restore, square_matrix
from kerasgpu.ops.numpy import reduction, shaping
from kerasgpu.ops.primitives import factorizations, linalg, matmul
from kerasgpu.ops.primitives.operands import promote_all

__all__ = ["det", "inv", "lstsq", "matrix_rank", "pinv", "solve", "solve_triangular"]


@needs_known(square=True)
@symbolic
def det(x):
    """Determinants of square matrices, shape (..., n, n) -> (...).

    >>> import kerasgpu as keras
    >>> round(float(keras.ops.det([[1.0, 2.0], [3.0, 4.0]])), 4)
    -2.0
    """
    x, kind = square_matrix(x)
    return restore(linalg.determinant(x), kind)


@needs_known(square=True)
@symbolic
def slogdet(x):
    """(sign, log |det|) of square matrices, without overflow for large ones."""
    x, kind = square_matrix(x)
    sign, log = linalg.slogdet(x)
    return restore(sign, kind), restore(log, kind)


@needs_known(square=True)
@symbolic
def logdet(x):
    """log |det| of square matrices."""
    return slogdet(x)[1]


@needs_known(square=True)
@symbolic
def inv(x):
    """Inverses of square matrices. numpy.linalg.LinAlgError for a singular one.

    >>> import kerasgpu as keras
    >>> keras.ops.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    x, kind = square_matrix(x)
    return restore(linalg.inverse(x), kind)


def _system(a, b):
    """(a, b as matrices with equal leading dims, whether b was a vector, result dtype)."""
    a, b = promote_all([a, b], float)
    kind = a.dtype
    a, b = square_matrix(a)[0], casting.cast(b, "float32") if kind in ("float16", "bfloat16") else b
    if b.ndim < 1:
        raise ValueError(f"Expected input to have rank >= 1. Received scalar input with shape {b.shape}.")
    if a.ndim == b.ndim and a.shape[-2] != b.shape[-2]:
        raise ValueError(
            "Incompatible shapes between `a` and `b`. Expected `a.shape[-2] == b.shape[-2]`. Received: "
            f"a.shape={a.shape}, b.shape={b.shape}"
        )
    vector = b.ndim == 1 or b.ndim == a.ndim - 1
    if vector:
        if a.shape[-1] != b.shape[-1]:
            raise ValueError(
                "Incompatible shapes between `a` and `b`. Expected `a.shape[-1] == b.shape[-1]`. Received: "
                f"a.shape={a.shape}, b.shape={b.shape}"
            )
        b = shaping.expand_dims(b, -1)
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = shaping.broadcast_to(a, (*lead, *a.shape[-2:])), shaping.broadcast_to(b, (*lead, *b.shape[-2:]))
    return a, b, vector, kind


@symbolic
def solve(a, b):
    """The x with a x = b.

    Args:
        a: matrices, shape (..., n, n).
        b: shape (..., n) or (..., n, k).

    >>> import kerasgpu as keras
    >>> keras.ops.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]).tolist()
    [1.0, 1.0]
    """
    a, b, vector, kind = _system(a, b)
    out = linalg.solve(a, b)
    return restore(shaping.squeeze(out, -1) if vector else out, kind)


@symbolic
def solve_triangular(a, b, lower=False):
    """`solve` for a triangular matrix; only the lower or upper triangle of a is read."""
    a, b, vector, kind = _system(a, b)
    out = linalg.solve_triangular(a, b, bool(lower))
    return restore(shaping.squeeze(out, -1) if vector else out, kind)


def _cutoff(x, rcond, factor):
    return float(factor * max(x.shape[-2:]) * np.finfo(x.dtype).eps if rcond is None else rcond)


@symbolic
def pinv(x, rcond=None):
    """Moore-Penrose inverses, shape (..., m, n) -> (..., n, m).

    Singular values below rcond times the largest count as 0; by default 10 max(m, n) times the machine epsilon.
    """
    x, kind = matrix(x)
    return restore(linalg.pseudo_inverse(x, _cutoff(x, rcond, 10)), kind)


@symbolic
def lstsq(a, b, rcond=None):
    """The x with the least |a x - b|, and of those the shortest.

    Args:
        a: matrix, shape (m, n).
        b: shape (m,) or (m, k).
        rcond: singular values below rcond times the largest count as 0; None for max(m, n) times the machine epsilon.
    """
    a, b = promote_all([a, b], float)
    if a.ndim != 2:
        raise ValueError(f"Expected a to have rank 2. Received: a.shape={a.shape}")
    if b.ndim not in (1, 2):
        raise ValueError(f"Expected b to have rank 1 or 2. Received: b.shape={b.shape}")
    if b.shape[0] != a.shape[0]:
        raise ValueError(f"Expected b.shape[0] to be equal to a.shape[0]. Received: a.shape={a.shape}, b.shape={b.shape}")
    a, kind = matrix(a)
    inverse = linalg.pseudo_inverse(a, _cutoff(a, rcond, 1))
    return restore(matmul.matmul(inverse, casting.cast(b, a.dtype)), kind)


@symbolic
def matrix_rank(x, tol=None):
    """Number of singular values above tol (by default the largest times max(m, n) times the machine epsilon), int32."""
    x, _ = matrix(x)
    s = factorizations.singular_values(x)
    if tol is None:
        tol = reduction.max(s, axis=-1, keepdims=True) * _cutoff(x, None, 1)
    return reduction.sum(casting.cast(s > tol, "int32"), axis=-1)
