"""Conv2D: convolution over images."""

from __future__ import annotations

from kerasgpu.layers.convolutional.base_conv import BaseConv


class Conv2D(BaseConv):
    """Convolution over the two spatial axes of (batch, height, width, channels), or channels first.

    Args: those of `BaseConv`.

    >>> import kerasgpu as keras
    >>> keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(keras.ops.ones((2, 9, 9, 3))).shape
    (2, 5, 5, 8)
    """

    rank = 2
