"""RandomSaturation: stronger or weaker colours."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.layers.preprocessing.image.arguments import value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class RandomSaturation(ColorLayer):
    """In training, multiply the saturation of each image by f / (1 - f), f being drawn from `factor`.

    Args:
        factor: f, drawn from [0, factor] or from a pair (lower, upper), in [0, 1]: 0.5 keeps the colours, 0 gives shades of gray.
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomSaturation((0.4, 0.6))(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor=factor, data_format=data_format, **kwargs)
        self.value_range = value_pair(value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        factor = self._uniform((self._batch_size(data),), *self.factor, seed)
        return {"factor": factor / (1 - factor + config.epsilon())}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        change = ops.reshape(ops.cast(transformation["factor"], images.dtype), (-1, 1, 1, 1))
        hue, saturation, value = ops.split(ops.image.rgb_to_hsv(images, self.data_format), 3, axis=self.channel_axis)
        saturation = ops.clip(saturation * change, *self.value_range)
        return ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], self.channel_axis), self.data_format)
