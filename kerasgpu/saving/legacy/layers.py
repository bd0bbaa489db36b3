"""Layers that only old files name. They run, train and are saved as keras.legacy.layers, which Keras 3 does not have."""

from __future__ import annotations

import itertools
import math

from kerasgpu import activations, ops
from kerasgpu.layers.arguments import (
    add_weight_named,
    serialize_weight_arguments,
    set_weight_arguments,
    standardize_data_format,
    standardize_tuple,
)
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.saving.legacy.tensorflow_ops import TensorFlowOpLayer, TFOpLambda

__all__ = [
    "Highway",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "MaxoutDense",
    "TFOpLambda",
    "TensorFlowOpLayer",
    "ThresholdedReLU",
]


class ThresholdedReLU(Layer):
    """y = x where x > theta, else 0."""

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.theta = float(theta)
        self.supports_masking = True

    def call(self, inputs):
        return ops.where(inputs > self.theta, inputs, ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "theta": self.theta}


class _Weighted(Layer):
    """A layer with a kernel and a bias, their arguments, and an activation."""

    def __init__(
        self,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        activity_regularizer=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        set_weight_arguments(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **serialize_weight_arguments(self, "kernel", "bias"),
        }


class MaxoutDense(_Weighted):
    """y = max over k of x W[k] + b[k].

    Shapes: x (batch, n), W (nb_feature, n, units), b (nb_feature, units), y (batch, units).
    """

    def __init__(self, units, nb_feature=4, activation=None, **kwargs):
        super().__init__(activation=activation, **kwargs)
        self.units = units
        self.nb_feature = nb_feature
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        self.kernel = add_weight_named(self, "kernel", (self.nb_feature, input_shape[-1], self.units))
        self.bias = add_weight_named(self, "bias", (self.nb_feature, self.units)) if self.use_bias else None
        self.built = True

    def call(self, inputs):
        each = ops.matmul(ops.expand_dims(inputs, 0), self.kernel)
        if self.bias is not None:
            each = each + ops.expand_dims(self.bias, 1)
        return self.activation(ops.max(each, axis=0))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "nb_feature": self.nb_feature}


class Highway(_Weighted):
    """y = t * activation(x W + b) + (1 - t) * x with t = sigmoid(x W_carry + b_carry) (Srivastava et al. 2015).

    Shapes: x and y (batch, n), W and W_carry (n, n), b and b_carry (n,).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        n = input_shape[-1]
        weight = lambda name, shape, start: self.add_weight(name=name, shape=shape, initializer=start)
        # In the order of the files.
        self.kernel = add_weight_named(self, "kernel", (n, n))
        self.carry_kernel = weight("carry_kernel", (n, n), self.kernel_initializer)
        self.bias = add_weight_named(self, "bias", (n,)) if self.use_bias else None
        self.carry_bias = weight("carry_bias", (n,), "ones") if self.use_bias else None
        self.built = True

    def call(self, inputs):
        carried = ops.matmul(inputs, self.carry_kernel)
        made = ops.matmul(inputs, self.kernel)
        if self.use_bias:
            carried, made = carried + self.carry_bias, made + self.bias
        share = ops.sigmoid(carried)
        return share * self.activation(made) + (1 - share) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape


class _LocallyConnected(_Weighted):
    """A convolution with a kernel of its own at each position of the output.

    Shapes: the kernel (positions, window size * input channels, filters), the bias (*positions per axis, filters).
    """

    rank = 2

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        activation=None,
        implementation=1,
        dilation_rate=1,
        **kwargs,
    ):
        super().__init__(activation=activation, **kwargs)
        if padding != "valid" or implementation != 1:
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) is known with padding='valid' and implementation=1 alone. Received: "
                f"padding={padding!r}, implementation={implementation}"
            )
        self.filters = filters
        self.kernel_size = standardize_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = standardize_tuple(strides, self.rank, "strides")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _split(self, shape):
        """(channels, spatial sizes) of an input shape."""
        return (shape[-1], shape[1:-1]) if self.data_format == "channels_last" else (shape[1], shape[2:])

    def _positions(self, spatial):
        return tuple((n - k) // s + 1 for n, k, s in zip(spatial, self.kernel_size, self.strides))

    def build(self, input_shape):
        channels, spatial = self._split(input_shape)
        if None in (channels, *spatial):
            raise ValueError(
                f"Layer '{self.name}' ({type(self).__name__}) has a kernel for each position, so it needs inputs of a fixed size. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        positions = self._positions(spatial)
        window = math.prod(self.kernel_size) * channels
        self.kernel = add_weight_named(self, "kernel", (math.prod(positions), window, self.filters))
        self.bias = add_weight_named(self, "bias", (*positions, self.filters)) if self.use_bias else None
        self.built = True

    def call(self, inputs):
        last = self.data_format == "channels_last"
        channels, spatial = self._split(inputs.shape)
        positions = self._positions(spatial)
        windows = []
        for start in itertools.product(*(range(k) for k in self.kernel_size)):
            cut = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(start, positions, self.strides)]
            key = [slice(None), *cut] if last else [slice(None), slice(None), *cut]
            part = inputs[tuple(key)]
            part = ops.reshape(part, (-1, math.prod(positions), channels) if last else (-1, channels, math.prod(positions)))
            windows.append(part if last else ops.transpose(part, (0, 2, 1)))
        # Within a window the files' order is position, channel, or for channels_first channel, position.
        each = ops.stack(windows, axis=2 if last else 3)
        each = ops.reshape(each, (-1, math.prod(positions), len(windows) * channels))
        made = ops.matmul(ops.transpose(each, (1, 0, 2)), self.kernel)
        made = ops.transpose(made, (1, 0, 2) if last else (1, 2, 0))
        made = ops.reshape(made, (-1, *positions, self.filters) if last else (-1, self.filters, *positions))
        if self.bias is not None:
            # Keras 2 reshaped the bias of channels_first, it did not transpose it.
            made = made + ops.reshape(self.bias, (1, *positions, self.filters) if last else (1, self.filters, *positions))
        return self.activation(made)

    def compute_output_shape(self, input_shape):
        _, spatial = self._split(input_shape)
        positions = self._positions(spatial)
        last = self.data_format == "channels_last"
        return (input_shape[0], *positions, self.filters) if last else (input_shape[0], self.filters, *positions)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": "valid",
            "data_format": self.data_format,
            "implementation": 1,
        }


class LocallyConnected1D(_LocallyConnected):
    """A 1D convolution with a kernel of its own at each position."""

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A 2D convolution with a kernel of its own at each position."""
