"""Rectangles in images: the middle part with given proportions, and random boxes as masks."""

from __future__ import annotations

from kerasgpu import ops


def middle(height, width, wanted):
    """(top, left, height, width) of the largest centered part of an image with the proportions of `wanted`."""
    inner_height = max(min(height, int(width * wanted[0] / wanted[1])), 1)
    inner_width = max(min(width, int(height * wanted[1] / wanted[0])), 1)
    return int((height - inner_height) / 2), int((width - inner_width) / 2), inner_height, inner_width


def boxes_in(boxes, window, size):
    """Corners (..., 4) as they lie in this part (top, left, height, width) of the image after it was resized to `size`."""
    top, left, height, width = window
    scales = (size[1] / width, size[0] / height)
    parts = ops.split(boxes, 4, axis=-1)
    return ops.concatenate([(x - (left, top)[k % 2]) * scales[k % 2] for k, x in enumerate(parts)], axis=-1)


def random_box(layer, shape, ratio_x, ratio_y, seed):
    """Random boxes that have these fractions (batch,) of the width and height: (x0, x1, y0, y1), (batch,) each."""
    height, width = layer._size(shape)
    ends = []
    for ratio, length in ((ratio_x, width), (ratio_y, height)):
        inner = ratio * length
        start = layer._uniform(ratio.shape, seed=seed, dtype=layer.compute_dtype) * (length - inner)
        ends += [start, start + inner]
    return tuple(ends)


def box_mask(layer, shape, box):
    """Whether each pixel lies in the box of its image: (batch, height, width, 1), or (batch, 1, height, width)."""
    height, width = layer._size(shape)
    last = layer.data_format == "channels_last"
    row = ops.reshape(ops.arange(height, dtype=layer.compute_dtype), (1, height, 1, 1) if last else (1, 1, height, 1))
    column = ops.reshape(ops.arange(width, dtype=layer.compute_dtype), (1, 1, width, 1) if last else (1, 1, 1, width))
    x0, x1, y0, y1 = (ops.reshape(x, (-1, 1, 1, 1)) for x in box)
    inside_x = ops.logical_and(column >= x0, column < x1)
    return ops.logical_and(inside_x, ops.logical_and(row >= y0, row < y1))
