"""Checks of the `axis` argument of normalization layers."""

from __future__ import annotations

import numpy as np


def check_axes(layer, axis, input_shape):
    """input_shape, after ValueError for axes that it does not have."""
    for a in [axis] if isinstance(axis, (int, np.integer)) else axis:
        if a >= len(input_shape) or a < -len(input_shape):
            raise ValueError(f"Axis {a} is out of bounds for input shape {tuple(input_shape)}. Received: axis={layer.axis}")
    return input_shape


def known_size(layer, axis, input_shape):
    """The size of an axis; ValueError when it is not known."""
    check_axes(layer, axis, input_shape)
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"Axis {axis} of input tensor should have a defined dimension but the layer received an input with shape "
            f"{tuple(input_shape)}."
        )
    return size
