"""RandomSharpness: images made sharper or softer."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import factor_range, value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomSharpness(ColorLayer):
    """In training, y = smooth + 2 f (x - smooth) for each image, clipped to the range of values.

    Args:
        factor: f, drawn from [0, factor] or from a pair (lower, upper), in [0, 1]: 0 gives the smoothed image, 0.5 keeps it, 1
            sharpens.
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomSharpness((0.0, 1.0))(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.value_range = value_pair(value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        return {"factor": self._uniform((self._batch_size(data),), *self.factor, seed)}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        factor = per_image(ops.cast(transformation["factor"], images.dtype)) * 2
        # The mean of a pixel, five times, and its eight neighbours; zeros lie outside.
        smooth = (self._with_neighbours(self._with_neighbours(images, self.height_axis), self.width_axis) + 4.0 * images) / 13.0
        return ops.clip(images + (1.0 - factor) * (smooth - images), *self.value_range)

    @staticmethod
    def _with_neighbours(x, axis):
        """The sum of each pixel and the ones before and after it along an axis."""
        pads, parts = [(0, 0)] * x.ndim, []
        pads[axis] = (1, 1)
        padded = ops.pad(x, pads)
        for start in range(3):
            key = [slice(None)] * x.ndim
            key[axis] = slice(start, start + x.shape[axis])
            parts.append(padded[tuple(key)])
        return parts[0] + parts[1] + parts[2]
