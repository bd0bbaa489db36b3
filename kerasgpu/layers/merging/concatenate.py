"""Concatenate: tensors side by side along one axis."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.merging.base_merge import Merge


class Concatenate(Merge):
    """Join a list of tensors along `axis`; all other sizes must be equal.

    >>> import kerasgpu as keras
    >>> keras.layers.Concatenate()([keras.ops.ones((2, 3)), keras.ops.ones((2, 4))]).shape
    (2, 7)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self._reshape_required = False

    def build(self, input_shape):
        if not isinstance(input_shape, (tuple, list)) or not input_shape or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                f"A `Concatenate` layer should be called on a list of at least 1 input. Received: input_shape={input_shape}"
            )
        rank = len(input_shape[0])
        axis = self.axis % rank if rank else 0
        others = [tuple(None if k == axis else d for k, d in enumerate(shape)) for shape in input_shape]
        for shape in others[1:]:
            if len(shape) != rank or any(a is not None and b is not None and a != b for a, b in zip(others[0], shape)):
                raise ValueError(
                    "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. Received: "
                    f"input_shape={input_shape}"
                )

    def _merge_function(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        if not isinstance(input_shape, (tuple, list)) or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(f"A `Concatenate` layer should be called on a list of inputs. Received: input_shape={input_shape}")
        out = list(input_shape[0])
        sizes = [shape[self.axis] for shape in input_shape]
        out[self.axis] = None if None in sizes else sum(sizes)
        for shape in input_shape[1:]:
            for k, d in enumerate(shape):
                if k != self.axis % len(out) and out[k] is None:
                    out[k] = d
        return tuple(out)

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), dtype=self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if all(m is None for m in mask):
            return None
        masks = []
        for x, m in zip(inputs, mask):
            if m is None:
                m = ops.ones_like(x, dtype="bool")
            elif m.ndim < x.ndim:
                m = ops.logical_or(ops.expand_dims(m, axis=-1), ops.zeros_like(x, dtype="bool"))
            masks.append(m)
        return ops.any(ops.concatenate(masks, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs, axis=-1, **kwargs):
    """Concatenate(axis, **kwargs)(inputs)."""
    return Concatenate(axis=axis, **kwargs)(inputs)
