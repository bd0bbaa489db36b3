"""DepthwiseConv1D and DepthwiseConv2D: convolutions of each channel by itself."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.arguments import add_weight_named
from kerasgpu.layers.convolutional.windowed import WindowedLayer


class BaseDepthwiseConv(WindowedLayer):
    """y = activation(depthwise_conv(x, K) + b): channel c of x gives channels c * m ... c * m + m - 1 of y.

    Args:
        kernel_size: size of the window, an int or one per spatial axis.
        strides: distance between windows.
        padding: "valid" (windows inside x only) or "same" (as many windows as x has elements, divided by strides).
        depth_multiplier: m, the number of output channels for each input channel.
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: distance between the elements of a window.
        activation: function or name; None is linear.
        use_bias: whether b is there.
        depthwise_initializer, bias_initializer: how K and b start.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties on K, b and y.
        depthwise_constraint, bias_constraint: projections after each update.

    Shapes: x (batch, *spatial, n), K (*kernel_size, n, m), b (n * m,), y (batch, *windows, n * m).
    """

    _weights_with_arguments = ("depthwise", "bias")

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(
            activation,
            use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )
        self._set_positive(depth_multiplier=depth_multiplier)

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)  # fails where no window fits
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.bias = add_weight_named(self, "bias", (self.depth_multiplier * channels,)) if self.use_bias else None

    def call(self, inputs):
        outputs = ops.depthwise_conv(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        channels = input_shape[self._channel_axis]
        return self._output_shape(input_shape, None if channels is None else self.depth_multiplier * channels)

    def get_config(self):
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            **self._geometry_config(),
            **self._output_config(),
        }


class DepthwiseConv1D(BaseDepthwiseConv):
    """Depthwise convolution over (batch, steps, channels), or channels first.

    Args: those of `BaseDepthwiseConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.DepthwiseConv1D(3, depth_multiplier=2)(keras.ops.ones((2, 8, 3))).shape
    (2, 6, 6)
    """

    rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """Depthwise convolution over (batch, height, width, channels), or channels first.

    Args: those of `BaseDepthwiseConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.DepthwiseConv2D(3, padding="same")(keras.ops.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    rank = 2
