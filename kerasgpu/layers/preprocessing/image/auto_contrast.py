"""AutoContrast: values stretched to the whole range."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class AutoContrast(ColorLayer):
    """Each channel of each image stretched linearly so that its values fill the range, in training and inference.

    Args:
        value_range: of the pixels: (lowest, highest).

    >>> import numpy as np, kerasgpu as keras
    >>> keras.layers.AutoContrast((0, 1))(np.array([0.25, 0.5, 0.75]).reshape(1, 3, 1)).numpy().ravel().tolist()
    [0.0, 0.5, 1.0]
    """

    _USE_BASE_FACTOR = False
    _CONFIG = ("value_range",)

    def __init__(self, value_range=(0, 255), **kwargs):
        super().__init__(**kwargs)
        self.value_range = value_pair(value_range)

    def transform_images(self, images, transformation=None, training=True):
        given = ops.cast(images, self.compute_dtype)
        images = self._in_range(given, self.value_range, (0, 255), self.compute_dtype)
        axes = (self.height_axis, self.width_axis)
        low, high = ops.min(images, axis=axes, keepdims=True), ops.max(images, axis=axes, keepdims=True)
        varied = high > low
        scale = 255.0 / ops.where(varied, high - low, 1.0)
        out = ops.clip(images * scale - low * scale, 0.0, 255.0)
        return ops.where(varied, self._in_range(out, (0, 255), self.value_range, self.compute_dtype), given)
