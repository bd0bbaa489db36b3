"""PReLU (He et al. 2015, https://arxiv.org/abs/1502.01852)."""

from __future__ import annotations

import numpy as np

from kerasgpu import activations
from kerasgpu.layers.arguments import add_weight_named, serialize_weight_arguments, set_weight_arguments
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class PReLU(Layer):
    """y = x for x > 0, alpha * x otherwise, with alpha learned for each element of a sample.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of alpha.
        shared_axes: axes (from 1) along which alpha is the same, such as [1, 2] for one alpha per channel of an image.
    """

    def __init__(self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        set_weight_arguments(
            self, alpha_initializer=alpha_initializer, alpha_regularizer=alpha_regularizer, alpha_constraint=alpha_constraint
        )
        self.shared_axes = (
            None if shared_axes is None else [shared_axes] if isinstance(shared_axes, (int, np.integer)) else list(shared_axes)
        )

    def build(self, input_shape):
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = add_weight_named(self, "alpha", shape)
        axes = {}
        if self.shared_axes:
            axes = {i: input_shape[i] for i in range(1, len(input_shape)) if i not in self.shared_axes}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs):
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), **serialize_weight_arguments(self, "alpha"), "shared_axes": self.shared_axes}
