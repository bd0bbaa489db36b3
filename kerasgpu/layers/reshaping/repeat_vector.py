"""RepeatVector: each sample n times along a new time axis."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


class RepeatVector(Layer):
    """(batch, features) to (batch, n, features).

    >>> import kerasgpu as keras
    >>> keras.layers.RepeatVector(3)(keras.ops.ones((2, 4))).shape
    (2, 3, 4)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        if n <= 0:
            raise ValueError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs):
        return ops.repeat(ops.expand_dims(inputs, axis=1), self.n, axis=1)

    def get_config(self):
        return {**super().get_config(), "n": self.n}
