"""ELU as a layer (Clevert et al. 2016, https://arxiv.org/abs/1511.07289)."""

from __future__ import annotations

from kerasgpu import activations
from kerasgpu.layers.layer import Layer


class ELU(Layer):
    """y = x for x > 0, alpha * (exp(x) - 1) otherwise."""

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        return activations.elu(inputs, alpha=self.alpha)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
