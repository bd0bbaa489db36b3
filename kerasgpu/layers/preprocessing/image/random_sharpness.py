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
        weights = [[1.0 / 13] * 3, [1.0 / 13, 5.0 / 13, 1.0 / 13], [1.0 / 13] * 3]
        first = self.data_format == "channels_first"
        x = ops.transpose(images, (0, 2, 3, 1)) if first else images
        kernel = ops.reshape(ops.convert_to_tensor(weights, x.dtype), (3, 3, 1, 1))
        kernel = ops.broadcast_to(kernel, (3, 3, x.shape[-1], 1))
        smooth = ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last")
        smooth = ops.transpose(smooth, (0, 3, 1, 2)) if first else smooth
        return ops.clip(images + (1.0 - factor) * (smooth - images), *self.value_range)
