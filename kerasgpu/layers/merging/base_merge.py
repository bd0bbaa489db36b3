"""Merge: the base of layers that combine several tensors element by element."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import get_mask


def check_list(layer, input_shape, least=1):
    """ValueError unless input_shape is a list of at least `least` shapes."""
    if not isinstance(input_shape, (list, tuple)) or not input_shape or not isinstance(input_shape[0], (tuple, list)):
        raise ValueError(
            f"A merge layer should be called on a list of inputs. Received: input_shape={input_shape} (not a list of "
            f"shapes). Layer: '{layer.name}' ({type(layer).__name__}); call it as layer([a, b])"
        )
    if len(input_shape) < least:
        raise ValueError(
            f"A merge layer should be called on a list of at least {least} input. Received {len(input_shape)} inputs. Full "
            f"input_shape received: {input_shape}"
        )


def broadcast_shapes(a, b):
    """The shape of an element-wise operation on samples of shapes a and b (None is unknown)."""
    if len(a) < len(b):
        a, b = b, a
    if not b:
        return tuple(a)
    out = list(a[: -len(b)])
    for i, j in zip(a[-len(b) :], b):
        if i is None or j is None:
            out.append(None)
        elif i == 1 or j == 1 or i == j:
            out.append(j if i == 1 else i)
        else:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {a} and {b}")
    return tuple(out)


class Merge(Layer):
    """Base of Add, Multiply, ...: `call([a, b, ...])`. Subclasses implement `_merge_function(inputs)`."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge_function(self, inputs):
        raise NotImplementedError

    def build(self, input_shape):
        check_list(self, input_shape)
        self._sample_shape(input_shape)
        batch_sizes = {s[0] for s in input_shape if s} - {None}
        if len(batch_sizes) > 1:
            raise ValueError(f"Cannot merge tensors with different batch sizes. Received tensors with shapes {input_shape}")
        self._reshape_required = len({len(s) for s in input_shape}) > 1

    @staticmethod
    def _sample_shape(input_shape):
        out = tuple(input_shape[0][1:])
        for shape in input_shape[1:]:
            out = broadcast_shapes(out, tuple(shape[1:]))
        return out

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"A merge layer should be called on a list of inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        if not self._reshape_required:
            return self._merge_function(inputs)
        # Lower ranks get axes of size 1 after the batch axis.
        rank = max(x.ndim for x in inputs)
        same = []
        for x in inputs:
            while x.ndim < rank:
                x = ops.expand_dims(x, axis=1)
            same.append(x)
        return self._merge_function(same)

    def compute_output_shape(self, input_shape):
        batch_sizes = {s[0] for s in input_shape if s is not None} - {None}
        return (batch_sizes.pop() if len(batch_sizes) == 1 else None, *self._sample_shape(input_shape))

    def compute_output_spec(self, inputs):
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), dtype=self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        self._check_masks(inputs, mask)
        if any(m is None for m in mask):
            return None
        out = mask[0]
        for m in mask[1:]:
            out = ops.logical_or(out, m)
        return out

    @staticmethod
    def _check_masks(inputs, mask):
        for name, value in (("mask", mask), ("inputs", inputs)):
            if not isinstance(value, (tuple, list)):
                raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
        if len(mask) != len(inputs):
            raise ValueError(
                f"The lists `inputs` and `mask` should have the same length. Received: inputs={inputs} of length "
                f"{len(inputs)}, and mask={mask} of length {len(mask)}"
            )

    def _merge_unmasked(self, function, inputs):
        """Fold inputs by function, skipping masked elements; the output is masked where all inputs are."""
        out = out_mask = None
        for x in inputs:
            mask = get_mask(x)
            if mask is not None:
                mask = ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)
            if out is None:
                out, out_mask = x, mask
                continue
            if mask is not None:
                x = ops.where(mask, x, out)
            if out_mask is not None:
                out = ops.where(out_mask, out, x)
            out_mask = ops.logical_or(out_mask, mask) if mask is not None and out_mask is not None else None
            out = function(out, x)
        if out_mask is not None:
            out._keras_mask = ops.any(out_mask, axis=-1)
        return out
