"""keras.ops.linalg: factorizations, solvers and norms."""

from kerasgpu.ops.linalg.factorizations import cholesky, cholesky_inverse, eig, eigh, lu_factor, qr, svd
from kerasgpu.ops.linalg.jvp import jvp
from kerasgpu.ops.linalg.norms import norm
from kerasgpu.ops.linalg.solvers import det, inv, lstsq, matrix_rank, pinv, solve, solve_triangular

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]
