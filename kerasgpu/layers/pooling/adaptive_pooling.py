"""Adaptive pooling: windows chosen so that the outputs have a given size."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.window_shapes import replace_spatial

_WANTED = {
    1: "an integer or tuple of 1 integer",
    2: "an integer or (height, width) tuple",
    3: "an integer or (depth, height, width) tuple",
}


class BaseAdaptivePooling(Layer):
    """Base of layers that pool n elements to m: window i spans floor(i n / m) to ceil((i + 1) n / m).

    Args:
        output_size: m, an int or one per spatial axis.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Shapes: x (batch, *spatial, channels), y (batch, *output_size, channels).
    """

    rank = 2

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.output_size = self._standardize(output_size)
        self.data_format = self._data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    @staticmethod
    def _data_format(data_format):
        try:
            return standardize_data_format(data_format)
        except ValueError:
            raise ValueError(f"Invalid data_format: {data_format}. Expected 'channels_first' or 'channels_last'.") from None

    def _standardize(self, output_size):
        sizes = (output_size,) * self.rank if isinstance(output_size, (int, np.integer)) else output_size
        if isinstance(sizes, (tuple, list)) and self.rank == 1 and len(sizes) != 1:
            raise ValueError(f"For 1D input, `output_size` tuple must have length 1. Received: {output_size}")
        if not isinstance(sizes, (tuple, list)) or len(sizes) != self.rank:
            raise TypeError(f"`output_size` must be {_WANTED[self.rank]}. Received: {output_size} of type {type(output_size)}")
        if any(not isinstance(m, (int, np.integer)) or m <= 0 for m in sizes):
            raise ValueError(f"`output_size` must hold positive integers. Received: output_size={output_size}")
        return tuple(sizes)

    def call(self, inputs):
        return self._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[-1] if self.data_format == "channels_last" else input_shape[1]
        return replace_spatial(input_shape, self.output_size, channels, self.data_format)

    def get_config(self):
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class _AdaptiveAverage(BaseAdaptivePooling):
    def _pool(self, *arguments):
        return ops.adaptive_average_pool(*arguments)


class _AdaptiveMax(BaseAdaptivePooling):
    def _pool(self, *arguments):
        return ops.adaptive_max_pool(*arguments)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """(batch, steps, channels), or channels first, to `output_size` means.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveAveragePooling1D(3)(keras.ops.ones((2, 7, 4))).shape
    (2, 3, 4)
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """(batch, height, width, channels), or channels first, to `output_size` means.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveAveragePooling2D((2, 3))(keras.ops.ones((2, 7, 7, 4))).shape
    (2, 2, 3, 4)
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """(batch, d1, d2, d3, channels), or channels first, to `output_size` means.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveAveragePooling3D(2)(keras.ops.ones((1, 3, 4, 5, 2))).shape
    (1, 2, 2, 2, 2)
    """

    rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """(batch, steps, channels), or channels first, to `output_size` maxima.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveMaxPooling1D(3)(keras.ops.ones((2, 7, 4))).shape
    (2, 3, 4)
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """(batch, height, width, channels), or channels first, to `output_size` maxima.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveMaxPooling2D(2)(keras.ops.ones((2, 7, 7, 4))).shape
    (2, 2, 2, 4)
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """(batch, d1, d2, d3, channels), or channels first, to `output_size` maxima.

    Args: those of `BaseAdaptivePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AdaptiveMaxPooling3D(2)(keras.ops.ones((1, 3, 4, 5, 2))).shape
    (1, 2, 2, 2, 2)
    """

    rank = 3
