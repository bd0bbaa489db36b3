"""MaxPooling1D, MaxPooling2D and MaxPooling3D: the largest element of each window."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.pooling.base_pooling import BasePooling


class BaseMaxPooling(BasePooling):
    """y = max over each window, channel by channel.

    Args:
        pool_size: size of the window, an int or one per spatial axis.
        strides: distance between windows; None is pool_size.
        padding: "valid" (windows inside x only) or "same" (as many windows as x has elements, divided by strides).
        data_format: "channels_last", "channels_first", or None for the configured one.

    Output size along an axis of n elements: (n - pool_size) // strides + 1 if "valid", n / strides rounded up if "same".
    """

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def _pool(self, *arguments):
        return ops.max_pool(*arguments)


class MaxPooling1D(BaseMaxPooling):
    """Maxima over windows of (batch, steps, channels), or channels first.

    Args: those of `BaseMaxPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.MaxPooling1D(3, strides=2)(keras.ops.ones((2, 7, 4))).shape
    (2, 3, 4)
    """

    rank = 1


class MaxPooling2D(BaseMaxPooling):
    """Maxima over windows of (batch, height, width, channels), or channels first.

    Args: those of `BaseMaxPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.MaxPooling2D()(keras.ops.ones((2, 6, 7, 4))).shape
    (2, 3, 3, 4)
    """

    rank = 2


class MaxPooling3D(BaseMaxPooling):
    """Maxima over windows of (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseMaxPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.MaxPooling3D((1, 2, 2))(keras.ops.ones((1, 3, 4, 4, 2))).shape
    (1, 3, 2, 2, 2)
    """

    rank = 3
