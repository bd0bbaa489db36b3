"""RandomContrast: differences from the mean made larger or smaller."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class RandomContrast(ColorLayer):
    """In training, y = (x - mean) * c + mean for each channel of each image, with a random c, clipped to the range of values.

    Args:
        factor: a pair (lower, upper) for c in [1 - lower, 1 + upper], or a number f for c in [1, 1 + f]; in [0, 1].
        value_range: of the pixels: (lowest, highest).
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomContrast((0.5, 0.5))(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(factor=factor, **kwargs)
        self.value_range = value_range
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        shape = (*self._shape(data)[:-3], 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        return {"contrast_factor": self._uniform(shape, low, high, seed, self.compute_dtype)}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        mean = ops.mean(images, axis=(self.height_axis, self.width_axis), keepdims=True)
        change = ops.cast(transformation["contrast_factor"], images.dtype)
        return ops.clip((images - mean) * change + mean, *self.value_range)
