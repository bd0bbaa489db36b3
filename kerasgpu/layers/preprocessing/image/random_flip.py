"""RandomFlip: images mirrored."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import rows
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer, per_box
from kerasgpu.ops.image.sampling import without_gradient
from kerasgpu.utils.bounding_boxes import clip_to_image_size, convert_format

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(BaseImagePreprocessingLayer):
    """In training, mirror each image with probability 1/2.

    Args:
        mode: "horizontal" (left and right change places), "vertical" or "horizontal_and_vertical" (both at once).
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
        return {"flips": self._uniform((*count, 1, 1, 1), seed=seed) <= 0.5, "input_shape": shape}

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        flips = ops.convert_to_tensor(transformation["flips"])
        if without_gradient(images):  # one pass instead of two
            return ops.image.affine_transform(
                images, self._matrix(flips, *self._size(images.shape)), "nearest", data_format=self.data_format
            )
        flips = ops.reshape(flips, (1, 1, 1) if images.ndim == 3 else (-1, 1, 1, 1))
        axes = [self.width_axis] if "horizontal" in self.mode else []
        axes += [self.height_axis] if "vertical" in self.mode else []
        return ops.where(flips, ops.flip(images, axis=tuple(axes)), images)

    def _matrix(self, flips, height, width):
        """The map of each image as `keras.ops.image.affine_transform` wants it."""
        flips = ops.reshape(flips, (-1,))

        def along(side, mirrored):
            if not mirrored:
                return ops.ones(flips.shape), 0
            return ops.where(flips, -1.0, 1.0), ops.where(flips, side - 1.0, 0.0)

        (scale_x, shift_x), (scale_y, shift_y) = along(width, "horizontal" in self.mode), along(height, "vertical" in self.mode)
        return rows(scale_x, 0, shift_x, 0, scale_y, shift_y)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        sides = {"height": height, "width": width}
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="rel_xyxy", **sides)
        flips = per_box(transformation["flips"], boxes["boxes"])
        left, top, right, bottom = ops.split(boxes["boxes"], 4, axis=-1)
        if "horizontal" in self.mode:
            left, right = ops.where(flips, 1 - right, left), ops.where(flips, 1 - left, right)
        if "vertical" in self.mode:
            top, bottom = ops.where(flips, 1 - bottom, top), ops.where(flips, 1 - top, bottom)
        boxes["boxes"] = ops.concatenate([left, top, right, bottom], axis=-1)
        boxes = clip_to_image_size(boxes, bounding_box_format="rel_xyxy")
        return convert_format(boxes, source="rel_xyxy", target=self.bounding_box_format, **sides)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training=training)
