"""Convolutions: conv, depthwise_conv, separable_conv, conv_transpose, in 1, 2 or 3 spatial dims.

Composed of strided views and matrix products: for each position of the window, what it sees times its slice of the kernel.
"""

from __future__ import annotations

import math

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.nn.windows import Windows, from_channels_last, per_dim, place, spatial_dims, to_channels_last
from kerasgpu.ops.primitives.matmul import product
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


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
    if channels % depth or filters % (channels // depth):
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
    x = windows.padded(x)
    views = [windows.view(x, tap) for tap in windows.taps]
    groups = channels // depth
    if groups == 1:
        columns = views[0] if len(views) == 1 else ops.concatenate(views, axis=-1)
        rows = ops.reshape(columns, (math.prod(columns.shape[:-1]), len(views) * channels))
        out = product(rows, ops.reshape(kernel, (len(views) * channels, filters)))
    else:
        out = _grouped(views, kernel, groups, depth, filters // groups)
    out = ops.reshape(out, (x.shape[0], *windows.count, filters))
    return from_channels_last(out, data_format)


def _grouped(views, kernel, groups, depth, filters):
    """(positions, groups * filters): one product for each group of channels."""
    taps = len(views)
    rows = math.prod(views[0].shape[:-1])
    stacked = ops.stack([ops.reshape(v, (rows, groups, depth)) for v in views], axis=2)
    columns = ops.reshape(ops.transpose(stacked, (1, 0, 2, 3)), (groups, rows, taps * depth))
    weights = ops.transpose(ops.reshape(kernel, (taps * depth, groups, filters)), (1, 0, 2))
    return ops.reshape(ops.transpose(product(columns, weights), (1, 0, 2)), (rows, groups * filters))


@symbolic
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of each channel by itself.

    Args:
        inputs: tensor of shape (batch, *spatial, channels).
        kernel: tensor of shape (*window, channels, multiplier).
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns a tensor with channels * multiplier channels.
    """
    x, kernel, ndim, data_format = _prepare("depthwise_conv", inputs, kernel, data_format)
    channels, multiplier = kernel.shape[-2:]
    _check_channels(x, channels, "depthwise_conv", data_format)
    windows = Windows(
        "depthwise_conv",
        x.shape[1:-1],
        kernel.shape[:-2],
        per_dim(strides, ndim, "strides"),
        padding.lower(),
        per_dim(dilation_rate, ndim, "dilation_rate"),
    )
    x = windows.padded(x)
    weights = ops.unstack(ops.reshape(kernel, (len(windows.taps), channels, multiplier)), axis=0)
    out = None
    for tap, weight in zip(windows.taps, weights):
        seen = windows.view(x, tap)
        if multiplier == 1:
            term = seen * ops.reshape(weight, (channels,))
        else:
            term = ops.expand_dims(seen, -1) * weight
        out = term if out is None else out + term
    return from_channels_last(ops.reshape(out, (x.shape[0], *windows.count, channels * multiplier)), data_format)


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
    filters, channels = kernel.shape[-2:]
    _check_channels(x, channels, "conv_transpose", data_format)
    window = kernel.shape[:-2]
    stride, dilation = per_dim(strides, ndim, "strides"), per_dim(dilation_rate, ndim, "dilation_rate")
    extra = (output_padding,) * ndim if output_padding is None or isinstance(output_padding, int) else tuple(output_padding)
    size = x.shape[1:-1]
    full = tuple((n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, stride, window, dilation))
    crops = [_crops("conv_transpose", *parts, padding.lower(), e) for *parts, e in zip(window, stride, dilation, extra)]
    taps = math.prod(window)
    rows = ops.reshape(x, (math.prod(x.shape[:-1]), channels))
    spread = product(rows, ops.reshape(kernel, (taps * filters, channels)), False, True)
    parts = ops.unstack(ops.reshape(spread, (*x.shape[:-1], taps, filters)), axis=ndim + 1)
    windows = Windows("conv_transpose", full, window, stride, "valid", dilation)
    out = None
    for tap, part in zip(windows.taps, parts):
        placed = place(part, tap, stride, dilation, full)
        out = placed if out is None else out + placed
    out = ops.pad(out, [(0, 0), *((max(-a, 0), max(-b, 0)) for a, b in crops), (0, 0)])
    keep = tuple(slice(max(a, 0), n - max(b, 0) if b > 0 else None) for n, (a, b) in zip(out.shape[1:-1], crops))
    return from_channels_last(ops.get_item(out, (slice(None), *keep)), data_format)
