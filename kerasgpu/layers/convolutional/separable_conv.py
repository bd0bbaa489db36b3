"""SeparableConv1D and SeparableConv2D: depthwise convolution, then a mix of the channels."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.arguments import add_weight_named
from kerasgpu.layers.convolutional.windowed import WindowedLayer


class BaseSeparableConv(WindowedLayer):
    """y = activation(separable_conv(x, D, P) + b) (Chollet 2017, "Xception").

    Args:
        filters: number of output channels, > 0.
        kernel_size: size of the window, an int or one per spatial axis.
        strides: distance between windows.
        padding: "valid" (windows inside x only) or "same" (as many windows as x has elements, divided by strides).
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: distance between the elements of a window.
        depth_multiplier: m, the number of channels that D makes of each input channel.
        activation: function or name; None is linear.
        use_bias: whether b is there.
        depthwise_initializer, pointwise_initializer, bias_initializer: how D, P and b start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: penalties on D, P, b and y.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.

    Shapes: x (batch, *spatial, n), D (*kernel_size, n, m), P (1, ..., n * m, filters), b (filters,),
    y (batch, *windows, filters).
    """

    _weights_with_arguments = ("depthwise", "pointwise", "bias")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_output(
            activation,
            use_bias,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )
        self._set_positive(depth_multiplier=depth_multiplier, filters=filters)

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        self.compute_output_shape(input_shape)  # fails where no window fits
        between = self.depth_multiplier * channels
        shapes = {
            "depthwise": (*self.kernel_size, channels, self.depth_multiplier),
            "pointwise": (1,) * self.rank + (between, self.filters),
        }
        for part, shape in shapes.items():
            kernel = self.add_weight(
                name=f"{part}_kernel",
                shape=shape,
                initializer=getattr(self, f"{part}_initializer"),
                regularizer=getattr(self, f"{part}_regularizer"),
                constraint=getattr(self, f"{part}_constraint"),
            )
            setattr(self, f"{part}_kernel", kernel)
        self.bias = add_weight_named(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        outputs = ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        return self._output_shape(input_shape, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "filters": self.filters,
            **self._geometry_config(),
            **self._output_config(),
        }


class SeparableConv1D(BaseSeparableConv):
    """Separable convolution over (batch, steps, channels), or channels first.

    Args: those of `BaseSeparableConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.SeparableConv1D(5, 3)(keras.ops.ones((2, 8, 3))).shape
    (2, 6, 5)
    """

    rank = 1


class SeparableConv2D(BaseSeparableConv):
    """Separable convolution over (batch, height, width, channels), or channels first.

    Args: those of `BaseSeparableConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.SeparableConv2D(5, 3, padding="same", depth_multiplier=2)(keras.ops.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 5)
    """

    rank = 2
