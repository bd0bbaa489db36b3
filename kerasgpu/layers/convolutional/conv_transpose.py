"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose: convolutions that enlarge."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.arguments import add_weight_named, standardize_tuple
from kerasgpu.layers.convolutional.windowed import WindowedLayer
from kerasgpu.layers.window_shapes import replace_spatial, transposed_sizes


class BaseConvTranspose(WindowedLayer):
    """y = activation(conv_transpose(x, K) + b): each element of x adds its multiple of K to y (Zeiler et al. 2010,
    "Deconvolutional Networks").

    Args:
        filters: number of output channels, > 0.
        kernel_size: size of the window, an int or one per spatial axis.
        strides: distance in y between the contributions of neighbouring elements of x.
        padding: "valid" (all of y) or "same" (y has x's size times strides).
        output_padding: elements added at the end of each axis, < strides; None for what padding says.
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: distance between the elements of a window; not together with strides > 1.
        activation: function or name; None is linear.
        use_bias: whether b is there.
        kernel_initializer, bias_initializer: how K and b start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on K, b and y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (batch, *spatial, n), K (*kernel_size, filters, n), b (filters,), y (batch, *sizes, filters).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = standardize_tuple(output_padding, self.rank, "output_padding", allow_zero=True)
        self._set_output(
            activation,
            use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self._set_positive(filters=filters)
        for i, (extra, stride) in enumerate(zip(self.output_padding or (), self.strides)):
            if extra >= stride:
                raise ValueError(
                    f"`output_padding` must be strictly less than `strides` for all dimensions. At dimension {i}, "
                    f"`output_padding` is {extra} but `strides` is {stride}. Received: "
                    f"output_padding={self.output_padding}, strides={self.strides}"
                )
        self._refuse_strides_with_dilation()

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        self.kernel = add_weight_named(self, "kernel", (*self.kernel_size, self.filters, channels))
        self.bias = add_weight_named(self, "bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs):
        outputs = ops.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape):
        sizes = transposed_sizes(
            self, input_shape, self.kernel_size, self.strides, self.padding, self.output_padding, self.dilation_rate
        )
        return replace_spatial(input_shape, sizes, self.filters, self.data_format)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            **self._geometry_config(),
            "output_padding": self.output_padding,
            **self._output_config(),
        }


class Conv1DTranspose(BaseConvTranspose):
    """Transposed convolution over (batch, steps, channels), or channels first.

    Args: those of `BaseConvTranspose`.

    >>> import kerasgpu as keras
    >>> keras.layers.Conv1DTranspose(4, 3, strides=2, padding="same")(keras.ops.ones((2, 5, 3))).shape
    (2, 10, 4)
    """

    rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """Transposed convolution over (batch, height, width, channels), or channels first.

    Args: those of `BaseConvTranspose`.

    >>> import kerasgpu as keras
    >>> keras.layers.Conv2DTranspose(4, 3, strides=2)(keras.ops.ones((2, 5, 5, 3))).shape
    (2, 11, 11, 4)
    """

    rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """Transposed convolution over (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseConvTranspose`.

    >>> import kerasgpu as keras
    >>> keras.layers.Conv3DTranspose(2, 2, strides=2)(keras.ops.ones((1, 2, 3, 4, 3))).shape
    (1, 4, 6, 8, 2)
    """

    rank = 3
