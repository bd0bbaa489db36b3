"""RandomPosterization: fewer shades."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image.arguments import factor_range, value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomPosterization(ColorLayer):
    """In training, keep only the highest bits of the 8 that a pixel has.

    Args:
        factor: number of bits, drawn from {1, ..., factor - 1} or from a pair {lower, ..., upper - 1}; in [1, 8]. A pair of equal
            numbers is that number.
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.layers.RandomPosterization((1, 1))(np.array([[[[100, 130, 255]]]])).numpy().ravel().tolist()
    [0.0, 128.0, 128.0]
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (1, 8)
    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.value_range = value_pair(value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        count, (low, high) = (self._batch_size(data),), self.factor
        if low == high:
            bits = ops.full(count, low, dtype="uint8")
        else:
            bits = random.randint(count, low, high, dtype="uint8", seed=self.generator if seed is None else seed)
        return {"shift_factor": 8 - bits}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        shift = per_image(ops.cast(transformation["shift_factor"], "uint8"))
        images = ops.cast(self._in_range(images, self.value_range, (0, 255), self.compute_dtype), "uint8")
        images = ops.bitwise_left_shift(ops.bitwise_right_shift(images, shift), shift)
        return self._in_range(ops.cast(images, self.compute_dtype), (0, 255), self.value_range, self.compute_dtype)
