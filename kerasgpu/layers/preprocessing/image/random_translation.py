"""RandomTranslation: images shifted."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import AffineLayer, rows
from kerasgpu.layers.preprocessing.image.arguments import symmetric_range
from kerasgpu.layers.preprocessing.image.base import per_box
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format

_RULE = "The `factor` argument should be a number (or a list of two numbers) in the range [-1.0, 1.0]. "


class RandomTranslation(AffineLayer):
    """In training, shift each image down and to the right by random fractions of its height and width.

    Args:
        height_factor: f for a shift in [-f, f] times the height, or a pair (lower, upper), in [-1, 1].
        width_factor: the same for the width.
        fill_mode: what lies outside: "reflect", "wrap", "constant" (fill_value) or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: integer for repeatable results.
        fill_value: number.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import numpy as np, kerasgpu as keras
    >>> layer = keras.layers.RandomTranslation((0.5, 0.5), (0.0, 0.0), fill_mode="constant")
    >>> layer(np.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)).numpy().ravel().tolist()
    [0.0, 0.0, 1.0, 2.0]
    """

    _CONFIG = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor

        def read(factor, name):
            return symmetric_range(factor, name, lambda f: -1.0 <= f <= 1.0, _RULE)

        self.height_lower, self.height_upper = read(height_factor, "height_factor")
        self.width_lower, self.width_upper = read(width_factor, "width_factor")
        self._set_sampling(fill_mode, interpolation, fill_value)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        height, width = self._size(shape)
        count = (self._batch_size(data), 1)
        down = self._uniform(count, self.height_lower, self.height_upper, seed) * height
        right = self._uniform(count, self.width_lower, self.width_upper, seed) * width
        return {"translations": ops.cast(ops.concatenate([right, down], axis=1), "float32"), "input_shape": shape}

    def _matrix(self, transformation, height, width):
        shift = ops.convert_to_tensor(transformation["translations"])
        return rows(1, 0, -shift[:, 0:1], 0, 1, -shift[:, 1:2])

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        sides = {"height": height, "width": width}
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", **sides)
        shift = ops.cast(transformation["translations"], boxes["boxes"].dtype)
        right, down = (per_box(shift[:, k], boxes["boxes"]) for k in (0, 1))
        boxes["boxes"] = boxes["boxes"] + ops.concatenate([right, down, right, down], axis=-1)
        boxes = clip_to_image_size(boxes, bounding_box_format="xyxy", **sides)
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, **sides)
