"""depthwise_conv: convolution of each channel by itself, in 1, 2 or 3 spatial dims."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.nn.windows import Windows, from_channels_last, per_dim, spatial_dims, to_channels_last
from kerasgpu.ops.primitives import depthwise
from kerasgpu.ops.primitives.operands import as_tensor

__all__ = ["depthwise_conv"]


@symbolic
def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of each channel by itself.

    Args:
        inputs: tensor of shape (batch, *spatial, channels), or (batch, channels, *spatial) with "channels_first".
        kernel: tensor of shape (*window, channels, multiplier).
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns a float tensor with channels * multiplier channels: channel c of inputs gives those from c * multiplier on. ValueError
    when the ranks or the numbers of channels differ, or no window fits.

    >>> import kerasgpu as keras
    >>> keras.ops.depthwise_conv(keras.ops.ones((1, 4, 1)), keras.ops.ones((3, 1, 2))).tolist()
    [[[3.0, 3.0], [3.0, 3.0]]]
    """
    data_format = standardize_data_format(data_format)
    x, kernel = convert_to_tensor(inputs), convert_to_tensor(kernel)
    ndim = spatial_dims(x, "depthwise_conv")
    if kernel.ndim != ndim + 2:
        raise ValueError(
            f"depthwise_conv: kernel must have {ndim + 2} dimensions like inputs; received {kernel.shape} and {x.shape}"
        )
    kind = dtypes.result_type(x.dtype, kernel.dtype, float)
    x, kernel = to_channels_last(as_tensor(x, kind), data_format), as_tensor(kernel, kind)
    if x.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            "The number of input channels must match the kernel's input channels. Received: input "
            f"channels={x.shape[-1]}, kernel input channels={kernel.shape[-2]}, data_format='{data_format}' (depthwise_conv)."
        )
    stride, dilation = per_dim(strides, ndim, "strides"), per_dim(dilation_rate, ndim, "dilation_rate")
    windows = Windows("depthwise_conv", x.shape[1:-1], kernel.shape[:-2], stride, padding.lower(), dilation)
    return from_channels_last(depthwise.depthwise_conv(x, kernel, windows.geometry), data_format)
