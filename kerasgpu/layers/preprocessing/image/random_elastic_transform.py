"""RandomElasticTransform: images moved by a smooth random field (Simard et al. 2003)."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.seed_generator import draw_seed
from kerasgpu.layers.preprocessing.image.arguments import INTERPOLATIONS, check_choice, factor_range
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer, per_image
from kerasgpu.ops.image.elastic import elastic

_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


class RandomElasticTransform(BaseImagePreprocessingLayer):
    """In training, move the pixels of each image by a smooth random field, with some probability.

    Args:
        factor: probability, drawn for each image from [0, factor] or from a pair (lower, upper), in [0, 1].
        scale: strength, drawn from [0, scale] or from a pair, in [0, 1]: the field has a strength of 0.1 scale times the longer
            side and a smoothness of 0.05 scale times the shorter.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies outside: "reflect", "wrap", "mirror", "constant" (fill_value) or "nearest".
        fill_value: number.
        value_range: of the pixels, to which results are clipped.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomElasticTransform()(keras.ops.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor=1.0,
        scale=1.0,
        interpolation="bilinear",
        fill_mode="reflect",
        fill_value=0.0,
        value_range=(0, 255),
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self.scale = factor_range(scale, self._FACTOR_BOUNDS, "scale")
        self.interpolation = check_choice("interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = check_choice("fill_mode", fill_mode, _FILL_MODES)
        self.fill_value = fill_value
        self.value_range = value_range
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        count = self._batch_size(data)
        probability = self._uniform((count,), *self.factor, seed)
        return {
            "apply_transform": self._uniform((count,), seed=seed) < probability,
            "distortion_factor": self._uniform((), *self.scale, seed),
            # One state, so that masks move as their images do.
            "seed": draw_seed(self.generator if seed is None else seed),
        }

    def _transform_images(self, images, transformation, interpolation):
        if transformation is None:
            return images
        height, width = self._size(images.shape)
        strength = ops.cast(transformation["distortion_factor"], "float32")
        smooth = 0.05 * min(height, width)
        out = elastic(
            images,
            alpha=strength * (0.1 * max(height, width)),
            sigma=ops.maximum(strength * smooth, 1e-4),
            size=int(6 * smooth * self.scale[1]) | 1,
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            seed=transformation["seed"],
            data_format=self.data_format,
        )
        out = ops.where(per_image(transformation["apply_transform"]), out, images)
        return ops.cast(ops.clip(out, *self.value_range), images.dtype)
