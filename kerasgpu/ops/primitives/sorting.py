"""Sorting along one axis, and the k largest elements. NaN counts as larger than everything."""

from __future__ import annotations

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import sorting as kernels
from kerasgpu.ops.primitives.indexing import untake_along_axis


@primitive(tensors=1)
def sort(x, axis):
    """The elements of each line of x in increasing order."""
    return kernels.sort(x, axis)


@sort.gradient
def _(g, x, axis):
    return (untake_along_axis(g, argsort(x, axis), x.shape, axis),)


@primitive(tensors=1, differentiable=False)
def argsort(x, axis):
    """Indices (int32) that sort each line of x, equal elements in their order."""
    return kernels.argsort(x, axis)


@argsort.shape
def _(x, axis):
    return x.shape, "int32"


@primitive(tensors=1, multiple=True)
def top_k(x, k, sorted=True):
    """The k largest elements of each row (last axis), largest first, and their indices (int32)."""
    return kernels.top_k(x, k)


@top_k.shape
def _(x, k, sorted=True):
    shape = (*x.shape[:-1], k)
    return [(shape, x.dtype), (shape, "int32")]


@top_k.gradient
def _(g, y, x, k, sorted=True):
    return (untake_along_axis(g[0], y[1], x.shape, x.ndim - 1),)


@primitive(tensors=2, differentiable=False)
def searchsorted(line, values, side="left"):
    """How many elements of a sorted vector are less ("left") or not greater ("right") than each value, as int32."""
    return kernels.searchsorted(line, values, side)


@searchsorted.shape
def _(line, values, side="left"):
    return values.shape, "int32"
