"""Pipeline: layers one after the other, as one layer."""

from __future__ import annotations

from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import get_mask


class Pipeline(Layer):
    """Layers called in order, for preprocessing; outside of a model they run in training mode.

    Args:
        layers: list of layers.

    >>> import kerasgpu as keras
    >>> keras.layers.Pipeline([keras.layers.Rescaling(0.5), keras.layers.Flatten()])(keras.ops.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, layers, name=None):
        super().__init__(name=name)
        self._pipeline_layers = layers
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    @property
    def layers(self):
        return self._pipeline_layers

    def call(self, inputs, training=True, mask=None):
        for layer in self._pipeline_layers:
            given = {}
            if layer._call_has_mask_arg:
                given["mask"] = mask
            if layer._call_has_training_arg and training is not None:
                given["training"] = training
            inputs = layer(inputs, **given)
            mask = nest.map_structure(get_mask, inputs)
        return inputs

    def get_config(self):
        return {"layers": serialize_keras_object(list(self._pipeline_layers)), "name": self.name}

    @classmethod
    def from_config(cls, config):
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ValueError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized layers. Received config with "
                f"layers={layers}."
            )
        return cls(**{**config, "layers": [deserialize_keras_object(x) for x in layers]})
