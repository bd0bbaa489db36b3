"""What padding, cropping and upsampling share: pairs of sizes per spatial axis, and where these axes are."""

from __future__ import annotations

import numpy as np

from kerasgpu.layers.arguments import standardize_data_format, standardize_tuple
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer


def pairs_per_axis(value, rank, name):
    """((before, after), ...) for `rank` axes from an int, a tuple of ints (symmetric), or a tuple of pairs."""
    if isinstance(value, (int, np.integer)):
        if value < 0:
            raise ValueError(f"`{name}` cannot be negative. Received: {name}={value}.")
        return ((value, value),) * rank
    if not hasattr(value, "__len__"):
        raise ValueError(
            f"`{name}` should be either an int, a tuple of {rank} ints (symmetric), or a tuple of {rank} tuples of 2 ints "
            f"(before, after). Received: {name}={value}."
        )
    if len(value) != rank:
        count = {2: "two elements", 3: "3 elements"}.get(rank, f"{rank} elements")
        raise ValueError(f"`{name}` should have {count}. Received: {name}={value}.")
    ordinals = ("1st", "2nd", "3rd")
    return tuple(standardize_tuple(v, 2, f"{ordinals[k]} entry of {name}", allow_zero=True) for k, v in enumerate(value))


class SpatialLayer(Layer):
    """Base of layers on (batch, *spatial, channels), or (batch, channels, *spatial) with data_format="channels_first"."""

    rank = 2

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _spatial_axes(self):
        first = 2 if self.data_format == "channels_first" else 1
        return range(first, first + self.rank)

    def _with_spatial(self, shape, function):
        """shape with function(k, size) for each known spatial size."""
        shape = list(shape)
        for k, axis in enumerate(self._spatial_axes):
            if shape[axis] is not None:
                shape[axis] = function(k, shape[axis])
        return tuple(shape)
