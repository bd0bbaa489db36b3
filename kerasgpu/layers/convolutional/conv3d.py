"""Conv3D: convolution over volumes."""

from __future__ import annotations

from kerasgpu.layers.convolutional.base_conv import BaseConv


class Conv3D(BaseConv):
    """Convolution over the three spatial axes of (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.Conv3D(2, (1, 3, 3))(keras.ops.ones((1, 4, 5, 5, 3))).shape
    (1, 4, 3, 3, 2)
    """

    rank = 3
