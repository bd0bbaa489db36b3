"""Multiply, Maximum, Minimum: element-wise combinations that skip masked elements."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.layers.merging.base_merge import Merge
from kerasgpu.layers.shapes import get_mask


class Multiply(Merge):
    """Element-wise product of a list of tensors that broadcast. Masked elements count as 1; where all are masked, the
    output is 0."""

    def _merge_function(self, inputs):
        masks = [get_mask(x) for x in inputs]
        all_masked = all(m is not None for m in masks)
        out = out_mask = None
        for x, mask in zip(inputs, masks):
            if mask is not None:
                mask = ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)
                x = ops.where(mask, x, ops.ones_like(x))
                if all_masked:
                    out_mask = mask if out_mask is None else ops.logical_or(out_mask, mask)
            out = x if out is None else ops.multiply(out, x)
        if all_masked:
            out = ops.where(out_mask, out, ops.zeros_like(out))
            out._keras_mask = ops.any(out_mask, axis=-1)
        return out


class Maximum(Merge):
    """Element-wise maximum of a list of tensors that broadcast."""

    def _merge_function(self, inputs):
        return self._merge_unmasked(ops.maximum, inputs)


class Minimum(Merge):
    """Element-wise minimum of a list of tensors that broadcast."""

    def _merge_function(self, inputs):
        return self._merge_unmasked(ops.minimum, inputs)


def multiply(inputs, **kwargs):
    """Multiply(**kwargs)(inputs)."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """Maximum(**kwargs)(inputs)."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """Minimum(**kwargs)(inputs)."""
    return Minimum(**kwargs)(inputs)
