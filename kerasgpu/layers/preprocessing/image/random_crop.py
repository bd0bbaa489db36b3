"""RandomCrop: a random part of images."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.seed_generator import make_default_seed
from kerasgpu.layers.preprocessing.image import windows
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format
from kerasgpu.ops.image.sampling import block, without_gradient


class RandomCrop(BaseImagePreprocessingLayer):
    """In training, a random part of this size, the same for all images of a batch.

    In inference, and for images that are smaller: their largest middle part with these proportions, resized.

    Args:
        height, width: of the output.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomCrop(3, 4)(keras.ops.ones((2, 5, 6, 3))).shape
    (2, 3, 4, 3)
    """

    _CONFIG = ("height", "width", "seed", "data_format")

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(name=name, data_format=data_format, **kwargs)
        self.height, self.width = height, width
        self._set_seed(make_default_seed() if seed is None else seed)

    def _fits(self, height, width):
        return height >= self.height and width >= self.width

    def get_random_transformation(self, data, training=True, seed=None):
        """(top, left, height of the input, width of the input)"""
        height, width = self._size(self._shape(data))
        if not training or not self._fits(height, width):
            return (*windows.middle(height, width, (self.height, self.width))[:2], height, width)
        top = self._uniform((), 0.0, float(height - self.height + 1), seed)
        left = self._uniform((), 0.0, float(width - self.width + 1), seed)
        return ops.cast(top, "int32"), ops.cast(left, "int32"), height, width

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, self.compute_dtype)
        size = self.height, self.width
        height, width = self._size(images.shape)
        if not training or not self._fits(height, width):
            return ops.image.resize(images, size, data_format=self.data_format, crop_to_aspect_ratio=True)
        if without_gradient(images):
            return block(images, *transformation[:2], size, self.data_format)
        starts, shape = [0] * images.ndim, list(images.shape)
        for axis, start, side in zip((self.height_axis, self.width_axis), transformation, size):
            starts[axis], shape[axis] = start, side
        return ops.slice(images, starts, tuple(shape))

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        top, left, *full = transformation
        height, width = full or (None, None)  # a transformation of the user's own may hold the corner alone
        size = self.height, self.width
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", height=height, width=width)
        if full and (not training or not self._fits(height, width)):
            window = windows.middle(height, width, size)
        else:
            dtype = boxes["boxes"].dtype
            window = (ops.cast(top, dtype), ops.cast(left, dtype), *size)
        boxes["boxes"] = windows.boxes_in(boxes["boxes"], window, size)
        boxes = clip_to_image_size(boxes, height=self.height, width=self.width, bounding_box_format="xyxy")
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, height=self.height, width=self.width)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        return self.transform_images(segmentation_masks, transformation, training=training)

    def compute_output_shape(self, input_shape):
        return self._resized(input_shape, self.height, self.width)
