"""How much boxes overlap: compute_iou, compute_ciou."""

from __future__ import annotations

import math

from kerasgpu import config
from kerasgpu.ops.bounding_boxes.formats import convert_format
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.numpy import arithmetic, logical, reduction, selection, shaping, trigonometric


def _corners(boxes, bounding_box_format, image_shape):
    sides = {} if image_shape is None else {"height": image_shape[0], "width": image_shape[1]}
    return convert_format(boxes, bounding_box_format, "xyxy", **sides)


def compute_iou(boxes1, boxes2, bounding_box_format, use_masking=False, mask_val=-1, image_shape=None):
    """Area of the intersection over that of the union, for every pair of a box of boxes1 and a box of boxes2.

    Args:
        boxes1, boxes2: tensors (m, 4) and (n, 4), one or both with a batch axis in front.
        bounding_box_format: as for `convert_format`.
        use_masking: whether pairs with a box of negative coordinates (padding) give mask_val.
        mask_val: see use_masking.
        image_shape: (height, width, channels), for relative formats.

    Returns a tensor (m, n) or (batch, m, n).

    >>> import kerasgpu as keras
    >>> keras.utils.bounding_boxes.compute_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]], "xyxy").numpy().round(4)
    array([[0.3333, 0.    ]], dtype=float32)
    """
    boxes1, boxes2 = conversion.convert_to_tensor(boxes1), conversion.convert_to_tensor(boxes2)
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        if boxes.ndim not in (2, 3):
            raise ValueError(
                f"compute_iou() expects {name} to be batched, or to be unbatched. Received "
                f"len(boxes1.shape)={boxes1.ndim}, len(boxes2.shape)={boxes2.ndim}. Expected either "
                f"len({name}.shape)=2 or len({name}.shape)=3."
            )
    if "rel" in bounding_box_format and image_shape is None:
        raise ValueError(
            "When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must be provided. "
            f"Received `image_shape`: {image_shape}"
        )
    boxes1 = shaping.expand_dims(_corners(boxes1, bounding_box_format, image_shape), -2)
    boxes2 = shaping.expand_dims(_corners(boxes2, bounding_box_format, image_shape), -3)

    def area(low, high):
        sides = arithmetic.maximum(high - low, 0.0)
        return sides[..., 0] * sides[..., 1]

    def own_area(boxes):
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])

    shared = area(arithmetic.maximum(boxes1[..., :2], boxes2[..., :2]), arithmetic.minimum(boxes1[..., 2:], boxes2[..., 2:]))
    out = shared / (own_area(boxes1) + own_area(boxes2) - shared + config.epsilon())
    if not use_masking:
        return out
    padding = logical.logical_or(reduction.max(boxes1, axis=-1) < 0.0, reduction.max(boxes2, axis=-1) < 0.0)
    return selection.where(padding, casting.cast(mask_val, out.dtype), out)


def compute_ciou(boxes1, boxes2, bounding_box_format, image_shape=None):
    """Complete IoU of boxes in pairs (Zheng et al. 2020): IoU less the distance of centers and the difference of proportions.

    Args:
        boxes1, boxes2: tensors (..., 4).
        bounding_box_format: an absolute format, as for `convert_format`.
        image_shape: ignored.

    Returns a tensor (...).
    """
    if "rel" in bounding_box_format:
        raise ValueError(
            "compute_ciou: relative bounding box formats (e.g. `rel_yxyx`) are not supported; use convert_format() first. "
            f"Received bounding_box_format={bounding_box_format}, `image_shape`: {image_shape}"
        )
    epsilon = config.epsilon()
    boxes1, boxes2 = (_corners(b, bounding_box_format, image_shape) for b in (boxes1, boxes2))
    low1, high1, low2, high2 = boxes1[..., :2], boxes1[..., 2:4], boxes2[..., :2], boxes2[..., 2:4]
    width1, width2 = high1[..., 0] - low1[..., 0], high2[..., 0] - low2[..., 0]
    height1, height2 = high1[..., 1] - low1[..., 1] + epsilon, high2[..., 1] - low2[..., 1] + epsilon
    overlap = arithmetic.maximum(arithmetic.minimum(high1, high2) - arithmetic.maximum(low1, low2), 0.0)
    shared = overlap[..., 0] * overlap[..., 1]
    iou = shared / (width1 * height1 + width2 * height2 - shared + 2 * epsilon)
    around = arithmetic.maximum(high1, high2) - arithmetic.minimum(low1, low2)
    diagonal = reduction.sum(arithmetic.square(around), axis=-1) + epsilon
    distance = reduction.sum(arithmetic.square((low1 + high1) / 2 - (low2 + high2) / 2), axis=-1)
    v = (4 / math.pi**2) * arithmetic.square(trigonometric.arctan(width2 / height2) - trigonometric.arctan(width1 / height1))
    alpha = v / (v - iou + (1 + epsilon))
    return iou - (distance / diagonal + v * alpha)
