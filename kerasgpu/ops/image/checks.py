"""What the image operations demand of their arguments."""

from __future__ import annotations

from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.numpy import shaping


def as_images(images):
    """A tensor of rank 3 (one image) or 4 (a batch)."""
    x = convert_to_tensor(images)
    if x.ndim not in (3, 4):
        raise ValueError(
            "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). Received input with shape: "
            f"images.shape={x.shape}"
        )
    return x


def channel_axis(data_format):
    return -1 if standardize_data_format(data_format) == "channels_last" else -3


def spatial_axes(data_format):
    """(height axis, width axis), counted from the end."""
    return (-3, -2) if standardize_data_format(data_format) == "channels_last" else (-2, -1)


class Batched:
    """Images as a batch with channels last, and the way back."""

    def __init__(self, images, data_format):
        x = as_images(images)
        self.first = standardize_data_format(data_format) == "channels_first"
        self.single = x.ndim == 3
        if self.single:
            x = shaping.expand_dims(x, 0)
        self.images = shaping.transpose(x, (0, 2, 3, 1)) if self.first else x

    def restore(self, x):
        """x (batch, height, width, channels, ...) in the layout of the images that came in."""
        if self.first:
            x = shaping.transpose(x, (0, 3, 1, 2, *range(4, x.ndim)))
        return shaping.squeeze(x, 0) if self.single else x
