"""RandomZoom: images made larger or smaller around their middle."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.affine import AffineLayer, rows
from kerasgpu.layers.preprocessing.image.arguments import symmetric_range
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format

_RULE = (
    "The `height_factor` and `width_factor` arguments should be a number (or a list of two numbers) in the range (-1.0, 1.0]. "
)


class RandomZoom(AffineLayer):
    """In training, zoom each image by random factors along its height and width.

    Args:
        height_factor: f for a change in [-f, f], or a pair (lower, upper), in (-1, 1]. Positive zooms out: 0.2 shows 20 % more
            rows.
        width_factor: the same for the width; None to keep the proportions.
        fill_mode: what lies outside: "reflect", "wrap", "constant" (fill_value) or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: integer for repeatable results.
        fill_value: number.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomZoom((-0.3, -0.1))(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _CONFIG = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        height_factor,
        width_factor=None,
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
            return symmetric_range(factor, name, lambda f: -1.0 < f <= 1.0, _RULE)

        self.height_lower, self.height_upper = read(height_factor, "height_factor")
        if width_factor is not None:
            self.width_lower, self.width_upper = read(width_factor, "width_factor")
        self._set_sampling(fill_mode, interpolation, fill_value)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        count = (self._batch_size(data), 1)
        height = width = self._uniform(count, 1.0 + self.height_lower, 1.0 + self.height_upper, seed)
        if self.width_factor is not None:
            width = self._uniform(count, 1.0 + self.width_lower, 1.0 + self.width_upper, seed)
        return {"height_zoom": height, "width_zoom": width, "input_shape": self._shape(data)}

    def _matrix(self, transformation, height, width):
        zoom_x, zoom_y = (ops.cast(transformation[k], "float32") for k in ("width_zoom", "height_zoom"))
        return rows(zoom_x, 0, (width - 1.0) / 2.0 * (1.0 - zoom_x), 0, zoom_y, (height - 1.0) / 2.0 * (1.0 - zoom_y))

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", height=height, width=width)
        matrix = self._matrix(transformation, height, width)
        zoom_x, zoom_y, *starts = (ops.reshape(matrix[:, k], (-1, 1, 1)) for k in (0, 4, 2, 5))
        ends = [zoom_x * width + starts[0], zoom_y * height + starts[1]]
        parts = ops.split(boxes["boxes"], 4, axis=-1)
        parts = [ops.clip(x, starts[k % 2], ends[k % 2]) - starts[k % 2] for k, x in enumerate(parts)]
        boxes["boxes"] = ops.concatenate(parts, axis=-1)
        seen = {"height": ends[1] - starts[1], "width": ends[0] - starts[0]}
        boxes = convert_format(boxes, source="xyxy", target="rel_xyxy", **seen)
        boxes = clip_to_image_size(boxes, bounding_box_format="rel_xyxy")
        return convert_format(boxes, source="rel_xyxy", target=self.bounding_box_format, height=height, width=width)
