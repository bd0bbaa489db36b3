"""RMSNormalization (Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467)."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.normalization.axes import check_axes, known_size


class RMSNormalization(Layer):
    """y = scale * x / sqrt(mean(x^2) + epsilon), the mean over `axis` (an int, or several).

    >>> import kerasgpu as keras
    >>> keras.layers.RMSNormalization()(keras.ops.convert_to_tensor([[3.0, 3.0]])).numpy().round(3)
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape):
        self.axis = [self.axis] if isinstance(self.axis, (int, np.integer)) else sorted(self.axis)
        self.scale = self.add_weight(
            name="scale", shape=tuple(known_size(self, a, input_shape) for a in self.axis), initializer="ones"
        )
        self.built = True

    def call(self, x):
        return ops.rms_normalization(x, scale=self.scale, axis=list(self.axis), epsilon=self.epsilon)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def get_config(self):
        axis = self.axis if isinstance(self.axis, (int, np.integer)) else list(self.axis)
        return {**super().get_config(), "axis": axis, "epsilon": self.epsilon}
