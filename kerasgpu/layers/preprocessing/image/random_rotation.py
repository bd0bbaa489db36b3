"""RandomRotation: images turned around their middle."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import AffineLayer, rotation_matrix
from kerasgpu.ops.bounding_boxes import affine_transform, clip_to_image_size, convert_format


class RandomRotation(AffineLayer):
    """In training, turn each image by a random angle.

    Args:
        factor: fraction of a full turn: f for angles in [-360 f, 360 f] degrees, or a pair (lower, upper). Positive is
            counterclockwise.
        fill_mode: what lies outside: "reflect", "wrap", "constant" (fill_value) or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: integer for repeatable results.
        fill_value: number.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomRotation(0.1)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = True
    _CONFIG = ("factor", "data_format", "fill_mode", "fill_value", "interpolation", "seed")

    def __init__(
        self, factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0, data_format=None, **kwargs
    ):
        super().__init__(factor=factor, data_format=data_format, **kwargs)
        self._set_seed(seed)
        self._set_sampling(fill_mode, interpolation, fill_value)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        height, width = self._size(shape)
        count = self._batch_size(data)
        lower, upper = (360.0 * f for f in self.factor)
        angle = self._uniform((count,), lower, upper, seed)
        matrix = rotation_matrix(angle, height, width)
        return {
            "angle": angle,
            "rotation_matrix": ops.squeeze(matrix, 0) if len(shape) == 3 else matrix,
            "image_height": height,
            "image_width": width,
            "batch_size": count,
        }

    def _matrix(self, transformation, height, width):
        return transformation["rotation_matrix"]

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        sides = {"height": transformation["image_height"], "width": transformation["image_width"]}
        angle = ops.convert_to_tensor(transformation["angle"])
        zero = ops.zeros_like(angle)
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", **sides)
        boxes["boxes"] = affine_transform(boxes["boxes"], angle, zero, zero, ops.ones_like(angle), zero, zero, **sides)
        boxes = clip_to_image_size(boxes, bounding_box_format="xyxy", **sides)
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, **sides)
