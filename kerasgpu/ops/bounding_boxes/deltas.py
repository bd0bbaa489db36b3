"""Boxes as offsets from anchors, as detectors predict them (Girshick 2015, Fast R-CNN, section 2.3)."""

from __future__ import annotations

from kerasgpu import config
from kerasgpu.ops.bounding_boxes.formats import convert_format
from kerasgpu.ops.core import conversion
from kerasgpu.ops.numpy import arithmetic, exponential, joining


def _checked(variance, encoding, name):
    if variance is not None:
        variance = conversion.convert_to_tensor(variance, "float32")
        if variance.shape[-1] != 4:
            raise ValueError(f"`variance` must be length 4, got {variance}")
    if encoding not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"`{name}` should be one of 'center_xywh' or 'center_yxhw', got {encoding}")
    return variance


def _sides(image_shape):
    return {} if image_shape is None else {"height": image_shape[0], "width": image_shape[1]}


def encode_box_to_deltas(
    anchors, boxes, anchor_format, box_format, encoding_format="center_yxhw", variance=None, image_shape=None
):
    """(center - anchor center) / anchor size and log(size / anchor size), for each box and its anchor.

    Args:
        anchors, boxes: tensors (..., 4).
        anchor_format, box_format: as for `convert_format`.
        encoding_format: order of the result, "center_xywh" or "center_yxhw".
        variance: four numbers that divide the result, or None.
        image_shape: (height, width, channels), for relative formats.
    """
    variance = _checked(variance, encoding_format, "encoding_format")
    anchors = convert_format(anchors, anchor_format, encoding_format, **_sides(image_shape))
    boxes = convert_format(boxes, box_format, encoding_format, **_sides(image_shape))
    epsilon = config.epsilon()
    anchor_size, size = arithmetic.maximum(anchors[..., 2:], epsilon), arithmetic.maximum(boxes[..., 2:], epsilon)
    deltas = joining.concatenate(
        [(boxes[..., :2] - anchors[..., :2]) / anchor_size, exponential.log(size / anchor_size)], axis=-1
    )
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors, boxes_delta, anchor_format, box_format, encoded_format="center_yxhw", variance=None, image_shape=None
):
    """The inverse of `encode_box_to_deltas`; two dicts of levels give a dict.

    Args:
        anchors, boxes_delta: tensors (..., 4), or dicts of them.
        anchor_format, box_format: as for `convert_format`.
        encoded_format: order of the deltas, "center_xywh" or "center_yxhw".
        variance: four numbers that the deltas were divided by, or None.
        image_shape: (height, width, channels), for relative formats.
    """
    variance = _checked(variance, encoded_format, "encoded_format")

    def decode(anchor, delta):
        anchor = convert_format(anchor, anchor_format, encoded_format, **_sides(image_shape))
        delta = conversion.convert_to_tensor(delta) if variance is None else delta * variance
        size = anchor[..., 2:]
        box = joining.concatenate([delta[..., :2] * size + anchor[..., :2], exponential.exp(delta[..., 2:]) * size], axis=-1)
        return convert_format(box, encoded_format, box_format, **_sides(image_shape))

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decode(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decode(anchors, boxes_delta)
