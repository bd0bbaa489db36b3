"""RandomFlip: images mirrored."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import rows
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer, per_box
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format
from kerasgpu.ops.image.sampling import without_gradient

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(BaseImagePreprocessingLayer):
    """In training, mirror each image with probability 1/2.

    Args:
        mode: "horizontal" (left and right change places), "vertical" or "horizontal_and_vertical": each direction is
            drawn for itself, so that one image in four is left as it is, flipped one way, the other, and both ways.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input, as for `keras.utils.bounding_boxes.convert_format`.

    >>> import numpy as np, kerasgpu as keras
    >>> layer = keras.layers.RandomFlip("horizontal")
    >>> layer.transform_images(np.arange(3.0).reshape(1, 1, 3, 1), {"flips": [True]}).tolist()
    [[[[2.0], [1.0], [0.0]]]]
    """

    _USE_BASE_FACTOR = False
    _CONFIG = ("seed", "mode", "data_format")

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        if mode not in _MODES:
            raise ValueError(f"RandomFlip: `mode` must be one of {_MODES}. Received: mode={mode}")
        self._set_seed(seed)
        self.mode = mode

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        count = (shape[0],) if len(shape) == 4 else ()
        drawn = {"flips": self._uniform((*count, 1, 1, 1), seed=seed) <= 0.5, "input_shape": shape}
        if self.mode == "horizontal_and_vertical":
            drawn["vertical_flips"] = self._uniform((*count, 1, 1, 1), seed=seed) <= 0.5
        return drawn

    @staticmethod
    def _flips(transformation):
        """Whether each image is flipped left to right, and upside down; "flips" alone stands for both."""
        flips = ops.convert_to_tensor(transformation["flips"])
        other = transformation.get("vertical_flips")
        return flips, flips if other is None else ops.convert_to_tensor(other)

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        flips = self._flips(transformation)
        if without_gradient(images):  # one pass instead of two
            return ops.image.affine_transform(
                images, self._matrix(*flips, *self._size(images.shape)), "nearest", data_format=self.data_format
            )
        shape = (1, 1, 1) if images.ndim == 3 else (-1, 1, 1, 1)
        for axis, drawn, direction in zip((self.width_axis, self.height_axis), flips, ("horizontal", "vertical")):
            if direction in self.mode:
                images = ops.where(ops.reshape(drawn, shape), ops.flip(images, axis=axis), images)
        return images

    def _matrix(self, horizontal, vertical, height, width):
        """The map of each image as `keras.ops.image.affine_transform` wants it."""

        def along(side, flips, mirrored):
            flips = ops.reshape(flips, (-1,))
            if not mirrored:
                return ops.ones(flips.shape), 0
            return ops.where(flips, -1.0, 1.0), ops.where(flips, side - 1.0, 0.0)

        scale_x, shift_x = along(width, horizontal, "horizontal" in self.mode)
        scale_y, shift_y = along(height, vertical, "vertical" in self.mode)
        return rows(scale_x, 0, shift_x, 0, scale_y, shift_y)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        sides = {"height": height, "width": width}
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="rel_xyxy", **sides)
        horizontal, vertical = (per_box(flips, boxes["boxes"]) for flips in self._flips(transformation))
        left, top, right, bottom = ops.split(boxes["boxes"], 4, axis=-1)
        if "horizontal" in self.mode:
            left, right = ops.where(horizontal, 1 - right, left), ops.where(horizontal, 1 - left, right)
        if "vertical" in self.mode:
            top, bottom = ops.where(vertical, 1 - bottom, top), ops.where(vertical, 1 - top, bottom)
        boxes["boxes"] = ops.concatenate([left, top, right, bottom], axis=-1)
        boxes = clip_to_image_size(boxes, bounding_box_format="rel_xyxy")
        return convert_format(boxes, source="rel_xyxy", target=self.bounding_box_format, **sides)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training=training)
