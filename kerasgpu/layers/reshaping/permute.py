"""Permute: the axes after the batch axis in another order."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class Permute(Layer):
    """y's axis k is x's axis dims[k - 1]; dims is a permutation of 1, 2, ... and the batch axis stays first.

    >>> import kerasgpu as keras
    >>> keras.layers.Permute((2, 1))(keras.ops.ones((5, 3, 4))).shape
    (5, 4, 3)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be consecutive "
                f"and start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs):
        return ops.transpose(inputs, axes=(0, *self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}
