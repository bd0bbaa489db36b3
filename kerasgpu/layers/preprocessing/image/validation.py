"""Bounding boxes as a dict of two tensors: checks, and padding of lists of unequal length."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops


def _rank(x):
    return len(x.shape) if hasattr(x, "shape") else ops.convert_to_tensor(x).ndim


def validate_bounding_boxes(bounding_boxes):
    """ValueError unless this is a dict with "boxes" (n, 4) or (batch, n, 4) and "labels" that fit, as tensors or lists."""
    if not isinstance(bounding_boxes, dict) or "labels" not in bounding_boxes or "boxes" not in bounding_boxes:
        raise ValueError(
            "Expected `bounding_boxes` argument to be a dict with keys 'boxes' and 'labels'. Received: "
            f"bounding_boxes={bounding_boxes}"
        )
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, list):
        if not isinstance(labels, list):
            raise ValueError(
                "If `bounding_boxes['boxes']` is a list, then `bounding_boxes['labels']` must also be a list. Received: "
                f"bounding_boxes['labels']={labels}"
            )
        if len(boxes) != len(labels):
            raise ValueError(
                "If `bounding_boxes['boxes']` and `bounding_boxes['labels']` are both lists, they must have the same length. "
                f"Received: len(bounding_boxes['boxes'])={len(boxes)} and len(bounding_boxes['labels'])={len(labels)}"
            )
        return
    rank = _rank(boxes)
    if rank not in (2, 3):
        raise ValueError(
            "Expected `bounding_boxes['boxes']` to have rank 2 or 3, with shape (num_boxes, 4) or (batch_size, num_boxes, 4). "
            f"Received: bounding_boxes['boxes'].shape={tuple(boxes.shape)}"
        )
    if _rank(labels) not in (rank - 1, rank):
        raise ValueError(
            f"Found bounding_boxes['boxes'].shape={tuple(boxes.shape)} and expected bounding_boxes['labels'] to have rank "
            f"{rank - 1} or {rank}, but received: bounding_boxes['labels'].shape={tuple(ops.shape(labels))}"
        )


def densify_bounding_boxes(bounding_boxes, max_boxes=None, boxes_default_value=0, labels_default_value=-1):
    """The boxes as a dict of a float32 tensor and a tensor of labels. Lists of images with unequal numbers of boxes are padded
    to the longest (or cut and padded to max_boxes) with the default values."""
    validate_bounding_boxes(bounding_boxes)
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, list):
        batched = bool(boxes) and not _is_box(boxes[0])
        count = max_boxes
        if count is None:
            count = max(len(b) for b in boxes) if batched else len(boxes)

        def fit(values, filler):
            return [*values[:count], *[filler] * (count - len(values))]

        empty = [boxes_default_value] * 4
        boxes = [fit(b, empty) for b in boxes] if batched else fit(boxes, empty)
        labels = [fit(x, labels_default_value) for x in labels] if batched else fit(labels, labels_default_value)
        labels = ops.convert_to_tensor(labels, dtype="int32")
    return {
        **bounding_boxes,
        "boxes": ops.convert_to_tensor(boxes, dtype="float32"),
        "labels": ops.convert_to_tensor(labels),
    }


def _is_box(x):
    """Whether this item of a list is one box, rather than the boxes of one image."""
    return len(x) == 4 and all(isinstance(v, (int, float, np.number)) for v in x)
