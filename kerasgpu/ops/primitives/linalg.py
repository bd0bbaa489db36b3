"""Factorizations and solvers on the last two dims, float32 or float64, through numpy.linalg (CuPy's on a GPU).

Gradient rules after Giles (2008), "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", Murray (2016), "Differentiation of the Cholesky decomposition", and Townsend (2016), "Differentiating the
singular value decomposition".
`t` marks a product with a transposed operand; no transpose is made in memory.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import launch
from kerasgpu.ops.primitives.matmul import product


def _call(function, inputs, specs):
    """Outputs of `specs` [(shape, dtype), ...], filled by a host call of function(*inputs, *outputs)."""
    outs = tuple(launch.empty(shape, dtype, like=inputs[0]) for shape, dtype in specs)
    launch.host_call(function, inputs, outs)
    return outs


def _same(x):
    return [(x.shape, x.dtype)]


def t(x):
    """The transpose of the last two dims."""
    return ops.swapaxes(x, -1, -2)


def scale_columns(x, d):
    """x diag(d)."""
    return x * ops.expand_dims(d, -2)


def diagonal_matrix(d):
    return ops.eye(d.shape[-1], dtype=d.dtype) * ops.expand_dims(d, -2)


# -- cholesky -------------------------------------------------------------------------------------------------------
def _cholesky_into(x, out):
    try:
        out[...] = np.linalg.cholesky(x)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"Cholesky decomposition failed: {error}. The matrix must be symmetric and positive definite"
        ) from None


@primitive(tensors=1)
def cholesky(x):
    """The lower triangular L with L L' = x."""
    return _call(_cholesky_into, (x,), _same(x))[0]


@cholesky.gradient
def _(g, y, x):
    inner = ops.tril(product(y, g, True, False))
    half = inner - 0.5 * diagonal_matrix(ops.diagonal(inner, axis1=-2, axis2=-1))
    # L^-T half L^-1
    left = solve_triangular(y, half, True, True)
    s = t(solve_triangular(y, t(left), True, True))
    return (0.5 * (s + t(s)),)


# -- inverse and solvers --------------------------------------------------------------------------------------------
def _inverse_into(x, out):
    out[...] = np.linalg.inv(x)


@primitive(tensors=1)
def inverse(x):
    """x^-1; numpy.linalg.LinAlgError for a singular matrix."""
    return _call(_inverse_into, (x,), _same(x))[0]


@inverse.gradient
def _(g, y, x):
    return (-product(product(y, g, True, False), y, False, True),)


def _solve_into(transpose):
    def fill(a, b, out):
        out[...] = np.linalg.solve(a.swapaxes(-1, -2) if transpose else a, b)

    return fill


_SOLVERS = (_solve_into(False), _solve_into(True))


@primitive(tensors=2)
def solve(a, b, transpose=False):
    """The y with op(a) y = b, op = transpose or nothing. a: (..., n, n), b: (..., n, k), equal leading dims."""
    return _call(_SOLVERS[transpose], (a, b), _same(b))[0]


@solve.shape
def _(a, b, transpose=False):
    return b.shape, b.dtype


@solve.gradient
def _(g, y, a, b, transpose=False):
    to_b = solve(a, g, not transpose)
    return lambda: -(product(y, to_b, False, True) if transpose else product(to_b, y, False, True)), to_b


def _solve_triangular_into(lower, transpose):
    def fill(a, b, out):
        a = np.tril(a) if lower else np.triu(a)
        out[...] = np.linalg.solve(a.swapaxes(-1, -2) if transpose else a, b)

    return fill


_TRIANGULAR = {(p, q): _solve_triangular_into(p, q) for p in (False, True) for q in (False, True)}


@primitive(tensors=2)
def solve_triangular(a, b, lower=False, transpose=False):
    """`solve` that looks at the lower or upper triangle of a only."""
    return _call(_TRIANGULAR[bool(lower), bool(transpose)], (a, b), _same(b))[0]


