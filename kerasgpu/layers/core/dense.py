"""Dense: the fully connected layer."""

from __future__ import annotations

import numpy as np

from kerasgpu import activations, ops
from kerasgpu.layers.arguments import add_weight_named, serialize_weight_arguments, set_weight_arguments
from kerasgpu.layers.core.lora import LoraWeight, check_quantization_config
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class Dense(LoraWeight, Layer):
    """y = activation(x W + b), on the last axis.

    Args:
        units: size of the output's last axis, > 0.
        activation: function or name; None is linear.
        use_bias: whether b is there.
        kernel_initializer, bias_initializer: how W and b start.
        kernel_regularizer, bias_regularizer: penalties on W and b.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank: if set, W is frozen and a product of two matrices of this rank is learned (see `enable_lora`).
        lora_alpha: scale of that product over lora_rank; default lora_rank.

    Shapes: x (batch, ..., n), W (n, units), b (units,), y (batch, ..., units).

    >>> import kerasgpu as keras
    >>> keras.layers.Dense(3, activation="relu")(keras.ops.ones((2, 5))).shape
    (2, 3)
    """

    def __init__(
        self,
        units,
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
        quantization_config=None,
        **kwargs,
    ):
        if not isinstance(units, (int, np.integer)) or units <= 0:
            raise ValueError(f"Received an invalid value for `units`, expected a positive integer. Received: units={units}")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        check_quantization_config(self, quantization_config)
        self.units = units
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
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha if lora_alpha is not None else lora_rank
        self.lora_enabled = False
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        size = input_shape[-1]
        if size is None:
            raise ValueError(
                f"Layer '{self.name}' (Dense) needs to know the last dimension of its inputs to create its kernel. Received: "
                f"input_shape={tuple(input_shape)}. Give that dimension in Input(shape=...)"
            )
        self._kernel = add_weight_named(self, "kernel", (size, self.units))
        self.bias = add_weight_named(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def kernel(self):
        """W, including the low-rank update if LoRA is on."""
        return self._effective_weight()

    def call(self, inputs, training=None):
        x = ops.matmul(inputs, self._effective_weight() if self.lora_enabled else self._kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **serialize_weight_arguments(self, "kernel", "bias"),
            "quantization_config": None,
            **self._lora_config(),
        }
