"""Sliding windows over the spatial dims of a channels-last tensor: their geometry, and what each window element sees."""

from __future__ import annotations

import itertools

import numpy as np

from kerasgpu.kernels.window import Window
from kerasgpu.ops.numpy import shaping
from kerasgpu.ops.primitives.movement import pad, strided_slice


def per_dim(value, ndim, name):
    """An int or a tuple as a tuple of ndim ints."""
    found = (value,) * ndim if isinstance(value, (int, np.integer)) else tuple(int(v) for v in value)
    if len(found) != ndim or any(v < 1 for v in found):
        raise ValueError(f"`{name}` must be a positive int or a tuple of {ndim} of them. Received: {name}={value}")
    return found


def to_channels_last(x, data_format):
    """x with its channels moved to the end if they come second."""
    return x if data_format == "channels_last" else shaping.transpose(x, (0, *range(2, x.ndim), 1))


def from_channels_last(x, data_format):
    return x if data_format == "channels_last" else shaping.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def spatial_dims(x, name):
    """Number of spatial dims of (batch, ..., channels): 1, 2 or 3."""
    if not 3 <= x.ndim <= 5:
        raise ValueError(
            f"{name}: inputs need 3, 4 or 5 dimensions (batch, 1 to 3 spatial ones, channels); received shape {x.shape}"
        )
    return x.ndim - 2


class Windows:
    """Windows of size `kernel` (dilated) at every `stride` over spatial dims of `size`, "valid" or "same" padded."""

    def __init__(self, name, size, kernel, stride, padding, dilation):
        self.size, self.kernel, self.stride, self.dilation = tuple(size), kernel, stride, dilation
        if padding not in ("valid", "same"):
            raise ValueError(f"Invalid padding '{padding}', must be 'same' or 'valid'.")
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        if padding == "valid":
            self.pads = [(0, 0)] * len(size)
            self.count = tuple((n - r) // s + 1 if n >= r else 0 for n, r, s in zip(size, reach, stride))
        else:
            self.count = tuple(-(-n // s) for n, s in zip(size, stride))
            total = [max((c - 1) * s + r - n, 0) for c, s, r, n in zip(self.count, stride, reach, size)]
            self.pads = [(t // 2, t - t // 2) for t in total]
        if 0 in self.count and 0 not in size:
            raise ValueError(
                f"Computed output size would be zero or negative: {name} with windows of {tuple(reach)} (dilation included) "
                "over "
                f"spatial dims {tuple(size)}, strides {stride}, padding '{padding}'. Use a smaller window or padding='same'"
            )

    @property
    def geometry(self):
        """What the kernels take."""
        before = tuple(a for a, _ in self.pads)
        return Window(self.size, self.count, tuple(self.kernel), tuple(self.stride), tuple(self.dilation), before)

    @property
    def taps(self):
        """The positions in a window, in row-major order."""
        return list(itertools.product(*map(range, self.kernel)))

    def padded(self, x, value=0):
        if not any(a or b for a, b in self.pads):
            return x
        low, high = zip((0, 0), *self.pads, (0, 0))
        return pad(x, low, high, value)

    def view(self, x, tap):
        """(batch, *count, channels): what position `tap` of every window sees in the padded x."""
        starts = (0, *(t * d for t, d in zip(tap, self.dilation)), 0)
        return strided_slice(x, starts, (1, *self.stride, 1), (x.shape[0], *self.count, x.shape[-1]))
