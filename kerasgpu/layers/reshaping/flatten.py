"""Flatten: all axes but the batch axis into one."""

from __future__ import annotations

import math

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class Flatten(Layer):
    """Reshape (batch, a, b, ...) to (batch, a * b * ...); (batch,) becomes (batch, 1).

    Args:
        data_format: with "channels_first", channels are moved last before flattening, so that both formats give the same order.

    >>> import kerasgpu as keras
    >>> keras.layers.Flatten()(keras.ops.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        shape = inputs.shape
        if self.data_format == "channels_first" and len(shape) > 1:
            inputs = ops.transpose(inputs, axes=(0, *range(2, len(shape)), 1))
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if any(d is None for d in rest) else math.prod(rest))

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
