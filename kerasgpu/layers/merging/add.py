"""Add, Subtract, Average: sums of tensors."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.merging.base_merge import Merge


class Add(Merge):
    """Element-wise sum of a list of tensors that broadcast.

    >>> import kerasgpu as keras
    >>> x = keras.ops.ones((2, 3))
    >>> float(keras.layers.Add()([x, x, x])[0, 0])
    3.0
    """

    def _merge_function(self, inputs):
        out = inputs[0]
        for x in inputs[1:]:
            out = ops.add(out, x)
        return out


class Subtract(Merge):
    """inputs[0] - inputs[1]."""

    def build(self, input_shape):
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: input_shape={input_shape}")

    def _merge_function(self, inputs):
        if len(inputs) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        return ops.subtract(inputs[0], inputs[1])


class Average(Add):
    """Element-wise mean of a list of tensors that broadcast."""

    def _merge_function(self, inputs):
        return super()._merge_function(inputs) / len(inputs)


def add(inputs, **kwargs):
    """Add(**kwargs)(inputs)."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """Subtract(**kwargs)(inputs)."""
    return Subtract(**kwargs)(inputs)


def average(inputs, **kwargs):
    """Average(**kwargs)(inputs)."""
    return Average(**kwargs)(inputs)
