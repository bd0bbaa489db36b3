"""Spatial dropout (Tompson et al. 2014, https://arxiv.org/abs/1411.4280): whole feature maps are dropped."""

from __future__ import annotations

from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.regularization.dropout import Dropout


class BaseSpatialDropout(Dropout):
    """Base of SpatialDropout1D, 2D and 3D."""

    rank = 0

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = "channels_last"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _noise_shape_for(self, inputs):
        shape = inputs.shape
        if self.data_format == "channels_first":
            return (shape[0], shape[1], *(1,) * self.rank)
        return (shape[0], *(1,) * self.rank, shape[-1])

    def get_config(self):
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class _WithDataFormat(BaseSpatialDropout):
    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = standardize_data_format(data_format)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout1D(BaseSpatialDropout):
    """Dropout of whole channels of (batch, time, channels)."""

    rank = 1


class SpatialDropout2D(_WithDataFormat):
    """Dropout of whole channels of images (batch, rows, cols, channels), or channels first."""

    rank = 2


class SpatialDropout3D(_WithDataFormat):
    """Dropout of whole channels of volumes (batch, d1, d2, d3, channels), or channels first."""

    rank = 3
