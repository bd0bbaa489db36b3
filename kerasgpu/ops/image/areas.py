"""Parts of images: pad_images, crop_images, extract_patches, extract_patches_3d."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.image.checks import as_images, spatial_axes
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.nn.windows import Windows, from_channels_last, per_dim, to_channels_last
from kerasgpu.ops.numpy import indexing, joining, shaping, tiling

__all__ = ["crop_images", "extract_patches", "extract_patches_3d", "pad_images"]


def _two_of_three(before, after, target, size, names, sign):
    """(before, after, target) with the missing one worked out: target = size + sign (before + after)."""
    values = dict(zip(names, (before, after, target)))
    if list(values.values()).count(None) != 1:
        given = ", ".join(f"{k}={v}" for k, v in values.items())
        raise ValueError(f"Must specify exactly two of {', '.join(names)}. Received: {given}")
    _check_signs(values)
    if before is None:
        before = sign * (target - size) - after
    elif after is None:
        after = sign * (target - size) - before
    else:
        target = size + sign * (before + after)
    _check_signs(dict(zip(names, (before, after, target))))
    return before, after, target


def _check_signs(values):
    for name, value in values.items():
        if value is not None and value < 0:
            raise ValueError(f"{name} must be >= 0. Received: {name}={value}")


@symbolic
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images with zeros around them. Exactly two of top, bottom and target height are given, and two for the width."""
    x = as_images(images)
    rows, columns = spatial_axes(data_format)
    top, bottom, _ = _two_of_three(
        top_padding, bottom_padding, target_height, x.shape[rows], ("top_padding", "bottom_padding", "target_height"), 1
    )
    left, right, _ = _two_of_three(
        left_padding, right_padding, target_width, x.shape[columns], ("left_padding", "right_padding", "target_width"), 1
    )
    pads = [(0, 0)] * x.ndim
    pads[rows], pads[columns] = (top, bottom), (left, right)
    return tiling.pad(x, pads)


@symbolic
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """A rectangle of images. Exactly two of top, bottom and target height are given, and two for the width."""
    x = as_images(images)
    rows, columns = spatial_axes(data_format)
    top, _, height = _two_of_three(
        top_cropping, bottom_cropping, target_height, x.shape[rows], ("top_cropping", "bottom_cropping", "target_height"), -1
    )
    left, _, width = _two_of_three(
        left_cropping, right_cropping, target_width, x.shape[columns], ("left_cropping", "right_cropping", "target_width"), -1
    )
    key = [slice(None)] * x.ndim
    key[rows], key[columns] = slice(top, top + height), slice(left, left + width)
    return indexing.get_item(x, tuple(key))


def _patches(images, size, strides, dilation_rate, padding, data_format, ndim):
    data_format = standardize_data_format(data_format)
    x = convert_to_tensor(images)
    if x.ndim not in (ndim + 1, ndim + 2):
        raise ValueError(f"extract_patches: needs a tensor of rank {ndim + 1} or {ndim + 2}; received shape {x.shape}")
    single = x.ndim == ndim + 1
    x = to_channels_last(shaping.expand_dims(x, 0) if single else x, data_format)
    size = per_dim(size, ndim, "size")
    stride = size if not strides else per_dim(strides, ndim, "strides")
    windows = Windows(
        "extract_patches", x.shape[1:-1], size, stride, padding.lower(), per_dim(dilation_rate, ndim, "dilation_rate")
    )
    x = windows.padded(x)
    views = [windows.view(x, tap) for tap in windows.taps]
    out = from_channels_last(views[0] if len(views) == 1 else joining.concatenate(views, axis=-1), data_format)
    return shaping.squeeze(out, 0) if single else out


@symbolic
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """Windows of images, each flattened into channels.

    Args:
        images: tensor of rank 3 or 4 (or volumes of rank 4 or 5, with a size of three numbers).
        size: int or tuple of two or three.
        strides: int or tuple, None for size.
        dilation_rate: int or tuple; with strides of 1.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns a tensor (batch, *windows, window size * channels), in the order (row, column, channel).
    """
    if not isinstance(size, (int, tuple, list)):
        raise TypeError(
            f"Invalid `size` argument. Expected an int or a tuple. Received: size={size} of type {type(size).__name__}"
        )
    if not isinstance(size, (int, np.integer)) and len(size) not in (2, 3):
        raise ValueError(
            f"Invalid `size` argument. Expected a tuple of length 2 or 3. Received: size={size} with length {len(size)}"
        )
    ndim = 2 if isinstance(size, (int, np.integer)) else len(size)
    return _patches(images, size, strides, dilation_rate, padding, data_format, ndim)


@symbolic
def extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """`extract_patches` for volumes of rank 4 or 5."""
    if not isinstance(size, (int, np.integer)) and len(size) != 3:
        raise TypeError(f"Invalid `size` argument. Expected an int or a tuple of length 3. Received: size={size}")
    if strides is not None and not isinstance(strides, (int, np.integer)) and len(strides) != 3:
        raise ValueError(f"Invalid `strides` argument. Got: {strides}")
    return _patches(volumes, size, strides, dilation_rate, padding, data_format, 3)
