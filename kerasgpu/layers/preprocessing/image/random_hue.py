"""RandomHue: colours turned around the colour circle."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomHue(ColorLayer):
    """In training, turn the hue of each image by a random part of half a circle, in a random direction.

    Args:
        factor: the part, drawn from [0, factor] or from a pair (lower, upper), in [0, 1].
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomHue(0.5)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor=factor, data_format=data_format, **kwargs)
        self.value_range = value_range
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        count = (self._batch_size(data),)
        sign = ops.where(self._uniform(count, seed=seed) > 0.5, -1.0, 1.0)
        return {"factor": sign * self._uniform(count, *self.factor, seed) * 0.5}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        hsv = ops.image.rgb_to_hsv(self._in_range(images, self.value_range, (0, 1), images.dtype), self.data_format)
        hue, saturation, value = ops.split(hsv, 3, axis=self.channel_axis)
        hue = hue + per_image(ops.cast(transformation["factor"], images.dtype))
        hue = ops.where(hue > 1.0, hue - 1.0, hue)
        hue = ops.where(hue < 0.0, hue + 1.0, hue)
        out = ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], self.channel_axis), self.data_format)
        return self._in_range(ops.clip(out, 0, 1), (0, 1), self.value_range, images.dtype)
