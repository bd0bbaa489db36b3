"""ZeroPadding1D, 2D and 3D: rows of zeros around the spatial axes."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.arguments import standardize_tuple
from kerasgpu.layers.reshaping.spatial import SpatialLayer, pairs_per_axis


class _ZeroPadding(SpatialLayer):
    def _pairs(self):
        return self.padding

    def compute_output_shape(self, input_shape):
        return self._with_spatial(input_shape, lambda k, size: size + sum(self._pairs()[k]))

    def call(self, inputs):
        widths = [(0, 0)] * inputs.ndim
        for k, axis in enumerate(self._spatial_axes):
            widths[axis] = self._pairs()[k]
        return ops.pad(inputs, tuple(widths))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the time axis of (batch, time, channels).

    Args:
        padding: int, or (before, after).
        data_format: "channels_last" or "channels_first".
    """

    rank = 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = standardize_tuple(padding, 2, "padding", allow_zero=True)

    def _pairs(self):
        return (self.padding,)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images (batch, rows, cols, channels), or channels first.

    Args:
        padding: int, (rows, cols), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first".

    >>> import kerasgpu as keras
    >>> keras.layers.ZeroPadding2D(((1, 0), 2))(keras.ops.ones((1, 3, 3, 1))).shape
    (1, 4, 7, 1)
    """

    rank = 2

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = pairs_per_axis(padding, 2, "padding")


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes (batch, d1, d2, d3, channels), or channels first.

    Args:
        padding: int, three ints, or three pairs (before, after).
        data_format: "channels_last" or "channels_first".
    """

    rank = 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = pairs_per_axis(padding, 3, "padding")
