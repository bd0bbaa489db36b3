"""Equalization: values spread so that each is about equally frequent."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer
from kerasgpu.ops.image.histogram import level_counts


class Equalization(ColorLayer):
    """In training, map the values of each channel through their cumulative histogram, which is taken over the whole batch.

    Args:
        value_range: of the pixels: (lowest, highest).
        bins: number of bins of the histogram.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.layers.Equalization()(np.array([100.0, 101.0, 102.0]).reshape(1, 3, 1)).numpy().ravel().tolist()
    [0.0, 128.0, 255.0]
    """

    _CONFIG = ("bins", "value_range")

    def __init__(self, value_range=(0, 255), bins=256, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.bins = bins
        self.value_range = value_pair(value_range)

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        rows = ops.moveaxis(images, self.channel_axis, 0)
        shape = rows.shape
        rows = ops.cast(ops.reshape(rows, (shape[0], -1)), "float32")
        rows = self._in_range(rows, self.value_range, (0, 255))
        bin_of = ops.cast(ops.clip(rows * ((self.bins - 1) / 255.0), 0, self.bins - 1), "int32")
        histogram = level_counts(bin_of, self.bins)
        total = ops.cast(ops.cumsum(histogram, axis=1), "float32")
        # The count up to the first bin that is not empty, whose value becomes 0.
        first = ops.min(ops.where(total > 0, total, total[:, -1:]), axis=1, keepdims=True)
        rest = total[:, -1:] - first
        table = ops.clip(ops.round((total - first) * 255.0 / ops.where(rest > 0, rest, 1.0)), 0, 255)
        out = ops.where(rest > 0, ops.take_along_axis(table, bin_of, axis=1), rows)
        out = self._in_range(out, (0, 255), self.value_range)
        return ops.cast(ops.moveaxis(ops.reshape(out, shape), 0, self.channel_axis), self.compute_dtype)
