"""RandomErasing (Zhong et al. 2020)."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image import windows
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomErasing(ColorLayer):
    """In training, cover a random rectangle of each image, with some probability.

    Args:
        factor: probability, drawn for each image from [0, factor] or from a pair (lower, upper), in [0, 1].
        scale: area of the rectangle as a fraction of the image, drawn from [0, scale] or from a pair.
        fill_value: a number, three numbers (one for each channel), or None for noise.
        value_range: of the pixels.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomErasing(fill_value=0.0)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "scale", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor=1.0,
        scale=(0.02, 0.33),
        fill_value=None,
        value_range=(0, 255),
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.scale = factor_range(scale, self._FACTOR_BOUNDS, "scale")
        several = isinstance(fill_value, (tuple, list))
        if fill_value is not None and not (
            len(fill_value) == 3 if several else isinstance(fill_value, (int, float, np.number))
        ):
            raise ValueError(
                f"The `fill_value` argument should be a number (or a list of three numbers). Received: fill_value={fill_value}"
            )
        self.fill_value = fill_value
        self.value_range = value_range
        self._set_seed(seed)

    def _fill(self, shape, seed):
        if self.fill_value is None:
            noise = random.normal(shape, dtype=self.compute_dtype, seed=self.generator if seed is None else seed)
            fill = noise * self.value_range[1]
        else:
            fill = ops.convert_to_tensor(self.fill_value, self.compute_dtype)
            if fill.ndim:
                fill = ops.reshape(fill, (3,) if self.data_format == "channels_last" else (3, 1, 1))
        return ops.clip(fill, *self.value_range)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape, count = self._shape(data), self._batch_size(data)
        part = ops.sqrt(self._uniform((count, 2), *self.scale, seed, self.compute_dtype))
        box = windows.random_box(self, shape, part[:, 0], part[:, 1], seed)
        probability = self._uniform((count,), *self.factor, seed)
        return {
            "apply_erasing": self._uniform((count,), seed=seed) < probability,
            "batch_masks": windows.box_mask(self, shape, box),
            "fill_value": self._fill(shape, seed),
        }

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        fill = ops.cast(transformation["fill_value"], self.compute_dtype)
        erased = ops.logical_and(transformation["batch_masks"], per_image(transformation["apply_erasing"]))
        return ops.where(erased, fill, images)
