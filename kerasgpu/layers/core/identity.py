"""Identity: the inputs, unchanged."""

from __future__ import annotations

from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer


class Identity(Layer):
    """y = x, for any structure of tensors; a placeholder where a layer is expected."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs):
        return nest.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), inputs)