@solve_triangular.shape
def _(a, b, lower=False, transpose=False):
    return b.shape, b.dtype


@solve_triangular.gradient
def _(g, y, a, b, lower=False, transpose=False):
    to_b = solve_triangular(a, g, lower, not transpose)

    def to_a():
        full = -(product(y, to_b, False, True) if transpose else product(to_b, y, False, True))
        return ops.tril(full) if lower else ops.triu(full)

    return to_a, to_b


def _pinv_into(rcond):
    def fill(x, out):
        out[...] = np.linalg.pinv(x, rcond=rcond)

    return fill


@primitive(tensors=1)
def pseudo_inverse(x, rcond):
    """The Moore-Penrose inverse; singular values below rcond times the largest count as 0."""
    return _call(_pinv_into(rcond), (x,), [((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)])[0]


@pseudo_inverse.shape
def _(x, rcond):
    return (*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype


@pseudo_inverse.gradient
def _(g, y, x, rcond):
    # dP = -P dA P + P P' dA' (I - A P) + (I - P A) dA' P' P (Golub and Pereyra 1973)
    m, n = x.shape[-2:]
    left = ops.eye(m, dtype=x.dtype) - product(x, y)
    right = ops.eye(n, dtype=x.dtype) - product(y, x)
    first = product(product(y, g, True, False), y, False, True)
    second = product(product(left, g, False, True), product(y, y, False, True))
    third = product(product(product(y, y, True, False), g, False, True), right)
    return (second + third - first,)


# -- determinants ---------------------------------------------------------------------------------------------------
def _det_into(x, out):
    out[...] = np.linalg.det(x)


@primitive(tensors=1)
def determinant(x):
    return _call(_det_into, (x,), [(x.shape[:-2], x.dtype)])[0]


@determinant.shape
def _(x):
    return x.shape[:-2], x.dtype


@determinant.gradient
def _(g, x):
    return (ops.expand_dims(g, (-2, -1)) * cofactors(x),)


def _cofactors_into(x, out):
    # With x = U diag(s) V': det(U) det(V) U diag(products of the other s) V', which holds for singular matrices too.
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    out[...] = sign[..., None, None] * ((u * others[..., None, :]) @ vh)


@primitive(tensors=1)
def cofactors(x):
    """The derivative of det(x): det(x) times the transposed inverse, and what that tends to where x is singular."""
    return _call(_cofactors_into, (x,), _same(x))[0]


@cofactors.gradient
def _(g, y, x):
    u, s, vh, singular = (ops.stop_gradient(part) for part in _singular_parts(x))
    # In the basis of the singular vectors x is diagonal, and det has the second derivatives p_ij for (ii, jj), -p_ij for (ij, ji),
    # where p_ij is the product of all s but s_i and s_j.
    inner = product(product(u, g, True, False), vh, False, True)
    pairs = _products_without_two(s)
    own = ops.sum(pairs * ops.expand_dims(ops.diagonal(inner, axis1=-2, axis2=-1), -2), axis=-1)
    sign = ops.expand_dims(determinant(u) * determinant(vh), (-2, -1))
    at_singular = sign * product(product(u, diagonal_matrix(own) - pairs * t(inner)), vh)
    # Elsewhere a formula that can be differentiated again: <g, x^-T> y - x^-T g' y.
    singular = ops.expand_dims(singular, (-2, -1))
    safe = ops.where(singular, ops.eye(x.shape[-1], dtype=x.dtype), x)
    back = t(inverse(safe))
    elsewhere = ops.sum(g * back, axis=(-2, -1), keepdims=True) * y - product(product(back, g, False, True), y)
    return (ops.where(singular, at_singular, elsewhere),)


def _singular_into(x, u, s, vh, singular):
    u[...], s[...], vh[...] = np.linalg.svd(x)
    singular[...] = s[..., -1] <= s[..., 0] * (x.shape[-1] * np.finfo(x.dtype).eps)


@primitive(tensors=1, multiple=True, differentiable=False)
def _singular_parts(x):
    """(U, s, V') and whether x is singular, as far as its dtype can tell."""
    return _call(_singular_into, (x,), [*_same(x), (x.shape[:-1], x.dtype), *_same(x), (x.shape[:-2], "bool")])


@_singular_parts.shape
def _(x):
    return [*_same(x), (x.shape[:-1], x.dtype), *_same(x), (x.shape[:-2], "bool")]


def _products_without_two(s):
    """p[i, j] = product of all s but s_i and s_j; 0 on the diagonal."""
    n = s.shape[-1]
    number = np.arange(n)
    left_out = (number[:, None, None] == number) | (number[None, :, None] == number)
    products = ops.prod(ops.where(ops.convert_to_tensor(left_out), 1, ops.expand_dims(s, (-3, -2))), axis=-1)
    return ops.where(ops.eye(n, dtype="bool"), 0, products)


def _slogdet_into(x, sign, logdet):
    sign[...], logdet[...] = np.linalg.slogdet(x)


@primitive(tensors=1, multiple=True)
def slogdet(x):
    """(sign, log |determinant|)."""
    return _call(_slogdet_into, (x,), [(x.shape[:-2], x.dtype)] * 2)


@slogdet.shape
def _(x):
    return [(x.shape[:-2], x.dtype)] * 2


@slogdet.gradient
def _(g, x):
    to_log = ops.expand_dims(g[1], (-2, -1))
    return (ops.where(ops.equal(to_log, 0), 0, to_log * t(_inverse_or_nan(x))),)  # the sign alone has the slope 0 everywhere


def _inverse_or_nan_into(x, out):
    try:
        out[...] = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        usable = np.linalg.det(x) != 0
        out[...] = np.linalg.inv(np.where(usable[..., None, None], x, np.eye(x.shape[-1], dtype=x.dtype)))
        out[~usable] = np.nan


@primitive(tensors=1)
def _inverse_or_nan(x):
    """x^-1, and NaN for a singular matrix, where log |det| has no slope: the others of a batch keep theirs."""
    return _call(_inverse_or_nan_into, (x,), _same(x))[0]


@_inverse_or_nan.gradient
def _(g, y, x):
    return (-product(product(y, g, True, False), y, False, True),)


# -- eigenvalues ----------------------------------------------------------------------------------------------------
def _eigh_into(x, w, v):
    w[...], v[...] = np.linalg.eigh(x)


@primitive(tensors=1, multiple=True)
def eigh(x):
    """(ascending eigenvalues, eigenvectors as columns) of symmetric matrices."""
    return _call(_eigh_into, (x,), [(x.shape[:-1], x.dtype), (x.shape, x.dtype)])


@eigh.shape
def _(x):
    return [(x.shape[:-1], x.dtype), (x.shape, x.dtype)]


def _gap_inverse(w):
    """1 / (w_j - w_i), 0 on the diagonal."""
    gap = ops.expand_dims(w, -2) - ops.expand_dims(w, -1)
    same = ops.equal(gap, 0)
    return ops.where(same, 0.0, 1.0 / ops.where(same, 1.0, gap))


@eigh.gradient
def _(g, y, x):
    gw, gv = g
    w, v = y
    inner = diagonal_matrix(gw) + _gap_inverse(w) * product(v, gv, True, False)
    s = product(product(v, inner), v, False, True)
    return (0.5 * (s + t(s)),)


def _eig_into(x, w, v):
    w[...], v[...] = np.linalg.eig(x)


@primitive(tensors=1, multiple=True)
def eig(x):
    """(eigenvalues, eigenvectors as columns), complex. Without a gradient."""
    kind = "complex128" if x.dtype == np.float64 else "complex64"
    return _call(_eig_into, (x,), [(x.shape[:-1], kind), (x.shape, kind)])


@eig.shape
def _(x):
    kind = "complex128" if x.dtype == "float64" else "complex64"
    return [(x.shape[:-1], kind), (x.shape, kind)]
