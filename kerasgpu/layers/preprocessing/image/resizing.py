"""Resizing: images in another size."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format


class Resizing(BaseImagePreprocessingLayer):
    """Images in another size, in training and inference. The dtype stays; integers are rounded.

    Args:
        height, width: of the output.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether to cut images to the proportions of the output first.
        pad_to_aspect_ratio: whether to pad them with fill_value instead.
        fill_mode: "constant".
        fill_value: number.
        antialias: whether the kernel is widened when images are made smaller.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.Resizing(2, 5)(keras.ops.ones((1, 4, 4, 3))).shape
    (1, 2, 5, 3)
    """

    _USE_BASE_FACTOR = False
    _CONFIG = (
        "height",
        "width",
        "interpolation",
        "crop_to_aspect_ratio",
        "pad_to_aspect_ratio",
        "fill_mode",
        "fill_value",
        "antialias",
        "data_format",
    )

    def __init__(
        self,
        height,
        width,
        interpolation="bilinear",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=False,
        fill_mode="constant",
        fill_value=0.0,
        antialias=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = height, width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data, training=True, seed=None):
        return self._size(self._shape(data))

    def _transform_images(self, images, transformation, interpolation):
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation=interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_images(self, images, transformation=None, training=True):
        return self._transform_images(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return self._transform_images(segmentation_masks, transformation, "nearest")

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        height, width = transformation
        given = bounding_boxes["boxes"]
        padding = ops.logical_or(ops.all(ops.equal(given, -1), axis=-1), ops.all(ops.equal(given, 0), axis=-1))
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", height=height, width=width)
        (scale_x, shift_x), (scale_y, shift_y) = self._along(width, height)
        x1, y1, x2, y2 = ops.split(boxes["boxes"], 4, axis=-1)
        boxes["boxes"] = ops.concatenate(
            [x1 * scale_x + shift_x, y1 * scale_y + shift_y, x2 * scale_x + shift_x, y2 * scale_y + shift_y], axis=-1
        )
        boxes = clip_to_image_size(boxes, height=self.height, width=self.width, bounding_box_format="xyxy")
        boxes["boxes"] = ops.where(ops.expand_dims(padding, -1), 0.0, boxes["boxes"])
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, height=self.height, width=self.width)

    def _along(self, width, height):
        """(scale, shift) of x and of y from the input to the output."""
        scales = self.width / width, self.height / height
        if not self.pad_to_aspect_ratio and not self.crop_to_aspect_ratio:
            return (scales[0], 0), (scales[1], 0)
        scale = min(scales) if self.pad_to_aspect_ratio else max(scales)
        outer, inner = (self.width, self.height), (width, height)
        if self.pad_to_aspect_ratio:
            return tuple((scale, (m - n * scale) // 2) for m, n in zip(outer, inner))
        return tuple((scale, -((n * scale - m) // 2)) for m, n in zip(outer, inner))

    def compute_output_shape(self, input_shape):
        return self._resized(input_shape, self.height, self.width)
