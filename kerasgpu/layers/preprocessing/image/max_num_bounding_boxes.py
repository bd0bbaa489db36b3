"""MaxNumBoundingBoxes: the same number of boxes for every image."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer


class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """Boxes and their labels cut or padded to max_number; images, labels and masks stay as they are.

    Args:
        max_number: number of boxes of each image.
        fill_value: of boxes and labels that are added.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> boxes = {"boxes": keras.ops.ones((1, 2, 4)), "labels": keras.ops.zeros((1, 2))}
    >>> layer = keras.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    >>> layer.transform_bounding_boxes(boxes, None)["labels"].tolist()
    [[0.0, 0.0, -1.0]]
    """

    _CONFIG = ("max_number", "fill_value")

    def __init__(self, max_number, fill_value=-1, **kwargs):
        super().__init__(**kwargs)
        self.max_number = int(max_number)
        self.fill_value = int(fill_value)

    def transform_images(self, images, transformation=None, training=True):
        return images

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        return segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        def fit(x):
            x = ops.convert_to_tensor(x)[:, : self.max_number]
            missing = self.max_number - x.shape[1]
            return ops.pad(x, [(0, 0), (0, missing), *[(0, 0)] * (x.ndim - 2)], constant_values=self.fill_value)

        return {**bounding_boxes, **{k: fit(bounding_boxes[k]) for k in ("boxes", "labels")}}

    def compute_output_shape(self, input_shape):
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        boxes = input_shape["bounding_boxes"]
        unknown = sorted(set(boxes) - {"boxes", "labels"})
        if unknown:
            raise KeyError(
                f"There are unsupported keys in `bounding_boxes`: {unknown}. Only `boxes` and `labels` are supported."
            )
        fitted = {k: (shape[0], self.max_number, *tuple(shape)[2:]) for k, shape in boxes.items()}
        return {**input_shape, "bounding_boxes": fitted}
