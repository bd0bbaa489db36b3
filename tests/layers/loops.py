"""Plain loops in float64: what the convolution and pooling layers must give."""

import itertools

import numpy as np


def positions(x, window, strides, padding, dilation):
    """(output index, list of (tap index, value of that tap's element for all batch and channels, or None outside))."""
    size = x.shape[1:-1]
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    if padding == "valid":
        counts, before = [(n - r) // s + 1 for n, r, s in zip(size, reach, strides)], [0] * len(size)
    elif padding == "causal":
        counts, before = [-(-n // s) for n, s in zip(size, strides)], [r - 1 for r in reach]
    else:
        counts = [-(-n // s) for n, s in zip(size, strides)]
        before = [max((c - 1) * s + r - n, 0) // 2 for c, s, r, n in zip(counts, strides, reach, size)]
    for out in itertools.product(*map(range, counts)):
        taps = []
        for tap in itertools.product(*map(range, window)):
            at = [o * s + t * d - b for o, s, t, d, b in zip(out, strides, tap, dilation, before)]
            inside = all(0 <= a < n for a, n in zip(at, size))
            taps.append((tap, x[(slice(None), *at)] if inside else None))
        yield counts, out, taps


def fill(x, window, strides, padding, dilation, channels, value):
    """The output whose element at each position is value(taps inside the input)."""
    y = None
    for counts, out, taps in positions(x, window, strides, padding, dilation):
        y = np.zeros((len(x), *counts, channels)) if y is None else y
        y[(slice(None), *out)] = value([(t, v) for t, v in taps if v is not None])
    return y


def conv(x, kernel, strides, padding, dilation, groups=1):
    depth, filters = kernel.shape[-2:]
    each = filters // groups

    def value(taps):
        total = np.zeros((len(x), filters))
        for tap, seen in taps:
            for g in range(groups):
                total[:, g * each : (g + 1) * each] += (
                    seen[:, g * depth : (g + 1) * depth] @ kernel[tap][:, g * each : (g + 1) * each]
                )
        return total

    return fill(x, kernel.shape[:-2], strides, padding, dilation, filters, value)


def depthwise_conv(x, kernel, strides, padding, dilation):
    channels, multiplier = kernel.shape[-2:]

    def value(taps):
        total = np.zeros((len(x), channels, multiplier))
        for tap, seen in taps:
            total += seen[:, :, None] * kernel[tap]
        return total.reshape(len(x), -1)

    return fill(x, kernel.shape[:-2], strides, padding, dilation, channels * multiplier, value)


def pool(x, window, strides, padding, reduce):
    one = (1,) * len(window)
    return fill(x, window, strides, padding, one, x.shape[-1], lambda taps: reduce([v for _, v in taps], axis=0))


def conv_transpose(x, kernel, strides, sizes, crop, dilation):
    """The full transposed convolution, from element `crop` on, of spatial `sizes`."""
    window, (filters, _) = kernel.shape[:-2], kernel.shape[-2:]
    y = np.zeros((len(x), *sizes, filters))
    for at in itertools.product(*map(range, x.shape[1:-1])):
        for tap in itertools.product(*map(range, window)):
            to = tuple(a * s + t * d - c for a, s, t, d, c in zip(at, strides, tap, dilation, crop))
            if all(0 <= p < n for p, n in zip(to, sizes)):
                y[(slice(None), *to)] += x[(slice(None), *at)] @ kernel[tap].T
    return y


def channels_first(x):
    return np.moveaxis(x, -1, 1)
