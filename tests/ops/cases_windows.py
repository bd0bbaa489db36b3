"""Cases of depthwise convolution and pooling in 1, 2 and 3 dims, both data formats, and of the primitives behind them."""

import itertools

import numpy as np
from case import Case, draw, integers

from kerasgpu.kernels.window import Window

KINK = {"smooth": False}
FIXED = {"differentiable": False}


def seen(size, kernel, stride, dilation, before, count):
    """(tap, output position, input position) wherever the tap of that window lies inside the input."""
    for tap in itertools.product(*map(range, kernel)):
        for o in itertools.product(*map(range, count)):
            i = tuple(a * s + t * d - b for a, s, t, d, b in zip(o, stride, tap, dilation, before))
            if all(0 <= a < n for a, n in zip(i, size)):
                yield tap, (slice(None), *o), (slice(None), *i)


def geometry(size, kernel, strides, padding, dilation=1):
    n = len(size)
    kernel, stride, dilation = ((v,) * n if isinstance(v, int) else v for v in (kernel, strides, dilation))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    if padding == "same":
        count = tuple(-(-a // s) for a, s in zip(size, stride))
        before = tuple(max((c - 1) * s + r - a, 0) // 2 for a, s, r, c in zip(size, stride, reach, count))
    else:
        count, before = tuple((a - r) // s + 1 for a, s, r in zip(size, stride, reach)), (0,) * n
    return size, kernel, stride, dilation, before, count


def last(x, data_format):
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


def back(y, data_format):
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


def depthwise(x, k, strides=1, padding="valid", data_format="channels_last", dilation_rate=1):
    x = last(x, data_format)
    size, kernel, *rest = geometry(x.shape[1:-1], k.shape[:-2], strides, padding, dilation_rate)
    y = np.zeros((len(x), *rest[-1], *k.shape[-2:]))
    for tap, o, i in seen(size, kernel, *rest):
        y[o] += x[i][..., None] * k[tap]
    return back(y.reshape(*y.shape[:-2], -1), data_format)


def pooled(kind):
    def pool(x, size, strides=None, padding="valid", data_format="channels_last"):
        x = last(x, data_format)
        parts = geometry(x.shape[1:-1], size, size if strides is None else strides, padding)
        low = np.iinfo(x.dtype).min if x.dtype.kind == "i" else -np.inf
        y, n = np.full((len(x), *parts[-1], x.shape[-1]), low if kind == "max" else 0, x.dtype), np.zeros((*parts[-1], 1))
        for _, o, i in seen(*parts):
            y[o] = np.maximum(y[o], x[i]) if kind == "max" else y[o] + x[i]
            n[o[1:]] += 1
        return back(y if kind == "max" else y / n, data_format)

    return pool


def filter_grad(x, g, w):
    k = np.zeros((*w.kernel, x.shape[-1], 1))
    for tap, o, i in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        k[tap] += (x[i] * g[o]).sum(0)[:, None]
    return k


def input_grad(g, k, w):
    x = np.zeros((len(g), *w.size, k.shape[-2]))
    for tap, o, i in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        x[i] += g[o] * k[tap][:, 0]
    return x


def routed(g, taps, w):
    x = np.zeros((len(g), *w.size, g.shape[-1]))
    for tap, o, i in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        x[i] += np.where(taps[o] == np.ravel_multi_index(tap, w.kernel), g[o], 0)
    return x


def taken(x, taps, w):
    y = np.zeros(taps.shape)
    for tap, o, i in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        y[o] = np.where(taps[o] == np.ravel_multi_index(tap, w.kernel), x[i], y[o])
    return y


def spread(g, w):
    x, n = np.zeros((len(g), *w.size, g.shape[-1])), np.zeros((*w.count, 1))
    for _, o, _ in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        n[o[1:]] += 1
    for _, o, i in seen(w.size, w.kernel, w.stride, w.dilation, w.before, w.count):
        x[i] += g[o] / n[o[1:]]
    return x


X1, X2, X3 = draw((2, 9, 3)), draw((2, 6, 7, 3)), draw((1, 4, 5, 3, 2))
W = Window((5, 6), (3, 3), (3, 2), (2, 2), (1, 1), (1, 0))
G, TAPS = draw((2, 3, 3, 4)), integers((2, 3, 3, 4), 0, 7, "uint8")
POOLS = [
    Case((x, size), None, {"strides": strides, "padding": padding})
    for x, size, strides in ((X1, 3, 2), (X2, (3, 2), (2, 3)), (X2, 9, 2), (X3, 2, 1))
    for padding in ("valid", "same")
    if padding == "same" or size != 9
] + [Case((draw((2, 3, 6, 5)), 2), None, {"strides": 1, "padding": "same", "data_format": "channels_first"})]


def pools(kind, **flags):
    return [Case(c.args, pooled(kind), c.kwargs, **flags) for c in POOLS]


CASES = {
    "depthwise_conv": [
        Case((X1, draw((3, 3, 2), seed=1)), depthwise, {"strides": 2, "padding": "same"}, tolerance=10),
        Case((X2, draw((3, 2, 3, 1), seed=1)), depthwise, {"strides": (3, 2), "padding": "same"}, tolerance=10),
        Case((X2, draw((3, 2, 3, 1), seed=1)), depthwise, {"strides": 2, "dilation_rate": (2, 3)}, tolerance=10),
        Case((X3, draw((2, 3, 3, 2, 2), seed=1)), depthwise, {"padding": "same"}, tolerance=10),
        Case((draw((2, 3, 6, 5)), draw((3, 3, 3, 2), seed=1)), depthwise, {"data_format": "channels_first"}, tolerance=10),
    ],
    "depthwise.depthwise_filter_grad": [Case((draw((2, 5, 6, 4)), G, W), filter_grad, tolerance=10)],
    "depthwise.depthwise_input_grad": [Case((G, draw((3, 2, 4, 1)), W), input_grad, tolerance=10)],
    "max_pool": [
        *pools("max", **KINK),
        Case((integers((2, 5, 6, 3), -9, 9), 3, 2, "same"), pooled("max"), **FIXED),
        Case((integers((2, 5, 3), -9, 9, "int8"), 2), pooled("max"), **FIXED),
    ],
    "average_pool": pools("mean", tolerance=10),
    "pooling.max_pool_grad": [Case((G, TAPS, W), routed)],
    "pooling.max_pool_take": [Case((draw((2, 5, 6, 4)), TAPS, W), taken)],
    "pooling.average_pool_grad": [Case((G, W), spread)],
    "pooling.upsample": [
        Case((X1, (3,)), lambda x, f: x.repeat(3, 1), tolerance=10),
        Case((X2, (2, 3)), lambda x, f: x.repeat(2, 1).repeat(3, 2), tolerance=10),
        Case((X3, (2, 1, 2)), lambda x, f: x.repeat(2, 1).repeat(2, 3), tolerance=10),
    ],
    "adaptive_max_pool": [Case((draw((2, 6, 8, 3)), (3, 2)), lambda x, m: x.reshape(2, 3, 2, 2, 4, 3).max((2, 4)), **KINK)],
    "adaptive_average_pool": [Case((draw((2, 6, 8, 3)), (3, 2)), lambda x, m: x.reshape(2, 3, 2, 2, 4, 3).mean((2, 4)))],
}
