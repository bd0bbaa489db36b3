"""Pictures from files as float arrays of one size: Pillow decodes, and a few rows and columns are weighted for each of the result."""

from __future__ import annotations

import functools

import numpy as np

from kerasgpu.utils.image_utils import pillow

METHODS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def load_picture(path, size, channels=3, method="bilinear", crop=False, pad=False):
    """A picture file as a float32 array (height, width, channels) with values from 0 to 255.

    Args:
        path: file; of an animation, the first picture.
        size: (height, width) of the result.
        channels: 1, 3 or 4.
        method: one of METHODS, without antialiasing, as `tf.image.resize`.
        crop: cut to the proportions of `size` first; pad: keep all and fill up with black instead.

    Raises ValueError naming the file when it cannot be decoded.
    """
    x = decode(path, channels)
    height, width = x.shape[:2]
    if crop:
        h = max(min(height, int(float(width * size[0]) / size[1])), 1)
        w = max(min(width, int(float(height * size[1]) / size[0])), 1)
        top, left = int(float(height - h) / 2), int(float(width - w) / 2)
        x = x[top : top + h, left : left + w]
    if not pad:
        return resized(x, size, method)
    ratio = max(width / size[1], height / size[0])
    inner = int(height / ratio), int(width / ratio)
    out = np.zeros((*size, channels), "float32")
    top, left = (max(0, int((whole - part / ratio) / 2)) for whole, part in zip(size, (height, width)))
    out[top : top + inner[0], left : left + inner[1]] = resized(x, inner, method)
    return out


def decode(path, channels):
    """The pixels as uint8 (height, width, channels)."""
    images = pillow("image_dataset_from_directory")
    try:
        with images.open(path) as picture:
            if picture.mode.startswith("I"):  # 16 bits a pixel: the upper eight
                gray = (np.asarray(picture).astype("uint32") >> 8).clip(0, 255).astype("uint8")
                picture = images.fromarray(gray)
            mode = _MODES[channels]
            x = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises many things on damaged files
        raise ValueError(
            f"{path} cannot be read as a picture ({type(error).__name__}: {error}). Remove the file from the folder or repair it"
        ) from error
    return x[:, :, None] if x.ndim == 2 else x


def resized(x, size, method="bilinear"):
    """x (height, width, channels) in another size, float32."""
    for axis in (0, 1):
        if x.shape[axis] != size[axis]:
            x = _along(x, axis, *_taps(x.shape[axis], size[axis], method))
    return x.astype("float32", copy=False)


def _along(x, axis, places, weights):
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    if len(weights) == 1:
        return x.take(places[0], axis)
    out = np.multiply(x.take(places[0], axis), weights[0].reshape(shape), dtype="float32")
    for place, weight in zip(places[1:], weights[1:]):
        out += np.multiply(x.take(place, axis), weight.reshape(shape), dtype="float32")
    return out


def _kernel(d, method):
    """(radius, weight at distance d): triangle, Keys's cubic (1981), Lanczos, Gaussian of deviation 1/2, Mitchell and Netravali (1988)."""
    if method == "bilinear":
        return 1, np.maximum(1 - d, 0)
    if method == "bicubic":
        return 2, np.where(d < 1, (1.5 * d - 2.5) * d * d + 1, np.where(d < 2, ((-0.5 * d + 2.5) * d - 4) * d + 2, 0))
    if method == "gaussian":
        return 1.5, np.where(d < 1.5, np.exp(-2 * d * d), 0)
    if method == "mitchellcubic":
        near, far = (7 * d - 12) * d * d + 16 / 3, ((-7 / 3 * d + 12) * d - 20) * d + 32 / 3
        return 2, np.where(d < 1, near, np.where(d < 2, far, 0)) / 6
    radius = int(method[-1])
    return radius, np.where(d < radius, np.sinc(d) * np.sinc(d / radius), 0)


@functools.lru_cache(256)
def _taps(n, m, method):
    """(places, weights), both (taps, m): output i is the sum over k of weights[k, i] * input[places[k, i]]."""
    if method == "nearest":
        places = np.minimum((np.arange(m) + np.float32(0.5)) * np.float32(n) / np.float32(m), n - 1).astype("int64")
        return places[None], np.ones((1, m), "float32")
    if method == "area":  # output i covers [i, i + 1) * n / m of the input
        begin = np.arange(m) * n / m
        end = begin + n / m
        places = np.floor(begin).astype("int64") + np.arange(int(np.ceil(n / m)) + 1)[:, None]
        weights = (np.minimum(end, places + 1) - np.maximum(begin, places)).clip(0) * m / n
    else:
        centre = (np.arange(m) + 0.5) * n / m - 0.5
        radius, _ = _kernel(np.zeros(1), method)
        places = np.ceil(centre - radius).astype("int64") + np.arange(int(np.ceil(2 * radius)) + 1)[:, None]
        _, weights = _kernel(np.abs(places - centre), method)
        weights = np.where((places >= 0) & (places < n), weights, 0)
        weights = weights / weights.sum(0)
    keep = (weights != 0).any(1)
    return places[keep].clip(0, n - 1), weights[keep].astype("float32")
