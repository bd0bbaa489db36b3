"""Masking: time steps that hold nothing but one value are to be skipped."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.configs.serialization import deserialize_keras_object
from kerasgpu.layers.layer import Layer


class Masking(Layer):
    """Set time steps whose features all equal `mask_value` to 0, and mask them for the layers after.

    Args:
        mask_value: number that stands for "missing".

    Shapes: x and y (batch, time, ...); the mask has the shape of x without its last axis.

    >>> import kerasgpu as keras
    >>> y = keras.layers.Masking()(keras.ops.convert_to_tensor([[[1.0], [0.0]]]))
    >>> y._keras_mask.numpy()
    array([[ True, False]])
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config") is not None:
            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(kept, inputs, ops.zeros_like(inputs))
        outputs._keras_mask = ops.squeeze(kept, axis=-1)
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mask_value": self.mask_value}
