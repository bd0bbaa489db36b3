"""Convolution and its gradients, on the layers of a small network for digits, a CIFAR ResNet, an Xception and ResNet-50."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case
from kerasgpu.kernels.conv import conv, conv_filter_grad, conv_input_grad
from kerasgpu.kernels.window import Window

# batch, height (= width), channels, window, filters, stride, padding
SHAPES = [
    (128, 28, 1, 3, 32, 1, "valid"),
    (128, 13, 32, 3, 64, 1, "valid"),
    (64, 32, 3, 3, 16, 1, "same"),
    (64, 32, 16, 3, 16, 1, "same"),
    (64, 32, 16, 3, 32, 2, "same"),
    (64, 32, 16, 1, 32, 2, "same"),
    (64, 16, 32, 3, 32, 1, "same"),
    (64, 8, 64, 3, 64, 1, "same"),
    (32, 64, 3, 3, 64, 2, "same"),
    (32, 32, 64, 1, 128, 1, "same"),
    (32, 16, 256, 1, 256, 1, "same"),
    (1, 224, 3, 7, 64, 2, "same"),
    (1, 56, 64, 3, 64, 1, "same"),
    (1, 56, 256, 1, 64, 1, "same"),
    (1, 28, 128, 3, 128, 1, "same"),
    (1, 14, 256, 3, 256, 1, "same"),
    (1, 7, 512, 3, 512, 1, "same"),
    (1, 7, 512, 1, 2048, 1, "same"),
    (8, 56, 64, 3, 64, 1, "same"),
    (8, 28, 128, 3, 128, 1, "same"),
    (8, 28, 512, 1, 256, 2, "same"),
    (8, 14, 256, 3, 256, 1, "same"),
    (8, 14, 1024, 1, 256, 1, "same"),
    (8, 7, 512, 3, 512, 1, "same"),
]


def _padding(size, kernel, stride, padding):
    """(windows, zeros before, zeros after) of one dim."""
    if padding == "valid":
        return (size - kernel) // stride + 1, 0, 0
    count = -(-size // stride)
    total = max((count - 1) * stride + kernel - size, 0)
    return count, total // 2, total - total // 2


def conv_cases():
    rng = np.random.default_rng(0)
    for batch, size, channels, kernel, filters, stride, padding in SHAPES:
        count, before, after = _padding(size, kernel, stride, padding)
        window = Window((size, size), (count, count), (kernel, kernel), (stride, stride), (1, 1), (before, before))
        x = rng.standard_normal((batch, size, size, channels), "float32")
        w = rng.standard_normal((kernel, kernel, channels, filters), "float32")
        dy = rng.standard_normal((batch, count, count, filters), "float32")
        flops = 2.0 * dy.size * kernel * kernel * channels
        name = f"{batch}x{size}x{size}x{channels} {kernel}x{kernel} {filters}" + (f" /{stride}" if stride > 1 else "")
        for function, a, b in ((conv, x, w), (conv_input_grad, dy, w), (conv_filter_grad, x, dy)):
            peer = {
                "operation": function.__name__,
                "x": x.shape,
                "filters": filters,
                "kernel": kernel,
                "stride": stride,
                "padding": [before, after],
            }
            call = lambda f=function, a=a, b=b, window=window: f(a, b, window)
            yield Case(function.__name__, name, call, None, flops, 4.0 * (x.size + w.size + dy.size), peer)
