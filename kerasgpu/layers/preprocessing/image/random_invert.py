"""RandomInvert: negatives."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomInvert(ColorLayer):
    """In training, turn images into their negatives with some probability: y = highest value - x.

    Args:
        factor: probability, drawn for each image from [0, factor] or from a pair (lower, upper), in [0, 1].
        value_range: of the pixels: (lowest, highest).
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomInvert((1.0, 1.0))(keras.ops.ones((1, 1, 2))).numpy().tolist()
    [[[254.0, 254.0]]]
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor=1.0, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.value_range = value_range
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        count = (self._batch_size(data),)
        probability = self._uniform(count, *self.factor, seed)
        return {"apply_inversion": self._uniform(count, seed=seed) < probability}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        return ops.where(per_image(transformation["apply_inversion"]), self.value_range[1] - images, images)
