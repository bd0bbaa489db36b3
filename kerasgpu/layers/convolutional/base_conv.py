"""BaseConv: what Conv1D, Conv2D and Conv3D share."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.arguments import add_weight_named
from kerasgpu.layers.convolutional.windowed import WindowedLayer
from kerasgpu.layers.core.lora import LoraWeight


class BaseConv(LoraWeight, WindowedLayer):
    """y = activation(conv(x, K) + b): each output is a sum over a window of x.

    Args:
        filters: number of output channels, > 0.
        kernel_size: size of the window, an int or one per spatial axis.
        strides: distance between windows; not together with dilation_rate > 1.
        padding: "valid" (windows inside x only) or "same" (as many windows as x has elements, divided by strides).
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: distance between the elements of a window.
        groups: the channels are split into this many groups, each convolved with filters / groups of the filters.
        activation: function or name; None is linear.
        use_bias: whether b is there.
        kernel_initializer, bias_initializer: how K and b start.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on K, b and y.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha: if set, K is frozen and a product of two matrices of this rank is learned (`enable_lora`).

    Shapes: x (batch, *spatial, n), K (*kernel_size, n / groups, filters), b (filters,), y (batch, *windows, filters).
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_geometry(kernel_size, strides, padding, data_format, dilation_rate)
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
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else lora_rank
        self.lora_enabled = False
        self._set_positive(filters=filters)
        if not isinstance(groups, (int, np.integer)) or groups <= 0:
            raise ValueError(f"The number of groups must be a positive integer. Received: groups={groups}.")
        self.groups = int(groups)
        if filters is not None and filters % groups != 0:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. Received: "
                f"groups={groups}, filters={filters}."
            )
        self._refuse_strides_with_dilation()

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        if channels % self.groups != 0:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. Received "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is {tuple(input_shape)})."
            )
        self.compute_output_shape(input_shape)  # fails where no window fits
        self._kernel = add_weight_named(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = add_weight_named(self, "bias", (self.filters,)) if self.use_bias else None
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def kernel(self):
        """K, including the low-rank update if LoRA is on."""
        return self._effective_weight()

    def convolution_op(self, inputs, kernel):
        """The convolution itself, for subclasses that change the kernel or the inputs."""
        return ops.conv(inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def call(self, inputs):
        return self._finish(self.convolution_op(inputs, self._effective_weight() if self.lora_enabled else self._kernel))

    def compute_output_shape(self, input_shape):
        return self._output_shape(input_shape, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            **self._geometry_config(),
            "groups": self.groups,
            **self._output_config(),
            **self._lora_config(),
        }
