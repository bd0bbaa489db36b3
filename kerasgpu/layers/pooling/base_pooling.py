"""What max and average pooling share: windows over the spatial axes."""

from __future__ import annotations

from kerasgpu.layers.arguments import standardize_data_format, standardize_tuple
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.window_shapes import replace_spatial, standardize_padding, window_sizes


class BasePooling(Layer):
    """Base of layers that reduce each window to one number, channel by channel. Subclasses set `rank` and `_pool`."""

    rank = 2

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.pool_size = standardize_tuple(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else standardize_tuple(strides, self.rank, "strides")
        self.padding = standardize_padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    def call(self, inputs):
        self.compute_output_shape(inputs.shape)  # fails, naming the layer, where no window fits
        return self._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape):
        sizes = window_sizes(self, input_shape, self.pool_size, self.strides, self.padding, (1,) * self.rank)
        channels = input_shape[-1] if self.data_format == "channels_last" else input_shape[1]
        return replace_spatial(input_shape, sizes, channels, self.data_format)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }
