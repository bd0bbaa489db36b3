"""RandomShear: images slanted."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import AffineLayer, rows
from kerasgpu.layers.preprocessing.image.arguments import symmetric_range
from kerasgpu.layers.preprocessing.image.base import per_box
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format

_RULE = "The `factor` argument should be a number (or a list of two numbers) in the range [0, 1.0]. "


class RandomShear(AffineLayer):
    """In training, slant each image along its rows and columns by random amounts.

    Output (x, y) shows what is at (x + sx y, y + sy x), where sx and sy are the drawn amounts.

    Args:
        x_factor: f for an amount in [-f, f], or a pair (lower, upper); in [0, 1]. The sign is drawn too.
        y_factor: the same along columns.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies outside: "reflect", "wrap", "constant" (fill_value) or "nearest".
        fill_value: number.
        data_format: "channels_last", "channels_first", or None for the configured one.
        seed: integer for repeatable results.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomShear(0.2, 0.2)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        x_factor=0.0,
        y_factor=0.0,
        interpolation="bilinear",
        fill_mode="reflect",
        fill_value=0.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, **kwargs)

        def read(factor, name):
            if isinstance(factor, (tuple, list)) and len(factor) == 2 and factor[0] == -factor[1] and factor[0] < 0:
                factor = factor[1]  # what get_config() gives for a single number
            return symmetric_range(factor, name, lambda f: 0.0 <= f <= 1.0, _RULE)

        self.x_factor = read(x_factor, "x_factor")
        self.y_factor = read(y_factor, "y_factor")
        self._set_sampling(fill_mode, interpolation, fill_value)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        count = (self._batch_size(data), 1)
        sign = ops.where(self._uniform((count[0], 2), seed=seed) > 0.5, -1.0, 1.0)  # one for each direction
        shear_y = self._uniform(count, *self.y_factor, seed)
        shear_x = self._uniform(count, *self.x_factor, seed)
        amount = ops.cast(ops.concatenate([shear_x, shear_y], axis=1) * sign, self.compute_dtype)
        return {"shear_factor": amount, "input_shape": self._shape(data)}

    def _matrix(self, transformation, height, width):
        amount = ops.cast(transformation["shear_factor"], "float32")
        return rows(1, amount[:, 0:1], 0, amount[:, 1:2], 1, 0)

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        sides = {"height": height, "width": width, "dtype": self.compute_dtype}
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", **sides)
        amount = ops.cast(transformation["shear_factor"], self.compute_dtype)
        slant_x, slant_y = (per_box(amount[:, k], boxes["boxes"]) for k in (0, 1))
        # Where the corners go: the inverse of the map of the images. That one speaks of the middles of pixels, boxes of their edges.
        x1, y1, x2, y2 = ops.split(boxes["boxes"] - 0.5, 4, axis=-1)
        size = ops.maximum(1 - slant_x * slant_y, 1e-6)
        xs = [(x - slant_x * y) / size for x in (x1, x2) for y in (y1, y2)]
        ys = [(y - slant_y * x) / size for x in (x1, x2) for y in (y1, y2)]
        xs, ys = ops.concatenate(xs, axis=-1) + 0.5, ops.concatenate(ys, axis=-1) + 0.5
        sides_of_box = [reduce(v, axis=-1, keepdims=True) for reduce in (ops.min, ops.max) for v in (xs, ys)]
        boxes["boxes"] = ops.concatenate(sides_of_box, axis=-1)
        boxes = clip_to_image_size(boxes, bounding_box_format="xyxy", height=height, width=width)
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, **sides)
