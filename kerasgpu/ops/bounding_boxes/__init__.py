"""keras.utils.bounding_boxes: boxes in other formats, moved with their images, and compared."""

from kerasgpu.ops.bounding_boxes.deltas import decode_deltas_to_boxes, encode_box_to_deltas
from kerasgpu.ops.bounding_boxes.formats import convert_format
from kerasgpu.ops.bounding_boxes.moves import affine_transform, clip_to_image_size, crop, pad
from kerasgpu.ops.bounding_boxes.overlap import compute_ciou, compute_iou

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
