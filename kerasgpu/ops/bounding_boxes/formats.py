"""The formats of bounding boxes, and convert_format between them."""

from __future__ import annotations

from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.numpy import arithmetic, joining

SUPPORTED_FORMATS = (
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
)


def convert_format(boxes, source, target, height=None, width=None, dtype="float32"):
    """Boxes in another format.

    Args:
        boxes: tensor (..., 4), or a dict with such a tensor as "boxes".
        source, target: "xyxy" (left, top, right, bottom), "yxyx", "xywh" (left, top, width, height), "center_xywh",
            "center_yxhw"; with the prefix "rel_" as fractions of the image: "rel_xyxy", "rel_yxyx", "rel_xywh",
            "rel_center_xywh". In upper or lower case.
        height, width: of the image, numbers or tensors; needed between relative and absolute formats.
        dtype: of the result.

    >>> import kerasgpu as keras
    >>> keras.utils.bounding_boxes.convert_format([[10.0, 20.0, 30.0, 60.0]], "xyxy", "center_xywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    boxes = conversion.convert_to_tensor(boxes)
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"`boxes` must be a tensor with the last dimension of 4. Received: boxes.shape={boxes.shape}")
    source, target = source.lower(), target.lower()
    if source not in SUPPORTED_FORMATS or target not in SUPPORTED_FORMATS:
        raise ValueError(
            f"Invalid source or target format. Supported formats: {SUPPORTED_FORMATS}. Received: source={source}, "
            f"target={target}"
        )
    if (source.startswith("rel_") or target.startswith("rel_")) and (width is None or height is None):
        raise ValueError(
            "convert_format() must receive `height` and `width` transforming between relative and absolute formats. "
            f"convert_format() received source=`{source}`, target=`{target}`, but height={height} and width={width}."
        )
    boxes = casting.cast(boxes, dtype)
    if source == target:
        return boxes
    corners = _to_corners(joining.split(boxes, 4, axis=-1), source.removeprefix("rel_"))
    if source.startswith("rel_") != target.startswith("rel_"):
        scale = arithmetic.multiply if source.startswith("rel_") else arithmetic.divide
        sides = [casting.cast(side, dtype) for side in (width, height)]
        corners = [scale(x, sides[k % 2]) for k, x in enumerate(corners)]
    return joining.concatenate(_from_corners(corners, target.removeprefix("rel_")), axis=-1)


def _swapped(parts, layout):
    """The columns with x before y, or back."""
    a, b, c, d = parts
    return [b, a, d, c] if layout in ("yxyx", "center_yxhw") else [a, b, c, d]


def _to_corners(parts, layout):
    x, y, c, d = _swapped(parts, layout)
    if layout.startswith("center"):
        return [x - c / 2.0, y - d / 2.0, x + c / 2.0, y + d / 2.0]
    return [x, y, x + c, y + d] if layout == "xywh" else [x, y, c, d]


def _from_corners(corners, layout):
    left, top, right, bottom = corners
    if layout in ("xyxy", "yxyx"):
        return _swapped(corners, layout)
    width, height = right - left, bottom - top
    if layout.startswith("center"):
        return _swapped([left + width / 2.0, top + height / 2.0, width, height], layout)
    return [left, top, width, height]
