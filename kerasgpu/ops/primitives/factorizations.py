"""QR, singular values and LU, with gradients. See linalg.py."""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.ops.primitives.linalg import _call, _gap_inverse, diagonal_matrix, scale_columns, solve_triangular, t
from kerasgpu.ops.primitives.matmul import product


# -- qr -------------------------------------------------------------------------------------------------------------
def _qr_into(mode):
    def fill(x, q, r):
        q[...], r[...] = np.linalg.qr(x, mode=mode)

    return fill


def _qr_specs(x, mode):
    m, n = x.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return [((*x.shape[:-2], m, k), x.dtype), ((*x.shape[:-2], k, n), x.dtype)]


@primitive(tensors=1, multiple=True)
def qr(x, mode="reduced"):
    """(Q, R): orthonormal columns and an upper triangle with Q R = x."""
    return _call(_qr_into(mode), (x,), _qr_specs(x, mode))


qr.shape(_qr_specs)


@qr.gradient
def _(g, y, x, mode="reduced"):
    gq, gr = g
    q, r = y
    m, n = x.shape[-2:]
    if m < n or (mode == "complete" and m != n):
        raise NotImplementedError(
            f"qr has a gradient for mode='reduced' and at least as many rows as columns; x has shape {x.shape}"
        )
    inner = product(r, gr, False, True) - product(gq, q, True, False)
    symmetric = ops.tril(inner) + t(ops.tril(inner, -1))
    right = gq + product(q, symmetric)
    # right R^-T: solve R z' = right'
    return (t(solve_triangular(r, t(right), False, False)),)


# -- svd ------------------------------------------------------------------------------------------------------------
def _svd_into(full):
    def fill(x, u, s, vh):
        u[...], s[...], vh[...] = np.linalg.svd(x, full_matrices=full)

    return fill


def _svd_specs(x, full=False):
    m, n = x.shape[-2:]
    k = min(m, n)
    lead = x.shape[:-2]
    return [((*lead, m, m if full else k), x.dtype), ((*lead, k), x.dtype), ((*lead, n if full else k, n), x.dtype)]


@primitive(tensors=1, multiple=True)
def svd(x, full=False):
    """(U, s, V'): x = U diag(s) V', s in descending order."""
    return _call(_svd_into(full), (x,), _svd_specs(x, full))


svd.shape(_svd_specs)


@svd.gradient
def _(g, y, x, full=False):
    gu, gs, gvh = g
    u, s, vh = y
    if full and x.shape[-2] != x.shape[-1]:
        raise NotImplementedError(f"svd has a gradient with full_matrices=False; x has shape {x.shape}")
    f = _gap_inverse(ops.square(s))
    a, b = product(u, gu, True, False), product(vh, gvh, False, True)
    inverse = ops.where(ops.equal(s, 0), 0.0, 1.0 / ops.where(ops.equal(s, 0), 1.0, s))
    inner = scale_columns(f * (a - t(a)), s) + ops.expand_dims(s, -1) * (f * (b - t(b))) + diagonal_matrix(gs)
    out = product(product(u, inner), vh)
    if x.shape[-2] > s.shape[-1]:  # the part of gu outside the span of u
        rest = gu - product(u, a)
        out = out + product(scale_columns(rest, inverse), vh)
    if x.shape[-1] > s.shape[-1]:
        rest = gvh - product(b, vh, True, False)
        out = out + product(scale_columns(u, inverse), rest)
    return (out,)


def _singular_values_into(x, out):
    out[...] = np.linalg.svd(x, compute_uv=False)


@primitive(tensors=1)
def singular_values(x):
    """s of svd(x)."""
    return _call(_singular_values_into, (x,), [_svd_specs(x)[1]])[0]


@singular_values.shape
def _(x):
    return _svd_specs(x)[1]


@singular_values.gradient
def _(g, x):
    u, _, vh = svd(x)
    return (product(scale_columns(u, g), vh),)


# -- lu -------------------------------------------------------------------------------------------------------------
def _lu_into(x, lu, pivots):
    """Gaussian elimination with row exchanges, all matrices of the batch at once."""
    lu[...] = x
    m, n = x.shape[-2:]
    flat = lu.reshape((-1, m, n))
    swaps = pivots.reshape((-1, min(m, n)))
    each = np.arange(flat.shape[0])
    for k in range(min(m, n)):
        best = k + np.argmax(np.abs(flat[:, k:, k]), axis=1)
        swaps[:, k] = best
        upper = flat[each, k].copy()
        flat[each, k] = flat[each, best]
        flat[each, best] = upper
        pivot = flat[:, k, k]
        flat[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)[:, None]
        flat[:, k + 1 :, k + 1 :] -= flat[:, k + 1 :, k, None] * flat[:, k, None, k + 1 :]


def _lu_specs(x):
    return [(x.shape, x.dtype), ((*x.shape[:-2], min(x.shape[-2:])), "int32")]


@primitive(tensors=1, multiple=True)
def lu_factor(x):
    """(L and U in one matrix, row exchanges): row k was exchanged with row pivots[k]. The diagonal of L is 1 and not stored."""
    return _call(_lu_into, (x,), _lu_specs(x))


lu_factor.shape(_lu_specs)


def _permute_into(x, pivots, out):
    """Undo the row exchanges of a factorization."""
    out[...] = x
    n = x.shape[-2]
    flat, swaps = out.reshape((-1, n, x.shape[-1])), pivots.reshape((-1, pivots.shape[-1]))
    for matrix, rows in zip(flat, swaps):
        for k in range(len(rows) - 1, -1, -1):
            j = int(rows[k])
            if j != k:
                matrix[[k, j]] = matrix[[j, k]]


def _exchange_into(x, pivots, out):
    out[...] = x
    n = x.shape[-2]
    flat, swaps = out.reshape((-1, n, x.shape[-1])), pivots.reshape((-1, pivots.shape[-1]))
    for matrix, rows in zip(flat, swaps):
        for k, j in enumerate(rows):
            if j != k:
                matrix[[k, int(j)]] = matrix[[int(j), k]]


@primitive(tensors=2)
def exchange_rows(x, pivots, undo=False):
    """The row exchanges of lu_factor carried out on x, or undone."""
    return _call(_permute_into if undo else _exchange_into, (x, pivots), [(x.shape, x.dtype)])[0]


@exchange_rows.gradient
def _(g, x, pivots, undo=False):
    return exchange_rows(g, pivots, not undo), None


@lu_factor.gradient
def _(g, y, x):
    if x.shape[-2] != x.shape[-1]:
        raise NotImplementedError(f"lu_factor has a gradient for square matrices; x has shape {x.shape}")
    lu, pivots = y
    lower = ops.tril(lu, -1) + ops.eye(x.shape[-1], dtype=lu.dtype)
    upper = ops.triu(lu)
    inner = ops.tril(product(lower, ops.tril(g[0], -1), True, False), -1) + ops.triu(
        product(ops.triu(g[0]), upper, False, True)
    )
    # P' L^-T inner U^-T
    left = solve_triangular(lower, inner, True, True)
    out = t(solve_triangular(upper, t(left), False, False))
    return (exchange_rows(out, pivots, True),)
