"""Choosing between values (where, clip) and changing dtype."""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import elementwise as kernels
from kerasgpu.kernels import launch
from kerasgpu.ops.primitives.shapes import broadcast_shapes, unbroadcast


def _shape_of(name, *tensors):
    return broadcast_shapes(name, *(t.shape for t in tensors if t is not None))


@primitive(tensors=3)
def where(condition, x1, x2, c1=None, c2=None):
    """x1 where condition (bool) else x2; a Python number c1 or c2 stands in where x1 or x2 is None (not both)."""
    _shape_of("where", condition, x1, x2)
    return kernels.elementwise("where", condition, c1 if x1 is None else x1, c2 if x2 is None else x2)


@where.shape
def _(condition, x1, x2, c1=None, c2=None):
    return _shape_of("where", condition, x1, x2), (x2 if x1 is None else x1).dtype


@where.gradient
def _(g, condition, x1, x2, c1=None, c2=None):
    return (
        None,
        lambda: unbroadcast(where(condition, g, None, None, 0), x1.shape),
        lambda: unbroadcast(where(condition, None, g, 0), x2.shape),
    )


@primitive(tensors=1)
def clip(x, low, high):
    """min(max(x, low), high) for two Python numbers."""
    return kernels.elementwise("clip", x, low, high)


@clip.gradient
def _(g, x, low, high):
    inside = ops.logical_and(ops.greater_equal(x, low), ops.less_equal(x, high))
    return (where(inside, g, None, None, 0),)


def _astype(x, out):
    if x.dtype.kind == "c" and out.dtype.kind not in "cb":
        x = x.real  # as in Keras
    with np.errstate(all="ignore"):
        out[...] = x.astype(out.dtype)


def _needs_host(name):
    return name.startswith(("complex", "float8"))


@primitive(tensors=1)
def cast(x, dtype):
    """x in another dtype."""
    if _needs_host(dtype) or _needs_host(x.dtype.name):
        out = launch.empty(x.shape, dtype, like=x)
        launch.host_call(_astype, (x,), (out,))
        return out
    return kernels.cast(x, dtype)


@cast.shape
def _(x, dtype):
    return x.shape, dtype


@cast.gradient
def _(g, x, dtype):
    return (g if g.dtype == x.dtype else cast(g, x.dtype),)
