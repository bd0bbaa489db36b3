"""Cases of depthwise convolution (the shapes of MobileNet) and pooling (those of the convnet and xception workloads)."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case
from kerasgpu import kernels
from kerasgpu.kernels.window import Window

DEPTHWISE = [(112, 32, 1), (112, 64, 2), (56, 128, 1), (56, 128, 2), (28, 256, 1), (28, 256, 2), (14, 512, 1), (14, 512, 2)]
DEPTHWISE += [(7, 1024, 1)]
POOLING = [(128, 26, 32, 2, "valid"), (128, 11, 64, 2, "valid"), (32, 32, 128, 3, "same"), (32, 16, 256, 3, "same")]


def square(size, taps, stride, padding):
    """The Window over (size, size)."""
    if padding == "same":
        count = -(-size // stride)
        before = max((count - 1) * stride + taps - size, 0) // 2
    else:
        count, before = (size - taps) // stride + 1, 0
    return Window((size,) * 2, (count,) * 2, (taps,) * 2, (stride,) * 2, (1, 1), (before,) * 2)


def _data(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype("float32")


def depthwise_cases():
    d = kernels.depthwise
    for batch in (1, 8):
        for size, channels, stride in DEPTHWISE:
            w = square(size, 3, stride, "same")
            x, k, g = _data(batch, *w.size, channels), _data(3, 3, channels, 1), _data(batch, *w.count, channels)
            shape = f"{batch}x{size}x{size}x{channels}" + (f" /{stride}" if stride > 1 else "")
            for function, a, b in (
                (d.depthwise_conv, x, k),
                (d.depthwise_input_grad, g, k),
                (d.depthwise_filter_grad, x, g),
            ):
                peer = {"operation": function.__name__, "x": x.shape, "filters": channels, "groups": channels}
                peer |= {"kernel": 3, "stride": stride, "padding": [1, 1]}  # as many windows, and the same work
                call = lambda f=function, a=a, b=b, w=w: f(a, b, w)
                yield Case(function.__name__, shape, call, None, 18.0 * g.size, 4.0 * (x.size + k.size + g.size), peer)


def pooling_cases():
    p = kernels.pooling
    for batch, size, channels, taps, padding in POOLING:
        w = square(size, taps, 2, padding)
        x, g = _data(batch, *w.size, channels), _data(batch, *w.count, channels)
        _, arg = p.max_pool(x, w, taps=True)
        shape, moved = f"{batch}x{size}x{size}x{channels} {taps}x{taps} /2", 4.0 * (x.size + g.size)
        for name, operation, call, more in (
            ("max_pool", "max alone", lambda x=x, w=w: p.max_pool(x, w), 0),
            ("max_pool with taps", "max forward", lambda x=x, w=w: p.max_pool(x, w, taps=True), g.size),
            ("max_pool_grad", "max gradient", lambda g=g, a=arg, w=w: p.max_pool_grad(g, a, w), g.size),
            ("average_pool", "average forward", lambda x=x, w=w: p.average_pool(x, w), 0),
            ("average_pool_grad", "average gradient", lambda g=g, w=w: p.average_pool_grad(g, w), 0),
        ):
            peer = {"operation": operation, "x": x.shape, "kernel": taps, "stride": 2, "padding": int(padding == "same")}
            yield Case(f"pooling: {name}", shape, call, None, 0, moved + more, peer)
