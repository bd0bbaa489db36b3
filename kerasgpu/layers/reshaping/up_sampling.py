"""UpSampling1D, 2D and 3D: each step, pixel or voxel repeated."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.arguments import standardize_tuple
from kerasgpu.layers.reshaping.spatial import SpatialLayer
from kerasgpu.ops.primitives.pooling import upsample


class _UpSampling(SpatialLayer):
    def _factors(self):
        return self.size

    def compute_output_shape(self, input_shape):
        return self._with_spatial(input_shape, lambda k, size: size * self._factors()[k])

    def call(self, inputs):
        if self.data_format == "channels_last":
            return upsample(inputs, tuple(self._factors()))
        # Every spatial axis gets a second one of its factor, all in one broadcast.
        batch, channels, *spatial = inputs.shape
        pairs = [v for n in spatial for v in (n, 1)]
        wide = [v for n, f in zip(spatial, self._factors()) for v in (n, f)]
        outputs = ops.broadcast_to(ops.reshape(inputs, (batch, channels, *pairs)), (batch, channels, *wide))
        return ops.reshape(outputs, (batch, channels, *(n * f for n, f in zip(spatial, self._factors()))))

    def get_config(self):
        config = {**super().get_config(), "size": self.size}
        return config if self.rank == 1 else {**config, "data_format": self.data_format}


class UpSampling1D(_UpSampling):
    """Each time step of (batch, time, channels) `size` times.

    >>> import kerasgpu as keras
    >>> keras.layers.UpSampling1D(2)(keras.ops.ones((1, 3, 4))).shape
    (1, 6, 4)
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(data_format="channels_last", **kwargs)
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool):
            raise TypeError(f"Expected an integer value for `size`, got {type(size)}.")
        if size <= 0:
            raise ValueError(f"Argument `size` should be a positive integer. Received: size={size}")
        self.size = size

    def _factors(self):
        return (self.size,)


class UpSampling2D(_UpSampling):
    """Enlarge images (batch, rows, cols, channels), or channels first.

    Args:
        size: int, or factors (rows, cols).
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest" repeats pixels; "bilinear", "bicubic", "lanczos3" and "lanczos5" are as in
            keras.ops.image.resize.

    >>> import kerasgpu as keras
    >>> keras.layers.UpSampling2D((1, 2))(keras.ops.ones((1, 3, 4, 2))).shape
    (1, 3, 8, 2)
    """

    rank = 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = standardize_tuple(size, 2, "size")
        self.interpolation = interpolation.lower()

    def call(self, inputs):
        if self.interpolation == "nearest":
            return super().call(inputs)
        size = tuple(inputs.shape[axis] * f for axis, f in zip(self._spatial_axes, self.size))
        return ops.image.resize(inputs, size, interpolation=self.interpolation, data_format=self.data_format)

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Each voxel of (batch, d1, d2, d3, channels), or channels first, `size` times along each axis."""

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(data_format=data_format, **kwargs)
        self.size = standardize_tuple(size, 3, "size")
