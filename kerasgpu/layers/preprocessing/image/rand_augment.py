"""RandAugment (Cubuk et al. 2020)."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.preprocessing.image.chosen import COLOR, GEOMETRY, ChoosingLayer


class RandAugment(ChoosingLayer):
    """In training, apply num_ops layers to a batch of images, each chosen at random from eleven.

    These are RandomShear, RandomTranslation, RandomRotation, RandomBrightness, RandomColorDegeneration, RandomContrast,
    RandomSharpness, RandomPosterization, Solarization, AutoContrast and Equalization.

    Args:
        value_range: of the pixels: (lowest, highest).
        num_ops: number of layers applied.
        factor: strength of these layers, a number or a pair (lower, upper), in [0, 1].
        interpolation: "bilinear" or "nearest".
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    The choice is read on the host, so a model with this layer in it trains step by step; in a data pipeline it costs nothing.

    >>> import kerasgpu as keras
    >>> keras.layers.RandAugment()(keras.ops.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    _names = (*GEOMETRY, *COLOR, "random_posterization", "solarization", "auto_contrast", "equalization")
    _CONFIG = ("value_range", "num_ops", "factor", "interpolation", "seed")

    def __init__(
        self,
        value_range=(0, 255),
        num_ops=2,
        factor=0.5,
        interpolation="bilinear",
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.num_ops = num_ops
        self._make_layers(value_range, factor, interpolation, seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        chosen = random.randint((self.num_ops,), 0, len(self._names), seed=seed)
        needed = {self._names[k] for k in self._chosen(chosen)}
        transforms = {
            name: getattr(self, name).get_random_transformation(data, training=training, seed=seed)
            for name in self._names
            if name in needed
        }
        return {"transforms": transforms, "layer_idxes": chosen}

    def _in_turn(self, transformation):
        """(layer, its transformation) for each choice."""
        for k in self._chosen(transformation["layer_idxes"]):
            name = self._names[k]
            yield getattr(self, name), transformation["transforms"][name]

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if training:
            for layer, given in self._in_turn(transformation):
                images = layer.transform_images(images, given)
        return images

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if training:
            for layer, given in self._in_turn(transformation):
                bounding_boxes = layer.transform_bounding_boxes(bounding_boxes, given)
        return bounding_boxes

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        if training:
            for layer, given in self._in_turn(transformation):
                segmentation_masks = layer.transform_segmentation_masks(segmentation_masks, given)
        return segmentation_masks
