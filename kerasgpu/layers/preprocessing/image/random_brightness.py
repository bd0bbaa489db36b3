"""RandomBrightness: images made lighter or darker."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class RandomBrightness(ColorLayer):
    """In training, add one random number to all pixels of an image, and clip to the range of values.

    Args:
        factor: f for [-f, f] times the size of value_range, or a pair (lower, upper), in [-1, 1].
        value_range: of the pixels: (lowest, highest).
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))(keras.ops.zeros((1, 1, 2))).numpy().tolist()
    [[[0.5, 0.5]]]
    """

    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(factor=factor, **kwargs)
        self._set_seed(seed)
        self.value_range = value_pair(value_range)

    def get_random_transformation(self, data, training=True, seed=None):
        shape = self._shape(data)
        shape = (*shape[:-3], 1, 1, 1)
        if not training:
            return {"rgb_delta": ops.zeros(shape)}
        return {"rgb_delta": self._uniform(shape, *self.factor, seed) * (self.value_range[1] - self.value_range[0])}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        return ops.clip(images + ops.cast(transformation["rgb_delta"], images.dtype), *self.value_range)
