"""Filters and similarity: gaussian_blur, sobel_edges, ssim."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting, conversion
from kerasgpu.ops.image.checks import Batched
from kerasgpu.ops.nn import depthwise
from kerasgpu.ops.numpy import arithmetic, creation, exponential, joining, reduction, shaping
from kerasgpu.ops.primitives.operands import as_float, as_tensor

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]


def _gaussian(size, sigma, dtype):
    """`size` weights that sum to 1, of a normal curve around the middle."""
    x = creation.arange(size, dtype=dtype) - (size - 1) / 2
    weights = exponential.exp(arithmetic.square(x / sigma) * -0.5)
    return weights / reduction.sum(weights)


def _filter(x, weights, axis, padding):
    """Each channel of x (batch, height, width, channels) filtered along `axis` (1 or 2)."""
    n, channels = weights.shape[0], x.shape[-1]
    shape = (n, 1, 1, 1) if axis == 1 else (1, n, 1, 1)
    kernel = shaping.broadcast_to(shaping.reshape(weights, shape), (*shape[:2], channels, 1))
    return depthwise.depthwise_conv(x, kernel, padding=padding, data_format="channels_last")


@symbolic
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None):
    """Images blurred with a normal curve, along one axis and then the other; zeros lie outside.

    Args:
        images: float tensor of rank 3 or 4.
        kernel_size: number of weights along (width, height).
        sigma: widths of the curves, in pixels: two numbers or a tensor.
        data_format: "channels_last", "channels_first", or None for the configured one.
    """
    layout = Batched(images, data_format)
    x = as_float(layout.images)
    sigma = as_tensor(sigma, x.dtype)
    x = _filter(x, _gaussian(kernel_size[1], sigma[1], x.dtype), 1, "same")
    return layout.restore(_filter(x, _gaussian(kernel_size[0], sigma[0], x.dtype), 2, "same"))


@symbolic
def sobel_edges(images, data_format=None):
    """Sobel's vertical and horizontal slopes of each channel, on a new last axis [dy, dx]; zeros lie outside."""
    layout = Batched(images, data_format)
    x = as_float(layout.images)
    smooth, slope = (conversion.convert_to_tensor(w, dtype=x.dtype) for w in ([1, 2, 1], [-1, 0, 1]))
    dy = _filter(_filter(x, slope, 1, "same"), smooth, 2, "same")
    dx = _filter(_filter(x, smooth, 1, "same"), slope, 2, "same")
    return layout.restore(joining.stack([dy, dx], axis=-1))


@symbolic
def ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None):
    """Structural similarity of images, 1 for equal ones (Wang et al. 2004).

    Args:
        image1, image2: tensors of rank 3 or 4.
        max_val: the range of pixel values.
        filter_size, filter_sigma: of the Gaussian window.
        k1, k2: constants that keep the quotient stable.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns one number for each image.
    """
    first, second = Batched(image1, data_format), Batched(image2, data_format)
    original = first.images.dtype
    kind = dtypes.result_type(original, float)
    a, b = casting.cast(first.images, kind), casting.cast(second.images, kind)
    weights = _gaussian(filter_size, filter_sigma, kind)

    def blur(x):
        return _filter(_filter(x, weights, 1, "valid"), weights, 2, "valid")

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_a, mean_b = blur(a), blur(b)
    square_a, square_b, both = mean_a * mean_a, mean_b * mean_b, mean_a * mean_b
    variance = blur(a * a) - square_a + blur(b * b) - square_b
    covariance = blur(a * b) - both
    quotient = ((2.0 * both + c1) * (2.0 * covariance + c2)) / ((square_a + square_b + c1) * (variance + c2))
    out = casting.cast(reduction.mean(quotient, axis=(1, 2, 3)), original)
    return shaping.squeeze(out, 0) if first.single else out
