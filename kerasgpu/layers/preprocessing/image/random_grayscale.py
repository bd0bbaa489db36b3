"""RandomGrayscale: images without colour."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class RandomGrayscale(ColorLayer):
    """In training, turn images into shades of gray with some probability; they keep their three channels.

    Args:
        factor: the probability, in [0, 1].
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomGrayscale(1.0)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("factor", "seed")

    def __init__(self, factor=0.5, data_format=None, seed=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor
        self._set_seed(seed)

    def get_random_transformation(self, images, training=True, seed=None):
        return self._uniform((self._batch_size(images), 1, 1, 1), seed=seed) < self.factor

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        if transformation is None:
            transformation = self.get_random_transformation(images)
        return ops.where(transformation, ops.image.rgb_to_grayscale(images, data_format=self.data_format), images)
