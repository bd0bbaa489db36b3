"""Boxes moved as their images are: clip_to_image_size, affine_transform, crop, pad. All in the format "xyxy"."""

from __future__ import annotations

import math

from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.numpy import arithmetic, joining, reduction, selection, shaping, trigonometric


def clip_to_image_size(bounding_boxes, height=None, width=None, bounding_box_format="xyxy"):
    """Boxes cut to the image; one that is left without area gets the label -1.

    Args:
        bounding_boxes: dict of "boxes", a tensor (..., 4), and "labels", a tensor (...), or without.
        height, width: of the image, for "xyxy".
        bounding_box_format: "xyxy" or "rel_xyxy".

    Returns a new dict.
    """
    if bounding_box_format not in ("xyxy", "rel_xyxy"):
        raise NotImplementedError(
            f"clip_to_image_size: bounding_box_format must be 'xyxy' or 'rel_xyxy'; received {bounding_box_format!r}. Use "
            "convert_format() first"
        )
    absolute = bounding_box_format == "xyxy"
    if absolute and (height is None or width is None):
        raise ValueError("`height` and `width` must be set if `format='xyxy'`.")
    boxes = conversion.convert_to_tensor(bounding_boxes["boxes"])
    sides = [casting.cast(side, boxes.dtype) for side in (width, height)] if absolute else [1.0, 1.0]
    left, top, right, bottom = (arithmetic.clip(x, 0, sides[k % 2]) for k, x in enumerate(joining.split(boxes, 4, axis=-1)))
    out = {**bounding_boxes, "boxes": joining.concatenate([left, top, right, bottom], axis=-1)}
    if bounding_boxes.get("labels") is not None:
        areas = shaping.squeeze((right - left) * (bottom - top), -1)
        out["labels"] = selection.where(areas > 0, bounding_boxes["labels"], -1)
    return out


def _inverse_affine(center_x, center_y, angle, translate_x, translate_y, scale, shear_x, shear_y, height, width):
    """The six coefficients (batch,) of x' = a0 x + a1 y + a2, y' = b0 x + b1 y + b2, for angles in degrees."""
    to_radians = math.pi / 180.0
    center_x, center_y = center_x * (width - 1), center_y * (height - 1)
    rotation, shear_x, shear_y = -angle * to_radians, -shear_x * to_radians, -shear_y * to_radians
    from_x, from_y = center_x - translate_x * (width - 1), center_y - translate_y * (height - 1)
    a = trigonometric.cos(rotation - shear_y) / trigonometric.cos(shear_y)
    b = a * trigonometric.tan(shear_x) + trigonometric.sin(rotation)
    c = -trigonometric.sin(rotation - shear_y) / trigonometric.cos(shear_y)
    d = trigonometric.cos(rotation) - c * trigonometric.tan(shear_x)
    a0, a1, b0, b1 = d * scale, -b * scale, -c * scale, a * scale
    return a0, a1, center_x - a0 * from_x - a1 * from_y, b0, b1, center_y - b0 * from_x - b1 * from_y


def affine_transform(
    boxes,
    angle,
    translate_x,
    translate_y,
    scale,
    shear_x,
    shear_y,
    height,
    width,
    center_x=None,
    center_y=None,
    bounding_box_format="xyxy",
):
    """The boxes around boxes that were rotated, moved, scaled and sheared.

    Args:
        boxes: tensor (batch, n, 4), or (n, 4) of one image.
        angle, shear_x, shear_y: degrees, (batch,) each.
        translate_x, translate_y: fractions of the image, (batch,) each.
        scale: (batch,).
        height, width: of the images.
        center_x, center_y: fixed point as fractions of the image; None for its middle.
        bounding_box_format: only "xyxy".
    """
    _only_xyxy("affine_transform", bounding_box_format)
    angle = conversion.convert_to_tensor(angle)
    dtype = angle.dtype
    translate_x, translate_y, scale, shear_x, shear_y = (
        casting.cast(x, dtype) for x in (translate_x, translate_y, scale, shear_x, shear_y)
    )
    center_x = 0.5 if center_x is None else center_x
    center_y = 0.5 if center_y is None else center_y
    matrix = _inverse_affine(center_x, center_y, angle, translate_x, translate_y, scale, shear_x, shear_y, height, width)
    boxes = casting.cast(boxes, dtype)
    a0, a1, a2, b0, b1, b2 = (shaping.reshape(part, (-1, *[1] * (boxes.ndim - 1))) for part in matrix)
    left, top, right, bottom = joining.split(boxes, 4, axis=-1)
    x, y = joining.concatenate([left, right, right, left], -1), joining.concatenate([top, top, bottom, bottom], -1)
    x, y = a0 * x + a1 * y + a2, b0 * x + b1 * y + b2
    return joining.stack([reduction.min(x, -1), reduction.min(y, -1), reduction.max(x, -1), reduction.max(y, -1)], axis=-1)


def crop(boxes, top, left, height, width, bounding_box_format="xyxy"):
    """Boxes (..., 4) as they lie in the part of the image that begins at (top, left) and has this height and width."""
    _only_xyxy("crop", bounding_box_format)
    starts, sides = (left, top), (width, height)
    parts = [arithmetic.clip(x - starts[k % 2], 0, sides[k % 2]) for k, x in enumerate(_columns(boxes))]
    return joining.concatenate(parts, axis=-1)


def pad(boxes, top, left, height=None, width=None, bounding_box_format="xyxy"):
    """Boxes (..., 4) as they lie in an image that got `top` rows above and `left` columns before it."""
    _only_xyxy("pad", bounding_box_format)
    return joining.concatenate([x + (left, top)[k % 2] for k, x in enumerate(_columns(boxes))], axis=-1)


def _columns(boxes):
    return joining.split(conversion.convert_to_tensor(boxes), 4, axis=-1)


def _only_xyxy(name, bounding_box_format):
    if bounding_box_format != "xyxy":
        raise NotImplementedError(
            f"bounding_boxes.{name}: bounding_box_format must be 'xyxy'; received {bounding_box_format!r}. Use "
            "convert_format() first"
        )
