"""Activation: any activation function as a layer."""

from __future__ import annotations

from kerasgpu import activations
from kerasgpu.layers.layer import Layer


class Activation(Layer):
    """Apply an activation function, given as a function, a layer, or a name of keras.activations.

    >>> import kerasgpu as keras
    >>> keras.layers.Activation("relu")([-3.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        if getattr(self.activation, "built", True):  # a layer with weights is built by the first call
            self._build_at_init()

    def call(self, inputs):
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        return self.activation.compute_output_shape(input_shape) if isinstance(self.activation, Layer) else input_shape

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
