"""LeakyReLU as a layer (Maas et al. 2013)."""

from __future__ import annotations

import warnings

from kerasgpu import activations
from kerasgpu.layers.layer import Layer


class LeakyReLU(Layer):
    """y = x for x > 0, negative_slope * x otherwise.

    >>> import kerasgpu as keras
    >>> keras.layers.LeakyReLU(negative_slope=0.5)([-2.0, 2.0]).numpy()
    array([-1.,  2.], dtype=float32)
    """

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("Argument `alpha` is deprecated. Use `negative_slope` instead.", stacklevel=2)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. Expected a float. Received: "
                f"negative_slope={negative_slope}"
            )
        self.negative_slope = negative_slope
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "negative_slope": self.negative_slope}
