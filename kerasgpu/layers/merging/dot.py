"""Dot: the dot product of two tensors along one axis of each, sample by sample."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.merging.base_merge import Merge


def batch_dot(x, y, axes):
    """sum over axis axes[0] of x[b] and axes[1] of y[b], for each b.

    Shapes: x (batch, A..., n, A'...), y (batch, B..., n, B'...); result (batch, A..., A'..., B..., B'...), (batch, 1) for
    two vectors.
    """
    a, b = axes
    x = ops.moveaxis(x, a, -1)
    y = ops.moveaxis(y, b, 1)
    left, right = x.shape[1:-1], y.shape[2:]
    n = x.shape[-1]
    batch = x.shape[0]
    product = ops.matmul(ops.reshape(x, (batch, _size(left), n)), ops.reshape(y, (batch, n, _size(right))))
    return ops.reshape(product, (batch, *(left + right or (1,))))


def _size(shape):
    size = 1
    for d in shape:
        size *= d
    return size


class Dot(Merge):
    """Dot product of two inputs along `axes`, for each sample.

    Args:
        axes: axis of both inputs, or one of each; not the batch axis.
        normalize: whether the vectors are scaled to length 1 first (cosine similarity).

    >>> import kerasgpu as keras
    >>> keras.layers.Dot(axes=(1, 2))([keras.ops.ones((2, 3, 5)), keras.ops.ones((2, 10, 3))]).shape
    (2, 5, 10)
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, (int, np.integer)):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(f"Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes}")
            if len(axes) != 2:
                raise ValueError(f"Invalid format for argument `axes`: it should contain two elements. Received: axes={axes}")
            if not all(isinstance(a, (int, np.integer)) for a in axes):
                raise ValueError(f"Invalid format for argument `axes`: list elements should be integers. Received: axes={axes}")
        self.axes = axes
        self.normalize = normalize
        self._reshape_required = False

    def _axes_for(self, shape1, shape2):
        axes = (self.axes, self.axes) if isinstance(self.axes, (int, np.integer)) else self.axes
        found = tuple(a % len(shape) if a < 0 else a for a, shape in zip(axes, (shape1, shape2)))
        if 0 in found:
            raise ValueError(
                "Cannot perform batch_dot over axis 0. If your inputs are not batched, add a dummy batch dimension to your "
                "inputs using keras.ops.expand_dims(x, 0)"
            )
        return found

    @staticmethod
    def _check_two(input_shape):
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 2 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}")

    def build(self, input_shape):
        self._check_two(input_shape)
        shape1, shape2 = input_shape
        a, b = self._axes_for(shape1, shape2)
        if shape1[a] is not None and shape2[b] is not None and shape1[a] != shape2[b]:
            raise ValueError(
                f"Incompatible input shapes: axis values {shape1[a]} (at axis {a}) != {shape2[b]} (at axis {b}). Full input "
                f"shapes: {shape1}, {shape2}"
            )

    def _merge_function(self, inputs):
        if len(inputs) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        x, y = inputs
        axes = self._axes_for(x.shape, y.shape)
        if self.normalize:
            x, y = (ops.normalize(v, axis=axis, order=2) for v, axis in zip((x, y), axes))
        return batch_dot(x, y, axes)

    def compute_output_shape(self, input_shape):
        self._check_two(input_shape)
        shape1, shape2 = (list(s) for s in input_shape)
        a, b = self._axes_for(shape1, shape2)
        shape1.pop(a)
        shape2.pop(b)
        out = shape1 + shape2[1:]
        return tuple(out if len(out) > 1 else [*out, 1])

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs, axes=-1, **kwargs):
    """Dot(axes, **kwargs)(inputs)."""
    return Dot(axes=axes, **kwargs)(inputs)
