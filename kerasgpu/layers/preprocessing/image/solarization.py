"""Solarization: bright pixels turned into their negatives."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import symmetric_range, value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer

_RULE = (
    "The `addition_factor` and `threshold_factor` arguments should be a number (or a list of two numbers) in the range [0, 1]. "
)


class Solarization(ColorLayer):
    """In training, add a random number to the pixels of an image and invert those that are not below a random threshold.

    Args:
        addition_factor: what is added, as a fraction of the range of values: drawn from [0, factor] or from a pair, in [0, 1].
        threshold_factor: the threshold, drawn likewise.
        value_range: of the pixels: (lowest, highest).
        seed: integer for repeatable results.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.layers.Solarization()(np.array([[[0.0, 10.0, 255.0]]])).numpy().ravel().tolist()
    [255.0, 245.0, 0.0]
    """

    _USE_BASE_FACTOR = False
    _CONFIG = ("value_range", "addition_factor", "threshold_factor", "seed")

    def __init__(self, addition_factor=0.0, threshold_factor=0.0, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(**kwargs)
        self._set_seed(seed)

        def read(factor, name):
            lower, upper = symmetric_range(factor, name, lambda f: 0 <= f <= 1.0, _RULE)
            return (lower, upper) if isinstance(factor, (tuple, list)) else (0, upper)

        self.addition_factor = read(addition_factor, "addition_factor")
        self.threshold_factor = read(threshold_factor, "threshold_factor")
        self.value_range = value_pair(value_range)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = (*self._shape(data)[:-3], 1, 1, 1)

        def draw(factor):
            return self._uniform(shape, factor[0] * 255.0, factor[1] * 255.0, seed, self.compute_dtype)

        return {"additions": draw(self.addition_factor), "thresholds": draw(self.threshold_factor)}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        additions, thresholds = (ops.cast(transformation[k], images.dtype) for k in ("additions", "thresholds"))
        out = ops.clip(self._in_range(images, self.value_range, (0, 255), images.dtype) + additions, 0, 255)
        out = ops.where(out < thresholds, out, 255 - out)
        return self._in_range(out, (0, 255), self.value_range, images.dtype)
