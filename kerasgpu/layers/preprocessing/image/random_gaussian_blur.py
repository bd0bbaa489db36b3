"""RandomGaussianBlur: images blurred."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.base import ColorLayer, per_image


class RandomGaussianBlur(ColorLayer):
    """In training, blur images with a normal curve of random width, with some probability.

    Args:
        factor: probability, drawn for each image from [0, factor] or from a pair (lower, upper), in [0, 1].
        kernel_size: odd number of weights, or a pair for (width, height).
        sigma: width of the curve in pixels, drawn for each axis from [0, sigma] or from a pair, in [0, 1].
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomGaussianBlur()(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "kernel_size", "sigma", "value_range", "seed")

    def __init__(self, factor=1.0, kernel_size=3, sigma=1.0, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        pair = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
        if len(pair) != 2 or not all(isinstance(n, (int, float, np.number)) for n in pair):
            raise ValueError(
                f"The `kernel_size` argument should be a number (or a list of two numbers). Received: kernel_size={kernel_size}"
            )
        if any(n % 2 == 0 for n in pair):
            raise ValueError(f"kernel_size must be an odd number. Received: kernel_size={kernel_size}")
        self.kernel_size = tuple(pair)
        self.sigma = factor_range(sigma, self._FACTOR_BOUNDS, "sigma")
        self.value_range = value_range
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        count = (self._batch_size(data),)
        probability = self._uniform(count, *self.factor, seed)
        return {
            "should_apply_blur": self._uniform(count, seed=seed) < probability,
            "blur_factor": self._uniform((2,), *self.sigma, seed, self.compute_dtype) + 1e-6,
        }

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        blurred = ops.image.gaussian_blur(images, self.kernel_size, transformation["blur_factor"], data_format=self.data_format)
        images = ops.where(per_image(transformation["should_apply_blur"]), blurred, images)
        return ops.clip(images, *self.value_range)
