"""Colour: rgb_to_grayscale, rgb_to_hsv, hsv_to_rgb."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import numpy_dtype
from kerasgpu.ops.core import casting
from kerasgpu.ops.image.checks import as_images, channel_axis
from kerasgpu.ops.numpy import arithmetic, comparison, joining, selection

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]


@symbolic
def rgb_to_grayscale(images, data_format=None):
    """Brightness 0.2989 R + 0.587 G + 0.114 B, with one channel. Images of one channel stay as they are.

    Args:
        images: tensor of rank 3 or 4.
        data_format: "channels_last", "channels_first", or None for the configured one.
    """
    x = as_images(images)
    axis = channel_axis(data_format)
    if x.shape[axis] not in (1, 3):
        raise ValueError(
            f"Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: images.shape={x.shape}"
        )
    if x.shape[axis] == 1:
        return x
    values = casting.cast(x, dtypes.result_type(x.dtype, float))
    red, green, blue = joining.split(values, 3, axis=axis)
    return casting.cast(red * 0.2989 + green * 0.587 + blue * 0.114, x.dtype)


def _float_planes(images, data_format):
    x = as_images(images)
    if not dtypes.is_float(x.dtype):
        raise ValueError(f"Invalid images dtype: expected float dtype. Received: images.dtype={x.dtype}")
    return x, channel_axis(data_format)


def _smallest_step(name):
    kind = numpy_dtype(name)
    return 2.0**-7 if name == "bfloat16" else float(np.finfo(kind).eps)


@symbolic
def rgb_to_hsv(images, data_format=None):
    """Hue, saturation and value, all in [0, 1], of float images with colours in [0, 1]."""
    x, axis = _float_planes(images, data_format)
    x = selection.where(arithmetic.absolute(x) < _smallest_step(x.dtype), 0.0, x)
    r, g, b = joining.split(x, 3, axis=axis)
    value = arithmetic.maximum(arithmetic.maximum(r, g), b)
    spread = value - arithmetic.minimum(arithmetic.minimum(r, g), b)
    saturation = selection.where(value > 0, spread / selection.where(value > 0, value, 1.0), 0.0)
    unit = 1.0 / (6.0 * selection.where(spread > 0, spread, 1.0))
    hue = selection.where(comparison.equal(value, g), unit * (b - r) + 2.0 / 6.0, unit * (r - g) + 4.0 / 6.0)
    hue = selection.where(comparison.equal(value, r), unit * (g - b), hue)
    hue = selection.where(spread > 0, hue, 0.0)
    hue = selection.where(hue < 0, hue + 1.0, hue)
    return joining.concatenate([hue, saturation, value], axis=axis)


@symbolic
def hsv_to_rgb(images, data_format=None):
    """The inverse of `rgb_to_hsv`."""
    x, axis = _float_planes(images, data_format)
    hue, saturation, value = joining.split(x, 3, axis=axis)
    sector = arithmetic.mod(hue, 1.0) * 6.0
    shades = (
        arithmetic.clip(arithmetic.absolute(sector - 3.0) - 1.0, 0.0, 1.0),
        arithmetic.clip(2.0 - arithmetic.absolute(sector - 2.0), 0.0, 1.0),
        arithmetic.clip(2.0 - arithmetic.absolute(sector - 4.0), 0.0, 1.0),
    )
    return joining.concatenate([value * (1.0 - saturation + saturation * shade) for shade in shades], axis=axis)
