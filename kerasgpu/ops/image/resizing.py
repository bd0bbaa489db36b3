"""resize and scale_and_translate: each spatial axis is multiplied by a matrix of interpolation weights."""

from __future__ import annotations

import functools
import math

import numpy as np

from kerasgpu.config import installed
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.image.checks import as_images, spatial_axes
from kerasgpu.ops.image.sampling import without_gradient
from kerasgpu.ops.numpy import indexing, rounding, shaping, tiling
from kerasgpu.ops.primitives import sampling
from kerasgpu.ops.primitives.matmul import product
from kerasgpu.ops.primitives.operands import as_float, as_tensor

__all__ = ["resize", "scale_and_translate"]

_RESIZE = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")
_FAST_NEAREST = ("float32", "float16", "bfloat16")
_FAST = (*_FAST_NEAREST, "uint8")
# How far the kernels reach, in pixels of the finer image.
_REACH = {"bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
_METHODS = ("linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5")


def _kernel(x, method, xp):
    """The interpolation kernel at distance x >= 0: a triangle, Keys's cubic (1981, a = -1/2) or Lanczos's windowed sinc."""
    if method.endswith("linear"):
        return xp.maximum(1.0 - x, 0.0)
    if method.endswith("cubic"):
        near = ((1.5 * x - 2.5) * x) * x + 1.0
        far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
        return xp.where(x < 1.0, near, xp.where(x < 2.0, far, 0.0))
    radius = float(method[-1])
    y = radius * xp.sin(math.pi * x) * xp.sin(math.pi * x / radius)
    y = xp.where(x > 1e-3, y / (math.pi**2 * xp.where(x > 1e-3, x * x, 1.0)), 1.0)
    return xp.where(x > radius, 0.0, y)


def _places(m, scale, shift, xp):
    """Where the centre of output i lies in the input: (i + 1/2 - shift) / scale - 1/2."""
    return (xp.arange(m, dtype="float32") + 0.5 - shift) * (1.0 / scale) - 0.5


def _weights(n, m, scale, shift, method, antialias, xp, inputs=None):
    """(m, n): how much of input j is in output i; or (m, taps) for the inputs with these numbers (m, taps)."""
    places = _places(m, scale, shift, xp)
    width = xp.maximum(1.0 / scale, 1.0) if antialias else 1.0
    inputs = xp.arange(n, dtype="float32") if inputs is None else inputs
    distance = xp.abs(xp.reshape(places, (m, 1)) - inputs) / width
    weights = _kernel(distance, method, xp)
    total = xp.sum(weights, axis=1, keepdims=True)
    usable = xp.abs(total) > 1000.0 * float(np.finfo("float32").eps)
    weights = xp.where(usable, weights / xp.where(usable, total, 1.0), 0.0)
    inside = xp.logical_and(places >= -0.5, places <= n - 0.5)
    return xp.where(xp.reshape(inside, (m, 1)), weights, 0.0)


@functools.lru_cache(64)
def _resize_weights(n, m, method, antialias):
    return _weights(n, m, np.float32(m / n), np.float32(0), method, antialias, np)


@functools.lru_cache(1024)
def _bands(n, m, method, antialias):
    """The weights from n to m pixels without their zeros: tensors of where each output's weights start, and of these."""
    if method == "nearest":
        return Tensor(_nearest(n, m)), Tensor(np.ones((m, 1), "float32"))
    scale, zero = np.float32(m / n), np.float32(0)
    reach = _REACH[method] * (max(n / m, 1.0) if antialias else 1.0)
    taps = min(math.ceil(2 * reach), n)
    start = np.clip(np.ceil(_places(m, scale, zero, np) - np.float32(reach)), 0, n - taps).astype("int32")
    inputs = start[:, None] + np.arange(taps, dtype="float32")
    weights = _weights(n, m, scale, zero, method, antialias, np, inputs)
    return Tensor(start), Tensor(np.ascontiguousarray(weights, "float32"))


def _nearest(n, m):
    """The number of the input pixel that each of m output pixels shows."""
    return np.floor((np.arange(m, dtype="float32") + np.float32(0.5)) * np.float32(n) / np.float32(m)).astype("int32")


def _resample(x, size, interpolation, antialias, first):
    """x resized by the kernel that has no gradient, as float32."""
    sides = x.shape[-2:] if first else x.shape[-3:-1]
    kind = x.dtype if x.dtype == "uint8" else "float32"
    flat = shaping.reshape(casting.cast(x, kind), (-1, *sides, 1 if first else x.shape[-1]))
    bands = [_bands(n, m, interpolation, antialias) for n, m in zip(sides, size)]
    out = sampling.resample(flat, *bands[0], *bands[1])
    return shaping.reshape(out, (*x.shape[:-2], *size) if first else (*x.shape[:-3], *size, x.shape[-1]))


def _along(x, axis, weights):
    """x with `axis` multiplied by weights (m, n)."""
    axis %= x.ndim
    lead, n, rest = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    out = product(as_tensor(weights, x.dtype), shaping.reshape(x, (lead, n, rest)))
    return shaping.reshape(out, (*x.shape[:axis], out.shape[-2], *x.shape[axis + 1 :]))


def _crop(x, axes, size):
    """The largest centered part with the aspect ratio of size."""
    height, width = x.shape[axes[0]], x.shape[axes[1]]
    wanted = (
        max(min(height, int(float(width * size[0]) / size[1])), 1),
        max(min(width, int(float(height * size[1]) / size[0])), 1),
    )
    for axis, n, m in zip(axes, (height, width), wanted):
        start = int(float(n - m) / 2)
        key = [slice(None)] * x.ndim
        key[axis] = slice(start, start + m)
        x = indexing.get_item(x, tuple(key))
    return x


def _pad(x, axes, size, value):
    """x in the middle of the smallest area with the aspect ratio of size."""
    height, width = x.shape[axes[0]], x.shape[axes[1]]
    wanted = max(height, int(float(width * size[0]) / size[1])), max(width, int(float(height * size[1]) / size[0]))
    pads = [(0, 0)] * x.ndim
    for axis, n, m in zip(axes, (height, width), wanted):
        before = int(float(m - n) / 2)
        pads[axis] = (before, before)
    return tiling.pad(x, pads, constant_values=value)


@symbolic
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Images in another size.

    Args:
        images: tensor of rank 3 or 4. Integers are rounded after interpolation.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether the kernel is widened when images are made smaller.
        crop_to_aspect_ratio: whether to cut images to the aspect ratio of size first.
        pad_to_aspect_ratio: whether to pad them with fill_value instead.
        fill_mode: "constant".
        fill_value: number.
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.ops.image.resize(keras.ops.ones((4, 4, 3)), (2, 2)).shape
    (2, 2, 3)
    """
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers. Received: size={size}")
    if size[0] <= 0 or size[1] <= 0:
        raise ValueError(f"`size` must have positive height and width. Received: size={size}")
    x = as_images(images)
    if interpolation not in _RESIZE:
        raise ValueError(
            f"Invalid value for argument `interpolation`. Expected of one {_RESIZE}. Received: interpolation={interpolation}"
        )
    if fill_mode != "constant":
        raise ValueError(
            f"Invalid value for argument `fill_mode`. Only `'constant'` is supported. Received: fill_mode={fill_mode}"
        )
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`.")
    size = tuple(int(s) for s in size)
    axes = spatial_axes(data_format)
    if crop_to_aspect_ratio:
        x = _crop(x, axes, size)
    elif pad_to_aspect_ratio:
        x = _pad(x, axes, size, fill_value)
    if (x.shape[axes[0]], x.shape[axes[1]]) == size:
        return x
    kind = x.dtype
    if without_gradient(x, kinds=_FAST_NEAREST if interpolation == "nearest" else _FAST):
        out = _resample(x, size, interpolation, bool(antialias), axes[1] == -1)
    elif interpolation == "nearest":
        for axis, m in zip(axes, size):
            x = indexing.take(x, convert_to_tensor(_nearest(x.shape[axis], m)), axis=axis)
        return x
    else:
        out = as_float(x)
        for axis, m in zip(axes, size):
            if out.shape[axis] != m:
                out = _along(out, axis, _resize_weights(out.shape[axis], m, interpolation, bool(antialias)))
    if out.dtype == kind:
        return out
    return conversion.saturate_cast(rounding.round(out) if dtypes.is_int(kind) else out, kind)


@symbolic
def scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True):
    """Images scaled and shifted: output place = input place * scale + translation, along each of spatial_dims.

    Args:
        images: tensor.
        output_shape: shape of the result.
        scale, translation: one number for each of spatial_dims, as tensors or sequences.
        spatial_dims: the axes.
        method: "linear", "cubic" (each also with the prefix bi or tri), "lanczos3" or "lanczos5".
        antialias: whether the kernel is widened when images are made smaller.
    """
    if method not in _METHODS:
        raise ValueError(f"Invalid value for argument `method`. Expected of one {set(_METHODS)}. Received: method={method}")
    x = as_float(images)
    scale, translation = as_tensor(scale, "float32"), as_tensor(translation, "float32")
    for k, axis in enumerate(spatial_dims):
        n, m = x.shape[axis], output_shape[axis]
        x = _along(x, axis, _weights(n, m, scale[k], translation[k], method, antialias, installed.ops))
    return x
