"""AveragePooling1D, AveragePooling2D and AveragePooling3D: the mean of each window."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.pooling.base_pooling import BasePooling


class BaseAveragePooling(BasePooling):
    """y = mean over each window, channel by channel; with padding="same", over those of its elements that lie in x.

    Args:
        pool_size: size of the window, an int or one per spatial axis.
        strides: distance between windows; None is pool_size.
        padding: "valid" (windows inside x only) or "same" (as many windows as x has elements, divided by strides).
        data_format: "channels_last", "channels_first", or None for the configured one.

    Output size along an axis of n elements: (n - pool_size) // strides + 1 if "valid", n / strides rounded up if "same".
    """

    def _pool(self, *arguments):
        return ops.average_pool(*arguments)


class AveragePooling1D(BaseAveragePooling):
    """Means over windows of (batch, steps, channels), or channels first.

    Args: those of `BaseAveragePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AveragePooling1D(2)(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1))).tolist()
    [[[0.5], [2.5]]]
    """

    rank = 1


class AveragePooling2D(BaseAveragePooling):
    """Means over windows of (batch, height, width, channels), or channels first.

    Args: those of `BaseAveragePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AveragePooling2D(2, padding="same")(keras.ops.ones((2, 5, 5, 4))).shape
    (2, 3, 3, 4)
    """

    rank = 2


class AveragePooling3D(BaseAveragePooling):
    """Means over windows of (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseAveragePooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.AveragePooling3D(2)(keras.ops.ones((1, 4, 4, 6, 2))).shape
    (1, 2, 2, 3, 2)
    """

    rank = 3
