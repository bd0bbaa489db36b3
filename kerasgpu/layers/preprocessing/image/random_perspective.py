"""RandomPerspective: images as if seen from another place."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.preprocessing.image.arguments import INTERPOLATIONS, check_choice, factor_range
from kerasgpu.layers.preprocessing.image.base import BaseImagePreprocessingLayer, per_box, per_image
from kerasgpu.ops.bounding_boxes import clip_to_image_size, convert_format
from kerasgpu.ops.image.sampling import homography


class RandomPerspective(BaseImagePreprocessingLayer):
    """In training, move the corners of each image by random amounts, with some probability.

    Args:
        factor: probability, drawn for each image from [0, factor] or from a pair (lower, upper), in [0, 1].
        scale: how far corners move, as a fraction of the image, in [0, 1].
        interpolation: "bilinear" or "nearest".
        fill_value: what lies outside.
        seed: integer for repeatable results.
        data_format: "channels_last", "channels_first", or None for the configured one.
        bounding_box_format: format of boxes in the input.

    >>> import kerasgpu as keras
    >>> keras.layers.RandomPerspective(1.0, 0.3)(keras.ops.ones((2, 4, 4, 3))).shape
    (2, 4, 4, 3)
    """

    _USE_BASE_FACTOR = False
    _FACTOR_BOUNDS = (0, 1)
    _CONFIG = ("factor", "scale", "interpolation", "fill_value", "seed")

    def __init__(self, factor=1.0, scale=1.0, interpolation="bilinear", fill_value=0.0, seed=None, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.factor = factor_range(factor, self._FACTOR_BOUNDS)
        if not 0.0 <= scale <= 1.0:
            raise ValueError(f"The `scale` argument should be a number in the range [0,1]. Received: scale={scale}")
        self.scale = scale
        self.fill_value = fill_value
        self.interpolation = check_choice("interpolation", interpolation, INTERPOLATIONS)
        self._set_seed(seed)

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        height, width = self._size(shape)
        count = self._batch_size(data)
        probability = self._uniform((count,), *self.factor, seed)
        apply = self._uniform((count,), seed=seed) < probability
        moved = self._uniform((count, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed)
        corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]
        start = ops.broadcast_to(ops.convert_to_tensor([corners], "float32"), (count, 4, 2))
        return {
            "apply_perspective": apply,
            "start_points": start,
            "end_points": start + start * moved,
            "input_shape": shape,
        }

    def _transform_images(self, images, transformation, interpolation):
        if transformation is None:
            return images
        single = images.ndim == 3
        if single:
            images = ops.expand_dims(images, 0)
        out = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation=interpolation,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        out = ops.where(per_image(transformation["apply_perspective"]), out, images)
        return ops.squeeze(out, 0) if single else out

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        if not training or transformation is None:
            return bounding_boxes
        height, width = self._size(transformation["input_shape"])
        sides = {"height": height, "width": width}
        boxes = convert_format(bounding_boxes, source=self.bounding_box_format, target="xyxy", **sides)
        start, end = (ops.cast(transformation[k], "float32") for k in ("start_points", "end_points"))
        h = [per_box(part, boxes["boxes"]) for part in ops.unstack(homography(end, start), axis=-1)]
        left, top, right, bottom = ops.split(boxes["boxes"], 4, axis=-1)
        x, y = ops.concatenate([left, right, right, left], -1), ops.concatenate([top, top, bottom, bottom], -1)
        depth = h[6] * x + h[7] * y + 1.0
        x, y = (h[0] * x + h[1] * y + h[2]) / depth, (h[3] * x + h[4] * y + h[5]) / depth
        around = ops.stack([ops.min(x, -1), ops.min(y, -1), ops.max(x, -1), ops.max(y, -1)], axis=-1)
        apply = per_box(transformation["apply_perspective"], boxes["boxes"])
        boxes["boxes"] = ops.where(apply, around, boxes["boxes"])
        boxes = clip_to_image_size(boxes, bounding_box_format="xyxy", **sides)
        return convert_format(boxes, source="xyxy", target=self.bounding_box_format, **sides)
