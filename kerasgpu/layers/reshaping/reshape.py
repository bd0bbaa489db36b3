"""Reshape: the axes after the batch axis, arranged anew."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer


class Reshape(Layer):
    """Reshape each sample to target_shape, in which one size may be -1 or None (what is left).

    >>> import kerasgpu as keras
    >>> keras.layers.Reshape((3, -1))(keras.ops.ones((2, 12))).shape
    (2, 3, 4)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        target_shape = (target_shape,) if isinstance(target_shape, (int, np.integer)) else tuple(target_shape)
        target_shape = tuple(-1 if d is None else d for d in target_shape)
        if target_shape.count(-1) > 1 or any(not isinstance(d, (int, np.integer)) or d < -1 for d in target_shape):
            raise ValueError(
                "There must be at most one unknown dimension (-1) in target_shape, and all others must be integers >= 0. "
                f"Received: target_shape={target_shape}."
            )
        self.target_shape = target_shape
        self._build_at_init()

    def compute_output_shape(self, input_shape):
        target, size = self.target_shape, input_shape[1:]
        if None in size:
            return (input_shape[0], *(None if d == -1 else d for d in target))
        total, known = math.prod(size), math.prod(d for d in target if d != -1)
        fits = total == known if -1 not in target else known > 0 and total % known == 0
        if not fits:
            raise ValueError(
                "The total size of the tensor must be unchanged, however, the input size cannot by divided by the "
                f"specified dimensions in target_shape. Received: input_shape={tuple(size)}, target_shape={target}"
                if -1 in target
                else "The total size of the tensor must be unchanged. Received: "
                f"input_shape={tuple(size)}, target_shape={target}"
            )
        return (input_shape[0], *(total // known if d == -1 else d for d in target))

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs):
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}
