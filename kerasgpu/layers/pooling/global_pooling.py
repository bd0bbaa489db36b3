"""Global pooling: one number for each channel."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.arguments import standardize_data_format
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.window_shapes import spatial_axes


class BaseGlobalPooling(Layer):
    """Base of layers that reduce all spatial axes.

    Args:
        data_format: "channels_last", "channels_first", or None for the configured one.
        keepdims: whether the spatial axes stay, with size 1.

    Shapes: x (batch, *spatial, channels), y (batch, channels).
    """

    rank = 2

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self._build_at_init()

    @property
    def _axes(self):
        return tuple(spatial_axes(self.rank, self.data_format))

    def compute_output_shape(self, input_shape):
        if self.keepdims:
            return tuple(1 if axis in self._axes else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in self._axes)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalAverage(BaseGlobalPooling):
    def call(self, inputs):
        return ops.mean(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalMax(BaseGlobalPooling):
    def call(self, inputs):
        return ops.max(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalAveragePooling1D(_GlobalAverage):
    """Mean over time of (batch, steps, channels), or channels first; of the steps that a mask (batch, steps) admits.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalAveragePooling1D()(keras.ops.ones((2, 7, 4))).shape
    (2, 4)
    """

    rank = 1

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return super().call(inputs)
        mask = ops.expand_dims(ops.cast(mask, "bool"), 2 if self.data_format == "channels_last" else 1)
        total = ops.sum(ops.where(mask, inputs, 0), axis=self._axes, keepdims=self.keepdims)
        return total / ops.sum(ops.cast(mask, inputs.dtype), axis=self._axes, keepdims=self.keepdims)

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """Mean over (batch, height, width, channels), or channels first.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalAveragePooling2D()(keras.ops.ones((2, 5, 5, 4))).shape
    (2, 4)
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """Mean over (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalAveragePooling3D(keepdims=True)(keras.ops.ones((2, 3, 3, 3, 4))).shape
    (2, 1, 1, 1, 4)
    """

    rank = 3


class GlobalMaxPooling1D(_GlobalMax):
    """Maximum over time of (batch, steps, channels), or channels first.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalMaxPooling1D()(keras.ops.ones((2, 7, 4))).shape
    (2, 4)
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMax):
    """Maximum over (batch, height, width, channels), or channels first.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalMaxPooling2D(data_format="channels_first")(keras.ops.ones((2, 4, 5, 5))).shape
    (2, 4)
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """Maximum over (batch, d1, d2, d3, channels), or channels first.

    Args: those of `BaseGlobalPooling`.

    >>> import kerasgpu as keras
    >>> keras.layers.GlobalMaxPooling3D()(keras.ops.ones((2, 3, 3, 3, 4))).shape
    (2, 4)
    """

    rank = 3
