"""Cropping1D, 2D and 3D: rows removed at the ends of the spatial axes."""

from __future__ import annotations

from kerasgpu.layers.arguments import standardize_tuple
from kerasgpu.layers.reshaping.spatial import SpatialLayer, pairs_per_axis


class _Cropping(SpatialLayer):
    def _pairs(self):
        return self.cropping

    def compute_output_shape(self, input_shape):
        return self._cropped(input_shape, "input_shape")

    def _cropped(self, shape, what):
        def crop(k, size):
            left = size - sum(self._pairs()[k])
            if left <= 0:
                start = (
                    "`cropping` parameter of `Cropping1D` layer must be smaller than the input length."
                    if self.rank == 1
                    else "Values in `cropping` argument should be smaller than the corresponding spatial dimension of the "
                    "input."
                )
                raise ValueError(f"{start} Received: {what}={tuple(shape)}, cropping={self.cropping}")
            return left

        return self._with_spatial(shape, crop)

    def call(self, inputs):
        self._cropped(inputs.shape, "inputs.shape")
        index = [slice(None)] * inputs.ndim
        for k, axis in enumerate(self._spatial_axes):
            before, after = self._pairs()[k]
            index[axis] = slice(before, inputs.shape[axis] - after)
        return inputs[tuple(index)]

    def get_config(self):
        config = {**super().get_config(), "cropping": self.cropping}
        return config if self.rank == 1 else {**config, "data_format": self.data_format}


class Cropping1D(_Cropping):
    """Remove the first and last time steps of (batch, time, channels).

    Args:
        cropping: int, or (from the start, from the end).
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(data_format="channels_last", **kwargs)
        self.cropping = standardize_tuple(cropping, 2, "cropping", allow_zero=True)

    def _pairs(self):
        return (self.cropping,)


class Cropping2D(_Cropping):
    """Remove rows and columns at the borders of images (batch, rows, cols, channels), or channels first.

    Args:
        cropping: int, (rows, cols), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first".

    >>> import kerasgpu as keras
    >>> keras.layers.Cropping2D(((1, 0), (2, 2)))(keras.ops.ones((1, 5, 6, 3))).shape
    (1, 4, 2, 3)
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = pairs_per_axis(cropping, 2, "cropping")


class Cropping3D(_Cropping):
    """Remove the borders of volumes (batch, d1, d2, d3, channels), or channels first.

    Args:
        cropping: int, three ints, or three pairs.
        data_format: "channels_last" or "channels_first".
    """

    rank = 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = pairs_per_axis(cropping, 3, "cropping")
