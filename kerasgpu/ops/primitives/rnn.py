"""Pieces of a sequence, or of the columns of gates, whose gradients are joined by one concatenation.

Cut one by one, each piece would have a gradient of the size of the whole: quadratic work over many steps.
"""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import movement


@primitive(tensors=1, multiple=True)
def equal_parts(x, parts, axis):
    """x cut along `axis`, which `parts` divides, into so many pieces of the same size."""
    return tuple(movement.split(x, (x.shape[axis] // parts,) * parts, axis))


@equal_parts.shape
def _(x, parts, axis):
    axis %= len(x.shape)
    return [((*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :]), x.dtype)] * parts


@equal_parts.gradient
def _(g, x, parts, axis):
    return (ops.concatenate(list(g), axis=axis),)
