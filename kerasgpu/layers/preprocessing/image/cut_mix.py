"""CutMix (Yun et al. 2019)."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image import windows
from kerasgpu.layers.preprocessing.image.arguments import factor_range
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from kerasgpu.layers.preprocessing.image.mix_up import mixed


class CutMix(BaseImagePreprocessingLayer):
    """In training, replace a random rectangle of each image by that of another image of the batch, and mix labels by area.

    The input is a dict with "images" (batch, height, width, channels) and "labels" (batch, classes), or images alone; single
    images stay as they are.

    Args:
        factor: alpha of the Beta(alpha, alpha) distribution of the area that stays, drawn from [0, factor] or from a pair, in
            [0, 1].
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.layers.CutMix()(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "seed")

    def __init__(self, factor=1.0, seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        shape = self._shape(data)
        if not training or len(shape) == 3:
            return None
        seed = self.generator if seed is None else seed
        alpha = self._uniform((), *self.factor, seed) + 1e-6
        stays = random.beta((shape[0],), alpha, alpha, seed=seed)
        ratio = ops.cast(ops.sqrt(1.0 - stays), self.compute_dtype)
        box = x0, x1, y0, y1 = windows.random_box(self, shape, ratio, ratio, seed)
        height, width = self._size(shape)
        return {
            "permutation_order": random.shuffle(ops.arange(shape[0], dtype="int32"), seed=seed),
            "batch_masks": windows.box_mask(self, shape, box),
            "mix_weight": ops.reshape(1.0 - (x1 - x0) * (y1 - y0) / (width * height), (-1, 1, 1, 1)),
        }

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        others = ops.take(images, transformation["permutation_order"], axis=0)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_labels(self, labels, transformation, training=True):
        return labels if not training or transformation is None else mixed(labels, transformation)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training)
