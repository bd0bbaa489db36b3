"""UnitNormalization: inputs scaled to length 1."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.normalization.axes import check_axes


class UnitNormalization(Layer):
    """y = x / sqrt(sum(x^2)) over `axis` (an int, or several).

    >>> import kerasgpu as keras
    >>> keras.layers.UnitNormalization()(keras.ops.convert_to_tensor([[3.0, 4.0]])).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axis, (list, tuple, int, np.integer)):
            raise TypeError(
                f"Invalid value for `axis` argument: expected an int or a list/tuple of ints. Received: axis={axis}"
            )
        self.axis = axis if isinstance(axis, (int, np.integer)) else list(axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs):
        axis = self.axis if isinstance(self.axis, (int, np.integer)) else tuple(self.axis)
        return ops.normalize(inputs, axis=axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis if isinstance(self.axis, (int, np.integer)) else list(self.axis)}
