"""CenterCrop: the middle of images."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image import windows
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format


class CenterCrop(BaseImagePreprocessingLayer):
    """The middle of images, in training and inference. Of a smaller image: its largest middle part with these proportions,
    resized.

    Args:
        height, width: of the output.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import numpy as np, kerasgpu as keras
    >>> keras.layers.CenterCrop(1, 2)(np.arange(12.0).reshape(3, 4, 1)).numpy().ravel().tolist()
    [5.0, 6.0]
    """

    _USE_BASE_FACTOR = False
    _CONFIG = ("height", "width", "data_format")

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width

    def get_random_transformation(self, data, training=True, seed=None):
        return {"input_shape": self._shape(data)}

    def _window(self, height, width):
        """The part of the input that is shown: (top, left, height, width)."""
        size = self.height, self.width
        if height >= self.height and width >= self.width:
            return (height - self.height) // 2, (width - self.width) // 2, *size
        return windows.middle(height, width, size)

    def transform_images(self, images, transformation=None, training=True):
        images = ops.cast(images, self.compute_dtype)
        top, left, height, width = self._window(*self._size(images.shape))
        key = [slice(None)] * images.ndim
        key[self.height_axis], key[self.width_axis] = slice(top, top + height), slice(left, left + width)
        images = images[tuple(key)]
        if (height, width) == (self.height, self.width):
            return images
        return ops.image.resize(images, (self.height, self.width), data_format=self.data_format)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        height, width = self._size(transformation["input_shape"])
        window, size = self._window(height, width), (self.height, self.width)
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", height=height, width=width)
        boxes["boxes"] = windows.boxes_in(boxes["boxes"], window, size)
        boxes = clip_to_image_size(boxes, height=self.height, width=self.width, bounding_box_format="xyxy")
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, height=self.height, width=self.width)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training=training)

    def compute_output_shape(self, input_shape):
        return self._resized(input_shape, self.height, self.width)
