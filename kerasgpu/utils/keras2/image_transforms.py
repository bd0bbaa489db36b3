"""Moves and colours of single images as NumPy arrays: rotations, shifts, shear, zoom, channel shift, brightness.

Random numbers come from NumPy's global generator, as in Keras 2, so that the same seed gives the same pictures.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.utils import image_utils

FILL_MODES = ("nearest", "constant", "reflect", "wrap")


def _places(at, size, mode):
    """Coordinates brought into [0, size - 1], the way `mode` goes on beyond the border."""
    if mode == "nearest" or size == 1:
        return np.clip(at, 0, size - 1)
    if mode == "reflect":  # d c b a | a b c d | d c b a
        at = np.mod(at + 0.5, 2 * size)
        return np.clip(np.minimum(at, 2 * size - at) - 0.5, 0, size - 1)
    return np.where((at < 0) | (at > size - 1), np.mod(at, size - 1), at)


def sample(planes, matrix, offset, fill_mode="nearest", cval=0.0, order=1):
    """planes (channels, height, width) at matrix @ (row, column) + offset, by the nearest value (order 0) or bilinearly (order 1)."""
    if fill_mode not in FILL_MODES:
        raise ValueError(f"fill_mode must be one of {', '.join(FILL_MODES)}. Received: {fill_mode!r}")
    if order not in (0, 1):
        raise ValueError(f"interpolation_order must be 0 (nearest) or 1 (bilinear). Received: {order}")
    height, width = planes.shape[1:]
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")).reshape(2, -1)
    rows, columns = matrix @ grid + np.asarray(offset)[:, None]
    outside = (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)
    rows, columns = _places(rows, height, fill_mode), _places(columns, width, fill_mode)
    if order == 0:
        out = planes[:, np.floor(rows + 0.5).astype(int), np.floor(columns + 0.5).astype(int)]
    else:
        top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
        down, right = rows - top, columns - left
        below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
        upper = planes[:, top, left] * (1 - right) + planes[:, top, beside] * right
        lower = planes[:, below, left] * (1 - right) + planes[:, below, beside] * right
        out = upper * (1 - down) + lower * down
    if fill_mode == "constant":
        out = np.where(outside, cval, out)
    return out.reshape(planes.shape).astype(planes.dtype)


def _matrix(theta, tx, ty, shear, zx, zy):
    """Rotation, then shift, shear and zoom, as one 3x3 matrix over (x, y, 1)."""
    theta, shear = np.deg2rad(theta), np.deg2rad(shear)
    rotation = [[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]]
    shift = [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
    sheared = [[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]]
    return np.array(rotation) @ np.array(shift) @ np.array(sheared) @ np.diag([zx, zy, 1.0])


def _check_axes(x, row_axis, col_axis, channel_axis):
    if x.ndim != 3:
        raise ValueError(f"The image must have 3 dimensions. Received shape: {x.shape}")
    if {row_axis, col_axis, channel_axis} != {0, 1, 2} or channel_axis == 1:
        raise ValueError(
            "row_axis, col_axis and channel_axis must be 0, 1 and 2 in some order, the channels first or last. Received: "
            f"{row_axis}, {col_axis}, {channel_axis}"
        )


def apply_affine_transform(
    x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, order=1
):
    """An image turned by theta degrees, shifted by tx columns and ty rows, sheared by an angle, zoomed by zx and zy.

    Pixel (x, y) of the result is that of the image at rotation @ shift @ shear @ zoom @ (x, y), around the middle.

    Args:
        x: array of 3 dimensions, whose axes row_axis, col_axis and channel_axis name.
        fill_mode, cval: what is beyond the border: "nearest", "reflect", "wrap", or "constant" with the value cval.
        order: 0 for the nearest value, 1 for bilinear interpolation.

    >>> import numpy as np, kerasgpu as keras
    >>> image = np.arange(4.0).reshape(1, 2, 2)
    >>> keras.preprocessing.image.apply_affine_transform(image, theta=90)[0].round(3)
    array([[1., 3.],
           [0., 2.]])
    """
    _check_axes(x, row_axis, col_axis, channel_axis)
    if (theta, tx, ty, shear, zx, zy) == (0, 0, 0, 0, 1, 1):
        return x
    center_x, center_y = x.shape[col_axis] / 2 - 0.5, x.shape[row_axis] / 2 - 0.5
    there = np.array([[1, 0, center_x], [0, 1, center_y], [0, 0, 1]])
    back = np.array([[1, 0, -center_x], [0, 1, -center_y], [0, 0, 1]])
    matrix = there @ _matrix(theta, tx, ty, shear, zx, zy) @ back
    if col_axis > row_axis:  # the matrix counts x first: swap the two
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    planes = np.moveaxis(x, channel_axis, 0)
    out = sample(planes, matrix[:2, :2], matrix[:2, 2], fill_mode, cval, order)
    return np.moveaxis(out, 0, channel_axis)


def flip_axis(x, axis):
    """x backwards along an axis."""
    return np.flip(x, axis)


def apply_channel_shift(x, intensity, channel_axis=0):
    """x + intensity, within the range that x had."""
    return np.clip(x + intensity, x.min(), x.max())


def apply_brightness_shift(x, brightness, scale=True):
    """An image with its brightness multiplied, through Pillow; values outside 0 to 255 are scaled to them and back.

    Args:
        x: array (height, width, channels).
        brightness: 0 for black, 1 for no change.
        scale: whether the result spans 0 to 255, rather than the range that x had.
    """
    image_utils.pillow("apply_brightness_shift")
    from PIL import ImageEnhance

    low, high = x.min(), x.max()
    scaled = low < 0 or high > 255
    image = image_utils.array_to_img(x, scale=scaled or scale)
    out = image_utils.img_to_array(ImageEnhance.Brightness(image).enhance(brightness))
    return out / 255 * (high - low) + low if scaled and not scale else out


def random_rotation(x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1):
    """An image turned by up to rg degrees either way."""
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta, 0, 0, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_shift(x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1):
    """An image shifted by up to the shares wrg of its width and hrg of its height."""
    _check_axes(x, row_axis, col_axis, channel_axis)
    ty = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    tx = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)


def random_shear(x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1):
    """An image sheared by up to `intensity` degrees either way."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, 0, 0, 0, shear, 1, 1, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order
    )


def random_zoom(x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1):
    """An image zoomed by factors between the two of zoom_range; below 1 comes nearer."""
    zx, zy = zoom_factors(pair("zoom_range", zoom_range))
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)


def random_channel_shift(x, intensity_range, channel_axis=0):
    """x shifted by up to intensity_range either way, within its range."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x, brightness_range, scale=True):
    """x with its brightness multiplied by a factor between the two of brightness_range."""
    return apply_brightness_shift(x, np.random.uniform(*pair("brightness_range", brightness_range)), scale)


def pair(name, value):
    """Two numbers, or an error that names the argument."""
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != 2:
        raise ValueError(f"`{name}` must be two numbers. Received: {value!r}")
    return tuple(float(v) for v in value)


def zoom_factors(zoom_range):
    return (1, 1) if tuple(zoom_range) == (1, 1) else np.random.uniform(*zoom_range, 2)
