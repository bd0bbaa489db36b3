"""Wrapper: the base of layers that hold one other layer."""

from __future__ import annotations

from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.layers.layer import Layer


class Wrapper(Layer):
    """Base class of layers that add to another layer (`self.layer`), such as TimeDistributed and Bidirectional.

    Args:
        layer: the layer to wrap.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to Wrapper isn't a supported layer type. Please ensure wrapped layer is a "
                "valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self):
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = cls._with_dtype_policy(config)
        layer = deserialize_keras_object(config.pop("layer"), custom_objects=custom_objects)
        return cls(layer, **config)
