"""What all convolution layers share: the geometry arguments, the bias and the activation."""

from __future__ import annotations

import numpy as np

from kerasgpu import activations, ops, regularizers
from kerasgpu.layers.arguments import (
    serialize_weight_arguments,
    set_weight_arguments,
    standardize_data_format,
    standardize_tuple,
)
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.window_shapes import PADDINGS, replace_spatial, standardize_padding, window_sizes


class WindowedLayer(Layer):
    """Base of convolution layers over `rank` spatial axes. Subclasses list in `_weights_with_arguments` the weights that
    have an initializer, a regularizer and a constraint, and make them in `build`."""

    rank = 2
    _paddings: tuple[str, ...] = PADDINGS
    _weights_with_arguments: tuple[str, ...] = ("kernel", "bias")

    def _set_geometry(self, kernel_size, strides, padding, data_format, dilation_rate):
        self.kernel_size = standardize_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = standardize_tuple(strides, self.rank, "strides")
        self.padding = standardize_padding(padding, self._paddings)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = standardize_tuple(dilation_rate, self.rank, "dilation_rate")
        self.input_spec = InputSpec(min_ndim=self.rank + 2)

    def _set_output(self, activation, use_bias, **weight_arguments):
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        set_weight_arguments(self, **weight_arguments)

    def _set_positive(self, **counts):
        """Each count as an attribute, a Python int (so that shapes and configs hold no NumPy numbers), or None."""
        for name, value in counts.items():
            if value is not None and (not isinstance(value, (int, np.integer)) or value <= 0):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected a strictly positive value. Received {name}={value}."
                )
            setattr(self, name, None if value is None else int(value))

    def _refuse_strides_with_dilation(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    @property
    def _channel_axis(self):
        return -1 if self.data_format == "channels_last" else 1

    def _input_channels(self, input_shape):
        """The number of input channels, which the input spec then demands."""
        if len(input_shape) != self.rank + 2:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) needs inputs with {self.rank + 2} dimensions (batch, "
                f"{self.rank} spatial, channels). Received: input_shape={tuple(input_shape)}"
            )
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) needs to know the number of channels of its inputs, axis "
                f"{self._channel_axis} with data_format='{self.data_format}'. Received: input_shape={tuple(input_shape)}. "
                "Give it in Input(shape=...)"
            )
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        return channels

    def _finish(self, outputs):
        """activation(outputs + bias)."""
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (1, bias.shape[0]) + (1,) * self.rank)
            outputs = ops.add(outputs, bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _output_shape(self, input_shape, channels):
        sizes = window_sizes(self, input_shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return replace_spatial(input_shape, sizes, channels, self.data_format)

    def _geometry_config(self):
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def _output_config(self):
        return {
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **serialize_weight_arguments(self, *self._weights_with_arguments),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
