"""Cases of the special functions, of activations, and of writing by index."""

import math

import numpy as np
from case import Case, draw, integers, unary

import kerasgpu.ops.primitives.rnn  # noqa: F401 (only layers use it, which load late)

KINK = {"smooth": False}
FIXED = {"differentiable": False}


def each(function):
    return np.vectorize(function, otypes=[float])


erf = each(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def erfinv(y):
    """Newton's method on erf."""
    x = np.zeros_like(y)
    for _ in range(60):
        x = x - (erf(x) - y) * np.exp(x * x) * math.sqrt(math.pi) / 2
    return x


def digamma(x):
    """Recurrence up to 20, then the asymptotic series (Abramowitz & Stegun 6.3.18)."""
    out = np.zeros_like(x)
    while np.any(x < 20):
        out, x = np.where(x < 20, out - 1 / x, out), np.where(x < 20, x + 1, x)
    return out + np.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)


def selu(x):
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))


def assigned(x, indices, updates):
    out = x.copy()
    for i, u in zip(indices, updates):
        out[tuple(i)] = u
    return out


def scattered(indices, values, shape):
    out = np.zeros(shape)
    for i, v in zip(indices, values):
        out[tuple(i)] += v
    return out


def with_block(x, starts, block):
    out = x.copy()
    out[tuple(slice(s, s + n) for s, n in zip(starts, block.shape))] = block
    return out


CASES = {
    "erf": unary(erf),
    "erfc": unary(each(math.erfc)),
    "erfinv": unary(erfinv, -0.9, 0.9, tolerance=10),
    "rsqrt": unary(lambda x: 1 / np.sqrt(x), 0.1, 4.0),
    "rnn.equal_parts": [Case((draw((2, 6)), 3, -1), lambda x, n, axis: tuple(np.split(x, n, axis)))],
    "elementwise.lgamma": unary(each(math.lgamma), 0.3, 6.0, smooth=False),
    "elementwise.digamma": unary(digamma, 0.3, 6.0, **FIXED),
    "logsumexp": [Case((draw((3, 5)),), lambda x, axis=None: np.log(np.exp(x).sum(axis)), {"axis": k}) for k in (None, 0, -1)],
    "sigmoid": unary(sigmoid),
    "log_sigmoid": unary(lambda x: np.log(sigmoid(x))),
    "softplus": unary(lambda x: np.logaddexp(x, 0)),
    "softsign": unary(lambda x: x / (1 + np.abs(x))),
    "silu": unary(lambda x: x * sigmoid(x)),
    "gelu": unary(lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    "relu": unary(lambda x: np.maximum(x, 0), **KINK),
    "relu6": unary(lambda x: np.clip(x, 0, 6), **KINK),
    "leaky_relu": [Case((draw((3, 5)), 0.3), lambda x, a: np.where(x > 0, x, a * x), **KINK)],
    "elu": [Case((draw((3, 5)), 0.7), lambda x, a: np.where(x > 0, x, a * np.expm1(x)))],
    "selu": unary(selu),
    "hard_sigmoid": unary(lambda x: np.clip(x / 6 + 0.5, 0, 1), **KINK),
    "softmax": [Case((draw((3, 5)), k), lambda x, axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True)) for k in (-1, 0)],
    "log_softmax": [Case((draw((3, 5)), k), lambda x, axis: x - np.log(np.exp(x).sum(axis, keepdims=True))) for k in (-1, 0)],
    "activations.gelu": unary(lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "activations.sigmoid_cross_entropy": [
        Case((draw(s), draw(s, 0.1, 0.9, 3)), lambda x, z: np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x))))
        for s in ((3, 5), (), (0, 2), (17,))
    ],
    "top_k": [Case((draw((3, 9)), 4), lambda x, k: (-np.sort(-x)[..., :k], np.argsort(-x, kind="stable")[..., :k]), **KINK)],
    "scatter": [Case((integers((4, 1), 0, 3), draw((4, 2)), (3, 2)), scattered)],
    "scatter_update": [
        Case((draw((3, 2)), np.array([[0], [2], [0]], "int32"), draw((3, 2), seed=1)), assigned),
        Case((draw((3, 2)), np.array([[0, 1], [2, 0]], "int32"), draw((2,), seed=1)), assigned),
    ],
    "slice_update": [Case((draw((4, 5)), (1, 2), draw((2, 3))), with_block)],
    "segment_sum": [
        Case((draw((5, 2)), np.array([0, 2, 2, 0, 1], "int32"), 3), lambda x, s, n: scattered(s[:, None], x, (n, 2)))
    ],
    "one_hot": [Case((integers((3, 2), 0, 4), 4), lambda x, n: np.eye(n)[x], **FIXED)],
}
