"""Windows for the tests of convolution and pooling, and what their taps see, in float64 NumPy from the definition."""

import itertools

import numpy as np

from kerasgpu.kernels.window import Window


def window(size, kernel, stride=1, dilation=1, padding="valid"):
    """A Window over dims of `size`; padding: "valid", "same", or how many positions to add (before, after) in every dim."""
    n = len(size)
    kernel, stride, dilation = (v if isinstance(v, tuple) else (v,) * n for v in (kernel, stride, dilation))
    before, count = [], []
    for s, k, t, d in zip(size, kernel, stride, dilation):
        reach = (k - 1) * d + 1
        if padding == "same":
            outputs = -(-s // t)
            before.append(max((outputs - 1) * t + reach - s, 0) // 2)
        else:
            low, high = (0, 0) if padding == "valid" else padding
            outputs = max((s + low + high - reach) // t + 1, 0)
            before.append(low)
        count.append(outputs)
    return Window(tuple(size), tuple(count), kernel, stride, dilation, tuple(before))


def taps(w):
    """(number, positions in the kernel) of each tap in order."""
    return list(enumerate(itertools.product(*map(range, w.kernel))))


def pairs(w, tap):
    """Index pairs (of the output, of the input), batch dim included, for all windows whose element at `tap` lies inside."""
    for o in itertools.product(*map(range, w.count)):
        i = tuple(a * s + t * d - b for a, s, t, d, b in zip(o, w.stride, tap, w.dilation, w.before))
        if all(0 <= a < n for a, n in zip(i, w.size)):
            yield (slice(None), *o), (slice(None), *i)


# Odd sizes, strides that do not divide, overlap, dilation with stride, windows wider than the input, corners of padding alone.
WINDOWS = {
    "3x3": window((7, 9), 3),
    "3x3 same": window((8, 13), 3, padding="same"),
    "3x3 stride 2": window((9, 12), 3, 2),
    "3x3 stride 2 same": window((8, 15), 3, 2, padding="same"),
    "5x5 same": window((6, 11), 5, padding="same"),
    "5x5 stride 2 same": window((11, 10), 5, 2, padding="same"),
    "2x2 stride 2": window((7, 8), 2, 2),
    "2x3 strides 3, 2": window((10, 9), (2, 3), (3, 2), padding="same"),
    "stride over the window": window((11, 10), 2, 3, padding="same"),
    "dilated": window((9, 10), 3, 1, 2, "same"),
    "dilated, stride 2": window((11, 12), 3, 2, 3, "same"),
    "dilated, stride 3": window((13, 12), (4, 2), 3, 2, (3, 3)),
    "wider than the input": window((3, 2), 5, padding="same"),
    "wider than the input, stride 2": window((2, 3), (7, 5), 2, padding="same"),
    "padding alone": window((4, 5), 2, 2, 1, (5, 5)),
    "one pixel": window((1, 1), 3, padding="same"),
    "1D": window((19,), 3, padding="same"),
    "1D long": window((600,), 5, 2, padding="same"),
    "1D stride 4": window((21,), 3, 4, 2, "same"),
    "3D": window((4, 5, 6), 3, padding="same"),
    "3D strided": window((5, 4, 7), (2, 3, 3), (2, 1, 2), padding="same"),
    "no output": window((2, 9), 3),
}


def random(shape, seed, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
