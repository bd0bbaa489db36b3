"""Cases of keras.ops.nn beside activations: convolution, pooling, normalization, attention, encodings, CTC; complex views."""

import itertools

import numpy as np
from case import Case, draw, integers

from kerasgpu import ops
from kerasgpu.ops.primitives import norm

KINK = {"smooth": False}
FIXED = {"differentiable": False}


def windows(x, size, stride, padding, dilation=1, fill=0.0):
    """(batch, rows, columns, size, size, channels): what each window sees, by plain loops."""
    reach = (size - 1) * dilation + 1
    counts, pads = [], []
    for n in x.shape[1:3]:
        count = -(-n // stride) if padding == "same" else (n - reach) // stride + 1
        total = max((count - 1) * stride + reach - n, 0) if padding == "same" else 0
        counts.append(count)
        pads.append((total // 2, total - total // 2))
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    out = np.empty((x.shape[0], *counts, size, size, x.shape[-1]))
    for i, j, a, b in itertools.product(*map(range, counts), range(size), range(size)):
        out[:, i, j, a, b] = x[:, i * stride + a * dilation, j * stride + b * dilation]
    return out


def conv(x, kernel, strides=1, padding="valid", dilation_rate=1):
    groups = x.shape[-1] // kernel.shape[-2]
    seen = windows(x, kernel.shape[0], strides, padding, dilation_rate)
    parts = zip(np.split(seen, groups, -1), np.split(kernel, groups, -1))
    return np.concatenate([np.einsum("bijpqc,pqcf->bijf", s, k) for s, k in parts], -1)


def depthwise(x, kernel, strides=1, padding="valid", dilation_rate=1):
    seen = windows(x, kernel.shape[0], strides, padding, dilation_rate)
    out = np.einsum("bijpqc,pqcm->bijcm", seen, kernel)
    return out.reshape(*out.shape[:3], -1)


def conv_transpose(x, kernel, strides=1, padding="valid"):
    size = kernel.shape[0]
    full = np.zeros((x.shape[0], *((n - 1) * strides + max(size, strides) for n in x.shape[1:3]), kernel.shape[2]))
    for i, j, a, b in itertools.product(*map(range, x.shape[1:3]), range(size), range(size)):
        full[:, i * strides + a, j * strides + b] += x[:, i, j] @ kernel[a, b].T
    if padding == "same":
        start = size - 1 - min((strides + size - 2 + 1) // 2, size - 1)
        full = full[:, start : start + x.shape[1] * strides, start : start + x.shape[2] * strides]
    return full


def max_pool(x, size, strides, padding):
    return windows(x, size, strides, padding, fill=-np.inf).max((3, 4))


def average_pool(x, size, strides, padding):
    return np.nanmean(windows(x, size, strides, padding, fill=np.nan), (3, 4))


def adaptive(reduce):
    def reference(x, size):
        edges = [[(i * n // size, -(-(i + 1) * n // size)) for i in range(size)] for n in x.shape[1:3]]
        rows = [np.stack([reduce(x[:, a:b, c:d], (1, 2)) for c, d in edges[1]], 1) for a, b in edges[0]]
        return np.stack(rows, 1)

    return reference


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(q, k, v, mask=None, is_causal=False):
    groups = q.shape[2] // k.shape[2]
    k, v = np.repeat(k, groups, 2), np.repeat(v, groups, 2)
    logits = np.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
    if mask is not None:
        logits = np.where(mask, logits, -1e30)
    if is_causal:
        logits = np.where(np.tril(np.ones(logits.shape[-2:], bool)), logits, -1e30)
    return np.einsum("bnts,bsnh->btnh", softmax(logits), v)


def layer_norm(x, gamma, beta, epsilon, axis=-1):
    y = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)
    return y * (1 if gamma is None else gamma) + (0 if beta is None else beta)


def rms_norm(x, scale, epsilon, axis=-1):
    return x / np.sqrt((x**2).mean(axis, keepdims=True) + epsilon) * (1 if scale is None else scale)


def _samples(shape, axis, group):
    """Batch normalization has one sample, group normalization one per example; see kernels.norm."""
    samples = 1 if group == 1 else shape[0]
    return (samples, int(np.prod(shape[:axis])) // samples, shape[axis], int(np.prod(shape[axis + 1 :])))


def batch_norm(x, gamma, beta, axis, group):
    samples, rows, channels, inner = _samples(x.shape, axis, group)
    x5 = x.reshape(samples, rows, channels // group, group, inner)
    over = (1, 3, 4)
    y = (x5 - x5.mean(over, keepdims=True)) / np.sqrt(x5.var(over, keepdims=True) + 1e-3)
    y = y.reshape(samples, rows, channels, inner)
    if gamma is not None:
        y = y * gamma[:, None] + beta[:, None]
    return y.reshape(x.shape)


def _batch_norm(x, gamma, beta, axis, group):
    return norm.batch_norm(x, gamma, beta, _samples(x.shape, axis, group), group, 1e-3)[0]


def _moments_024(x):
    return ops.moments(x, (0, 2, 4))


def ctc(target, output, target_length, output_length):
    """The sum over all paths, one by one."""
    losses = []
    for b in range(len(target)):
        steps, wanted = int(output_length[b]), list(target[b][: target_length[b]])
        p = softmax(output[b])
        total = 0.0
        for path in itertools.product(range(output.shape[-1]), repeat=steps):
            labels = [c for c, _ in itertools.groupby(path) if c != 0]
            if labels == wanted:
                total += np.prod([p[t, c] for t, c in enumerate(path)])
        losses.append(-np.log(total))
    return np.array(losses)


def best_labels(output, beam):
    """The most probable labels of one example, over all paths."""
    found: dict = {}
    p = softmax(output)
    for path in itertools.product(range(output.shape[-1]), repeat=len(output)):
        labels = tuple(c for c, _ in itertools.groupby(path) if c != 0)
        found[labels] = found.get(labels, 0.0) + np.prod([p[t, c] for t, c in enumerate(path)])
    return np.log(sorted(found.values(), reverse=True)[:beam])


X = draw((2, 6, 5, 4))
OPTIONS = [{"strides": s, "padding": p, "dilation_rate": d} for s, d in ((1, 1), (2, 1), (1, 2)) for p in ("valid", "same")]
POOLS = [{"strides": s, "padding": p} for s in (1, 2) for p in ("valid", "same")]
TARGET, TARGETS, STEPS = np.array([[1, 2, 2], [2, 1, 0]], "int32"), np.array([2, 2], "int32"), np.array([4, 3], "int32")

CASES = {
    "conv": [
        *(Case((X, draw((3, 3, 4, 3), seed=1)), conv, options, tolerance=10) for options in OPTIONS),
        Case((X, draw((2, 2, 2, 6), seed=1)), conv, tolerance=10),
        Case((X, draw((1, 1, 4, 6), seed=1)), conv, tolerance=10),
    ],
    "depthwise_conv": [
        Case((X, draw((3, 3, 4, m), seed=1)), depthwise, options, tolerance=10) for options in OPTIONS for m in (1, 2)
    ],
    "separable_conv": [
        Case(
            (X, draw((2, 2, 4, 1), seed=1), draw((1, 1, 4, 3), seed=2)),
            lambda x, d, p: conv(depthwise(x, d), p),
            tolerance=10,
        )
    ],
    "conv_transpose": [
        Case((X, draw((3, 3, 2, 4), seed=1)), conv_transpose, {"strides": s, "padding": p}, tolerance=10)
        for s in (1, 2)
        for p in ("valid", "same")
    ],
    "max_pool": [Case((X, 2), max_pool, options, **KINK) for options in POOLS],
    "average_pool": [Case((X, 2), average_pool, options) for options in POOLS],
    "adaptive_max_pool": [Case((X, 3), adaptive(np.max), **KINK), Case((X, 4), adaptive(np.max), **KINK)],
    "adaptive_average_pool": [Case((X, 3), adaptive(np.mean)), Case((X, 4), adaptive(np.mean))],
    "layer_normalization": [
        Case((draw((3, 4, 5)), draw((5,)), draw((5,), seed=1)), layer_norm, {"epsilon": 1e-3}, tolerance=10),
        Case(
            (draw((3, 4, 5)), draw((4, 5)), draw((4, 5), seed=1)), layer_norm, {"epsilon": 1e-3, "axis": (1, 2)}, tolerance=10
        ),
        Case((draw((3, 4, 5)), draw((4, 1)), None), layer_norm, {"epsilon": 1e-3, "axis": 1}, tolerance=10),
        Case((draw((9, 7)), None, draw((7,))), layer_norm, {"epsilon": 1e-3}, tolerance=10),
        Case((draw((5, 3)), None, None), layer_norm, {"epsilon": 1e-3}, tolerance=10),
    ],
    "rms_normalization": [
        Case((draw((3, 5)), draw((5,))), rms_norm, {"epsilon": 1e-3}, tolerance=10),
        Case((draw((3, 5)), None), rms_norm, {"epsilon": 1e-3}, tolerance=10),
        Case((draw((3, 5)), draw((3, 1))), rms_norm, {"epsilon": 1e-3, "axis": 0}, tolerance=10),
    ],
    "batch_normalization": [
        Case(
            (X, draw((5,)), draw((5,), 0.5, 2.0), 2, draw((5,), seed=2), draw((5,), seed=3)),
            lambda x, m, v, axis, o, s: (x - m[:, None]) / np.sqrt(v[:, None] + 1e-3) * s[:, None] + o[:, None],
            tolerance=10,
        )
    ],
    "moments": [
        Case((draw((3, 4, 5)),), lambda x, axes: (x.mean(axes), x.var(axes)), {"axes": axes}, tolerance=10)
        for axes in ((0, 1, 2), (0, 1), (1, 2), (1,), (0, 2), ())
    ]
    + [Case((draw((2, 3, 2, 3, 2)),), lambda x: (x.mean((0, 2, 4)), x.var((0, 2, 4))), {}, function=_moments_024)],
    "batch_norm": [
        Case(
            (draw(s), draw((4,), 0.5, 2.0), draw((4,), seed=2)),
            batch_norm,
            {"axis": axis, "group": group},
            function=_batch_norm,
            tolerance=20,
        )
        for s, axis, group in (((6, 4), 1, 1), ((3, 4, 5), 1, 1), ((3, 5, 4), 2, 2), ((2, 4, 3, 1), 1, 4))
    ]
    + [Case((draw((6, 4)), None, None), batch_norm, {"axis": 1, "group": 1}, function=_batch_norm, tolerance=20)],
    "moving_averages": [
        Case(
            (draw((4,)), draw((4,), seed=1), draw((4,), seed=2), draw((4,), seed=3)),
            lambda a, b, c, d: (0.9 * a + 0.1 * c, 0.9 * b + 0.1 * d),
            differentiable=False,
            function=lambda *v: norm.moving_averages(*v, 0.9),
        )
    ],
    "normalize": [
        Case((draw((3, 5)),), lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), tolerance=10),
        Case((draw((3, 5)), 0, 3), lambda x, a, p: x / (np.abs(x) ** p).sum(a, keepdims=True) ** (1 / p), tolerance=10),
    ],
    "dot_product_attention": [
        Case((draw((2, 3, 4, 5)), draw((2, 6, 2, 5), seed=1), draw((2, 6, 2, 5), seed=2)), attention, tolerance=10),
        Case(
            (draw((2, 3, 2, 5)), draw((2, 3, 2, 5), seed=1), draw((2, 3, 2, 5), seed=2)),
            attention,
            {"mask": np.array([[True, False, True], [True, True, True], [False, True, True]]), "is_causal": True},
            tolerance=10,
        ),
    ],
    "one_hot": [
        Case((integers((3, 4), -1, 6), 5), lambda x, n: (x[..., None] == np.arange(n)) * 1.0, **FIXED),
        Case((integers((3, 4), 0, 5), 5, 1), lambda x, n, a: np.moveaxis((x[..., None] == np.arange(n)) * 1.0, -1, 1), **FIXED),
    ],
    "multi_hot": [
        Case((integers((3, 4), 0, 5), 5), lambda x, n: (x[..., None] == np.arange(n)).max(1) * 1.0, **FIXED),
    ],
    "ctc_loss": [
        Case((TARGET, draw((2, 4, 3)), TARGETS, STEPS), ctc, tolerance=100),
    ],
    "ctc_decode": [
        Case(
            (draw((1, 4, 3)), np.array([4], "int32")),
            lambda x, n: best_labels(x[0], 3)[None],
            function=lambda x, n: ops.ctc_decode(x, n, "beam_search", top_paths=3)[1],
            tolerance=100,
            **FIXED,
        ),
    ],
    "unfold": [
        Case(
            (X.transpose(0, 3, 1, 2).copy(), 2),
            lambda x, k, stride: (
                windows(x.transpose(0, 2, 3, 1), k, stride, "valid").transpose(0, 5, 3, 4, 1, 2).reshape(2, 16, -1)
            ),
            {"stride": 2},
        )
    ],
    "fold": [
        Case(
            (draw((2, 8, 4)), 4, 2),
            lambda x, n, k, stride: x.reshape(2, 2, 2, 2, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 4, 4),
            {"stride": 2},
        )
    ],
    "depth_to_space": [
        Case(
            (draw((2, 3, 2, 8)), 2),
            lambda x, b: x.reshape(2, 3, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(2, 6, 4, 2),
        )
    ],
    "space_to_depth": [
        Case(
            (draw((2, 4, 6, 3)), 2),
            lambda x, b: x.reshape(2, 2, 2, 3, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 3, 12),
        )
    ],
    "psnr": [
        Case((draw((3, 4)), draw((3, 4), seed=1), 2.0), lambda a, b, m: 20 * np.log10(m) - 10 * np.log10(((a - b) ** 2).mean()))
    ],
    "view_as_real": [
        Case(
            (draw((3,)) + 1j * draw((3,), seed=1),),
            lambda z: np.stack([z.real, z.imag], -1),
            **FIXED,
        )
    ],
    "polar": [
        Case(
            (draw((3,)), draw((3,), seed=1)),
            lambda r, a: np.stack([r * np.cos(a), r * np.sin(a)], -1),
            function=lambda r, a: ops.view_as_real(ops.polar(r, a)),
            **FIXED,
        )
    ],
}
