"""RandomColorDegeneration: images moved towards gray."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import value_pair
from kerasgpu.layers.preprocessing.image.base import ColorLayer


class RandomColorDegeneration(ColorLayer):
    """In training, mix each image with its shades of gray: y = x + f (gray - x).

    Args:
        factor: f, drawn from [-factor, factor] or from a pair (lower, upper), in [-1, 1]: 0 keeps the image, 1 gives gray.
        value_range: of the pixels: (lowest, highest).
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomColorDegeneration((0.0, 1.0))(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("factor", "value_range", "seed")

    def __init__(self, factor, value_range=(0, 255), data_format=None, seed=None, **kwargs):
        super().__init__(factor=factor, data_format=data_format, **kwargs)
        self.value_range = value_pair(value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        return {"factor": self._uniform((self._batch_size(data), 1, 1, 1), *self.factor, seed)}

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        factor = ops.cast(transformation["factor"], images.dtype)
        return ops.clip(images + factor * (gray - images), *self.value_range)

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, dict):
            return {**input_shape, "images": self.compute_output_shape(input_shape["images"])}
        if len(input_shape) not in (3, 4):
            raise ValueError(
                "Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images). Received: "
                f"input_shape={input_shape}"
            )
        channels = input_shape[self.channel_axis]
        if channels not in (None, 3):
            raise ValueError(f"Input images must have 3 channels, but received images with {channels} channels.")
        return input_shape
