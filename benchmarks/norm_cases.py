"""Normalization cases, with the bytes that each must move at least; `python -m benchmarks.norm_cases` compares with PyTorch.

Batch normalization reads x for the statistics and again for the result (12 bytes an element with the store), its gradient reads x and
its incoming gradient twice (20 bytes). Layer normalization sees each row once: 8 and 12 bytes.
"""

from __future__ import annotations

import numpy as np

from benchmarks import peaks, timing
from kerasgpu.kernels import norm

# (rows, channels): resnet and separable convolutions on small images, ResNet-50 at its widest early stage
BATCH = [
    (64 * 32 * 32, 16),
    (64 * 16 * 16, 32),
    (64 * 8 * 8, 64),
    (32 * 32 * 32, 64),
    (32 * 16 * 16, 128),
    (32 * 8 * 8, 256),
    (8 * 56 * 56, 256),
]
ROWS = [(4096, 128), (4096, 512), (16384, 768)]
EPSILON = 1e-3


def _data(shape):
    r = np.random.default_rng(0)
    x, g = (r.standard_normal(shape).astype("float32") for _ in range(2))
    return x, g, np.ones(shape[1], "float32"), np.zeros(shape[1], "float32")


def batch_functions(shape):
    """(forward, backward, inference) of ours."""
    x, g, gamma, beta = _data(shape)
    view = (1, *shape, 1)
    _, mean, variance, saved = norm.batch_norm(x, view, gamma, beta, EPSILON)
    return (
        lambda: norm.batch_norm(x, view, gamma, beta, EPSILON),
        lambda: norm.batch_norm_grad(x, g, view, mean, saved, gamma),
        lambda: norm.batch_norm_apply(x, view[1:], mean, variance, gamma, beta, EPSILON),
    )


def row_functions(shape):
    """(forward, backward) of ours."""
    x, g, gamma, beta = _data(shape)
    _, saved = norm.layer_norm(x, shape[1], gamma, beta, EPSILON)
    return (
        lambda: norm.layer_norm(x, shape[1], gamma, beta, EPSILON),
        lambda: norm.layer_norm_grad(x, g, shape[1], saved, gamma),
    )


def norm_cases():
    from benchmarks.cases import Case

    for shape in BATCH:
        size, name = shape[0] * shape[1], "x".join(map(str, shape))
        for what, run, moved in zip(("", "_grad", "_apply"), batch_functions(shape), (12.0, 20.0, 8.0)):
            yield Case(f"batch_norm{what}", name, run, None, 6.0 * size, moved * size)
    for shape in ROWS:
        size, name = shape[0] * shape[1], "x".join(map(str, shape))
        for what, run, moved in zip(("", "_grad"), row_functions(shape), (8.0, 12.0)):
            yield Case(f"layer_norm{what}", name, run, None, 8.0 * size, moved * size)


def torch_functions(torch, kind, shape):
    """(forward, backward) of PyTorch on the same numbers: the operators themselves, without autograd's bookkeeping."""
    x, g, gamma, beta = (torch.from_numpy(a) for a in _data(shape))
    aten = torch.ops.aten
    if kind == "layer_norm":
        _, mean, inverse = aten.native_layer_norm(x, [shape[1]], gamma, beta, EPSILON)
        return (
            lambda: aten.native_layer_norm(x, [shape[1]], gamma, beta, EPSILON),
            lambda: aten.native_layer_norm_backward(g, x, [shape[1]], mean, inverse, gamma, beta, [True] * 3),
        )

    def channels_last(a):
        return a.reshape(1, shape[0], 1, shape[1]).permute(0, 3, 1, 2)

    x, g = channels_last(x), channels_last(g)
    running = torch.zeros(shape[1]), torch.ones(shape[1])
    _, mean, inverse = aten.native_batch_norm(x, gamma, beta, *running, True, 0.01, EPSILON)
    return (
        lambda: aten.native_batch_norm(x, gamma, beta, *running, True, 0.01, EPSILON),
        lambda: aten.native_batch_norm_backward(g, x, gamma, *running, mean, inverse, True, EPSILON, [True] * 3),
    )


def main():
    import torch

    from kerasgpu import _core

    torch.set_num_threads(_core.num_threads())
    gbs = peaks.measure()["memory_gbs"]
    print(f"{_core.num_threads()} threads, copy {gbs:.1f} GB/s, PyTorch {torch.__version__}; ratio above 1: we are faster")
    for kind, shapes, make, moved in (
        ("batch_norm", BATCH, batch_functions, (12, 20)),
        ("layer_norm", ROWS, row_functions, (8, 12)),
    ):
        for shape in shapes:
            for what, ours, theirs, count in zip(("", "_grad"), make(shape), torch_functions(torch, kind, shape), moved):
                a, b = timing.interleaved([ours, theirs], 9)
                rate = count * shape[0] * shape[1] / min(a) / 1e9
                print(
                    f"{kind + what:16} {shape[0]:6}x{shape[1]:<4} {min(a) * 1e6:9.1f} us  {rate:6.1f} GB/s  "
                    f"best of each {min(b) / min(a):5.2f} x PyTorch"
                )


if __name__ == "__main__":
    main()
