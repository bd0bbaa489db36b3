"""Moving elements between space and channels: unfold, fold, depth_to_space, space_to_depth."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.core import conversion
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.numpy import joining, shaping, tiling
from kerasgpu.ops.primitives.movement import spread_slice, strided_slice

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]


def _pair(x):
    return (x, x) if isinstance(x, (int, np.integer)) else tuple(x)


class _Windows:
    """The positions of a window over padded (height, width): starts and steps of the slice that one window element sees."""

    def __init__(self, size, kernel_size, dilation, padding, stride):
        self.kernel, self.dilation, self.padding, self.stride = map(_pair, (kernel_size, dilation, padding, stride))
        self.padded = tuple(n + 2 * p for n, p in zip(size, self.padding))
        self.count = tuple(
            (n - d * (k - 1) - 1) // s + 1 for n, k, d, s in zip(self.padded, self.kernel, self.dilation, self.stride)
        )
        if min(self.count) < 1:
            raise ValueError(
                f"window of size {self.kernel} with dilation {self.dilation} does not fit in {tuple(size)} with padding "
                f"{self.padding}"
            )

    def starts(self):
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield (0, 0, i * self.dilation[0], j * self.dilation[1])

    @property
    def steps(self):
        return (1, 1, *self.stride)


@symbolic
def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of an image as columns.

    Args:
        x: tensor of shape (batch, channels, height, width).
        kernel_size, dilation, padding, stride: int or pair of ints.

    Returns a tensor of shape (batch, channels * window size, number of windows).
    """
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"Input must be a 4D tensor. Received: input.shape={x.shape}")
    batch, channels = x.shape[:2]
    windows = _Windows(x.shape[2:], kernel_size, dilation, padding, stride)
    x = tiling.pad(x, ((0, 0), (0, 0), *((p, p) for p in windows.padding)))
    sizes = (batch, channels, *windows.count)
    parts = [strided_slice(x, start, windows.steps, sizes) for start in windows.starts()]
    return shaping.reshape(joining.stack(parts, axis=2), (batch, channels * len(parts), windows.count[0] * windows.count[1]))


@symbolic
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The transpose of `unfold`: columns are added into an image where the windows were.

    Args:
        x: tensor of shape (batch, channels * window size, number of windows).
        output_size: (height, width) of the image.
        kernel_size, dilation, padding, stride: as for `unfold`.

    Returns a tensor of shape (batch, channels, height, width).
    """
    x = convert_to_tensor(x)
    if x.ndim != 3:
        raise ValueError(f"Input must be a 3D tensor. Received: input.shape={x.shape}")
    size = _pair(output_size)
    windows = _Windows(size, kernel_size, dilation, padding, stride)
    area = windows.kernel[0] * windows.kernel[1]
    batch, depth, number = x.shape
    if depth % area or number != windows.count[0] * windows.count[1]:
        raise ValueError(
            f"fold: x of shape {x.shape} needs a second dim divisible by {area} and {windows.count[0] * windows.count[1]} "
            "windows"
        )
    channels = depth // area
    parts = conversion.unstack(shaping.reshape(x, (batch, channels, area, *windows.count)), axis=2)
    shape = (batch, channels, *windows.padded)
    image = None
    for start, part in zip(windows.starts(), parts):
        placed = spread_slice(part, shape, start, windows.steps)
        image = placed if image is None else image + placed
    return strided_slice(image, (0, 0, *windows.padding), (1, 1, 1, 1), (batch, channels, *size))


def _checked(x, block_size, data_format, name):
    if block_size < 2:
        raise ValueError(f"`block_size` must be at least 2. Received: block_size={block_size}")
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"{name}: needs a tensor of 4 dimensions; received shape {x.shape}")
    return x, standardize_data_format(data_format) == "channels_last"


@symbolic
def depth_to_space(x, block_size, data_format="channels_last"):
    """Each block_size^2 channels become a block of pixels: (batch, h, w, c) -> (batch, h b, w b, c / b^2)."""
    x, last = _checked(x, block_size, data_format, "depth_to_space")
    b = block_size
    channels = x.shape[3 if last else 1]
    if channels % (b * b):
        raise ValueError(f"depth_to_space: the number of channels ({channels}) must be divisible by block_size^2 ({b * b})")
    if last:
        n, h, w, c = x.shape
        y = shaping.transpose(shaping.reshape(x, (n, h, w, b, b, c // (b * b))), (0, 1, 3, 2, 4, 5))
        return shaping.reshape(y, (n, h * b, w * b, c // (b * b)))
    n, c, h, w = x.shape
    y = shaping.transpose(shaping.reshape(x, (n, c // (b * b), b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return shaping.reshape(y, (n, c // (b * b), h * b, w * b))


@symbolic
def space_to_depth(x, block_size, data_format="channels_last"):
    """Each block of pixels becomes block_size^2 channels: (batch, h, w, c) -> (batch, h / b, w / b, c b^2)."""
    x, last = _checked(x, block_size, data_format, "space_to_depth")
    b = block_size
    h, w = x.shape[1:3] if last else x.shape[2:]
    if h % b or w % b:
        raise ValueError(f"space_to_depth: height and width ({h}, {w}) must be divisible by block_size={b}")
    if last:
        n, c = x.shape[0], x.shape[3]
        y = shaping.transpose(shaping.reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
        return shaping.reshape(y, (n, h // b, w // b, c * b * b))
    n, c = x.shape[:2]
    y = shaping.transpose(shaping.reshape(x, (n, c, h // b, b, w // b, b)), (0, 1, 3, 5, 2, 4))
    return shaping.reshape(y, (n, c * b * b, h // b, w // b))
