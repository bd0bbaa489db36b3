"""Rescaling: inputs * scale + offset."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.layers.layer import Layer


class Rescaling(Layer):
    """y = x * scale + offset in the compute dtype, in training and inference; integer inputs (uint8 images) become floats.

    Args:
        scale: number, or one number per channel. 1 / 255 maps [0, 255] to [0, 1].
        offset: number, or one per channel.

    >>> import kerasgpu as keras
    >>> keras.layers.Rescaling(1 / 127.5, offset=-1)([0, 255]).numpy()
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self._allow_non_tensor_positional_args = True

    def call(self, inputs):
        dtype = self.compute_dtype
        scale = ops.cast(self.scale, dtype)
        offset = ops.cast(self.offset, dtype)
        if scale.ndim > 0 and config.image_data_format() == "channels_first":
            scale = ops.reshape(scale, scale.shape + (1,) * (3 - scale.ndim))
        return ops.cast(inputs, dtype) * scale + offset

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "scale": serialize_keras_object(self.scale),
            "offset": serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(cls, config):
        config = {**config, **{k: deserialize_keras_object(config[k]) for k in ("scale", "offset") if k in config}}
        return super().from_config(config)
