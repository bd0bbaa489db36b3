"""Cases of linear algebra, Fourier transforms, cross-entropies, moments and segments.

A factorization is compared by what it reproduces: signs and phases of its factors are free.
"""

import numpy as np
from case import Case, draw

from kerasgpu import ops

KINK = {"smooth": False}
FIXED = {"differentiable": False}


def positive(n, seed=0):
    a = draw((n, n), seed=seed)
    return a @ a.T + n * np.eye(n)


def regular(n, seed=0):
    return draw((n, n), seed=seed) + 3 * np.eye(n)


def symmetric(function):
    """function of the symmetric part, so that a direction of the check stays inside its domain."""
    return lambda x: function((x + ops.swapaxes(x, -1, -2)) * 0.5)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def labelled(x, y):
    return -np.log(np.take_along_axis(softmax(x), y[..., None], -1))[..., 0]


def from_svd(x):
    u, s, v = ops.svd(x, full_matrices=False)
    return ops.matmul(u * s, v)


def from_eigh(x):
    values, vectors = ops.eigh(x)
    return ops.matmul(vectors * values, ops.transpose(vectors))


def from_lu(x):
    packed, pivots = ops.lu_factor(x)
    return ops.absolute(ops.prod(ops.diagonal(packed))) + 0 * ops.sum(ops.cast(pivots, packed.dtype))


def segments(name, neutral):
    def reference(x, s, n):
        out = np.full((n, *x.shape[1:]), neutral)
        for row, k in zip(x, s):
            out[k] = name(out[k], row)
        return out

    return reference


IDS = np.array([0, 2, 2, 0, 1], "int32")

CASES = {
    "det": [Case((regular(3),), np.linalg.det, tolerance=10)],
    "inv": [Case((regular(3),), np.linalg.inv, tolerance=10)],
    "pinv": [Case((draw((4, 3)) + np.eye(4, 3) * 3,), np.linalg.pinv, tolerance=100, **KINK)],
    "solve": [Case((regular(3), draw((3, 2))), np.linalg.solve, tolerance=10)],
    "solve_triangular": [Case((np.triu(regular(3)), draw((3, 2))), lambda a, b: np.linalg.solve(np.triu(a), b), tolerance=10)],
    "cholesky": [
        Case((positive(3),), np.linalg.cholesky, function=symmetric(lambda x: ops.cholesky(x)), tolerance=10),
    ],
    "slogdet": [Case((regular(3),), lambda x: np.linalg.slogdet(x)[1], function=lambda x: ops.slogdet(x)[1], tolerance=10)],
    "qr": [Case((regular(3),), lambda x: x, function=lambda x: ops.matmul(*ops.qr(x)), tolerance=10)],
    "svd": [
        Case((regular(3),), lambda x: x, function=from_svd, tolerance=10, smooth=False),
        Case(
            (regular(3),),
            lambda x: np.linalg.svd(x)[1],
            {},
            function=lambda x: ops.svd(x, compute_uv=False),
            tolerance=10,
            **KINK,
        ),
    ],
    "eigh": [Case((positive(3),), lambda x: x, function=symmetric(from_eigh), tolerance=100, smooth=False)],
    "lu_factor": [Case((regular(3),), lambda x: np.abs(np.linalg.det(x)), function=from_lu, tolerance=10, smooth=False)],
    "fft": [
        Case(([draw((2, 8)), draw((2, 8), seed=1)],), lambda x: (lambda z: (z.real, z.imag))(np.fft.fft(x[0] + 1j * x[1])))
    ],
    "rfft": [Case((draw((2, 8)),), lambda x: (lambda z: (z.real, z.imag))(np.fft.rfft(x)))],
    "primitives.cross_entropy": [
        Case(
            (draw((4, 5)), np.array([0, 4, 2, 2], "int32")),
            labelled,
            function=lambda x, y: ops.sparse_categorical_crossentropy(y, x, from_logits=True),
        ),
        Case(
            (draw((4, 5)), softmax(draw((4, 5), seed=3))),
            lambda x, t: -(t * np.log(softmax(x))).sum(-1),
            function=lambda x, t: ops.categorical_crossentropy(t, x, from_logits=True),
        ),
    ],
    "moments": [Case((draw((3, 5)), 1), lambda x, k: (x.mean(k), x.var(k)))],
    "segment_max": [Case((draw((5, 2)), IDS, 3), segments(np.maximum, -np.inf), **KINK)],
    "segment_min": [Case((draw((5, 2)), IDS, 3), segments(np.minimum, np.inf), **KINK)],
    "segment_prod": [Case((draw((5, 2)), IDS, 3), segments(np.multiply, 1.0), **KINK)],
    "eig": [
        Case((np.triu(regular(3)),), lambda x: np.linalg.eig(x)[0].real, function=lambda x: ops.real(ops.eig(x)[0]), **FIXED)
    ],
    "view_as_complex": [
        Case(
            (draw((3, 2)),),
            lambda x: x * 2,
            function=lambda x: ops.cast(ops.view_as_real(ops.view_as_complex(x)), x.dtype) * 2,
            tolerance=1e5,
            **FIXED,
        )
    ],
    "ctc_decode": [
        Case(
            (np.log(np.array([[[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]])),),
            lambda x: np.array([[[1, 2, -1, -1]]]),
            function=lambda x: ops.ctc_decode(x, np.array([4]), strategy="beam_search", beam_width=4, mask_index=0)[0],
            **FIXED,
        )
    ],
}
