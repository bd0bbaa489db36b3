"""Convolutions: conv, separable_conv, conv_transpose, in 1, 2 or 3 spatial dims; depthwise.py has depthwise_conv.

Keras's rules for padding and data formats; ops/primitives/conv.py has the convolutions themselves and their gradients.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.window import Window
from kerasgpu.ops.nn.depthwise import depthwise_conv
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.nn.windows import Windows, from_channels_last, per_dim, spatial_dims, to_channels_last
from kerasgpu.ops.primitives.conv import conv_forward, conv_input_grad
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["conv", "conv_transpose", "separable_conv"]


def _prepare(name, inputs, kernel, data_format):
    """(inputs with channels last, kernel, number of spatial dims, data format), in one float dtype."""
    data_format = standardize_data_format(data_format)
    x, kernel = convert_to_tensor(inputs), convert_to_tensor(kernel)
    ndim = spatial_dims(x, name)
    if kernel.ndim != ndim + 2:
        raise ValueError(f"{name}: kernel must have {ndim + 2} dimensions like inputs; received {kernel.shape} and {x.shape}")
    kind = dtypes.result_type(x.dtype, kernel.dtype, float)
    return to_channels_last(as_tensor(x, kind), data_format), as_tensor(kernel, kind), ndim, data_format


def _check_channels(x, channels, name, data_format):
    if x.shape[-1] != channels:
        raise ValueError(
            "The number of input channels must match the kernel's input channels. Received: input "
            f"channels={x.shape[-1]}, kernel input channels={channels}, data_format='{data_format}' ({name})."
        )


@symbolic
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution (correlation) over 1, 2 or 3 spatial dims.

    Args:
        inputs: tensor of shape (batch, *spatial, channels), or (batch, channels, *spatial) with "channels_first".
        kernel: tensor of shape (*window, channels / groups, filters); the number of groups follows from it.
        strides: int or tuple.
        padding: "valid" (windows inside only) or "same" (as many windows as inputs / strides).
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: int or tuple: distance between the elements of a window.

    Returns a tensor of shape (batch, *windows, filters), or with the channels first.

    >>> import kerasgpu as keras
    >>> keras.ops.conv(keras.ops.ones((1, 5, 1)), keras.ops.ones((3, 1, 1))).tolist()
    [[[3.0], [3.0], [3.0]]]
    """
    x, kernel, ndim, data_format = _prepare("conv", inputs, kernel, data_format)
    channels, depth, filters = x.shape[-1], kernel.shape[-2], kernel.shape[-1]
    groups = channels // depth if depth else 1
    if channels != groups * depth or groups == 0 or filters % groups:
        raise ValueError(
            "The number of input channels must match the kernel's input channels, or be evenly divisible by kernel's "
            "in_channels, with "
            f"filters for every group. Received input channels {channels}, kernel in_channels {depth} and filters {filters}."
        )
    window = kernel.shape[:-2]
    windows = Windows(
        "conv",
        x.shape[1:-1],
        window,
        per_dim(strides, ndim, "strides"),
        padding.lower(),
        per_dim(dilation_rate, ndim, "dilation_rate"),
    )
    return from_channels_last(conv_forward(x, kernel, windows.geometry, groups), data_format)


@symbolic
def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """`depthwise_conv` followed by a `conv` with windows of one element.

    Args:
        inputs: tensor of shape (batch, *spatial, channels).
        depthwise_kernel: tensor of shape (*window, channels, multiplier).
        pointwise_kernel: tensor of shape (1, ..., channels * multiplier, filters).
        strides, padding, data_format, dilation_rate: as for `conv`.
    """
    data_format = standardize_data_format(data_format)
    seen = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(seen, pointwise_kernel, 1, "valid", data_format)


def _crops(name, kernel, stride, dilation, padding, extra):
    """(elements cut off before, after) the full transposed convolution in one dim; negative: zeros to add."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return 0, -(max(reach, stride) - reach if extra is None else extra)
    if padding != "same":
        raise ValueError(f"The `padding` argument must be one of 'valid', 'same'. Received: padding={padding}")
    # The output has input * stride elements, or (input - 1) * stride + reach % 2 + output_padding.
    total = stride + reach - 2 if extra is None else reach + reach % 2 - 2 + extra
    left = min(total // 2 + total % 2, reach - 1)
    return reach - 1 - left, reach - 1 - (total - left)


@symbolic
def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """The transpose of `conv`: each input element adds its multiple of the kernel to the output (Zeiler et al. 2010).

    Args:
        inputs: tensor of shape (batch, *spatial, channels).
        kernel: tensor of shape (*window, filters, channels).
        strides: int or tuple: distance between the outputs of neighbouring inputs.
        padding: "valid" or "same": whether the output has inputs * strides elements.
        output_padding: int or tuple, elements added at the end of each dim; None for what padding says.
        data_format, dilation_rate: as for `conv`.
    """
    x, kernel, ndim, data_format = _prepare("conv_transpose", inputs, kernel, data_format)
    _check_channels(x, kernel.shape[-1], "conv_transpose", data_format)
    window = kernel.shape[:-2]
    stride, dilation = per_dim(strides, ndim, "strides"), per_dim(dilation_rate, ndim, "dilation_rate")
    extra = (
        (output_padding,) * ndim
        if output_padding is None or isinstance(output_padding, (int, np.integer))
        else tuple(output_padding)
    )
    size = x.shape[1:-1]
    full = ((n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, stride, window, dilation))
    crops = [_crops("conv_transpose", *parts, padding.lower(), e) for *parts, e in zip(window, stride, dilation, extra)]
    made = tuple(n - a - b for n, (a, b) in zip(full, crops))
    geometry = Window(made, size, window, stride, dilation, tuple(a for a, _ in crops))
    return from_channels_last(conv_input_grad(x, kernel, geometry), data_format)
