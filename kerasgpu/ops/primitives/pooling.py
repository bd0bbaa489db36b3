"""Maxima and means over windows of a channels-last tensor as primitives; the gradient of each is a map that is linear in g."""

from __future__ import annotations

from math import prod

import kerasgpu.kernels.pooling as kernels
from kerasgpu.engine.op import primitive
from kerasgpu.kernels.movement import broadcast_to
from kerasgpu.kernels.window import Window


@primitive(tensors=1, differentiable=False)
def max_pool(x, window):
    """The largest element of each window: (batch, *window.count, channels). For results whose gradient nobody wants."""
    return kernels.max_pool(x, window)


@max_pool.shape
def _(x, window):
    return _pooled(x, window), x.dtype


@primitive(tensors=1, multiple=True)
def max_pool_with_taps(x, window):
    """(the largest element of each window, the number of its tap), the first of equal ones."""
    return kernels.max_pool(x, window, taps=True)


@max_pool_with_taps.shape
def _(x, window):
    return [(_pooled(x, window), x.dtype), (_pooled(x, window), kernels.tap_dtype(window))]


@max_pool_with_taps.gradient
def _(g, y, x, window):
    return (max_pool_grad(g[0], y[1], window),)


@primitive(tensors=2)
def max_pool_grad(g, taps, window):
    """Zeros (batch, *window.size, channels) with each element of g added where the maximum was."""
    return kernels.max_pool_grad(g, taps, window)


@max_pool_grad.shape
def _(g, taps, window):
    return (g.shape[0], *window.size, g.shape[-1]), g.dtype


@max_pool_grad.gradient
def _(h, g, taps, window):
    return max_pool_take(h, taps, window), None


@primitive(tensors=2)
def max_pool_take(x, taps, window):
    """The elements of x where the maxima were: the transpose of `max_pool_grad`."""
    return kernels.max_pool_take(x, taps, window)


@max_pool_take.shape
def _(x, taps, window):
    return taps.shape, x.dtype


@max_pool_take.gradient
def _(h, x, taps, window):
    return max_pool_grad(h, taps, window), None


@primitive(tensors=1)
def average_pool(x, window):
    """The mean of the elements of each window that lie in x: (batch, *window.count, channels)."""
    return kernels.average_pool(x, window)


@average_pool.shape
def _(x, window):
    return _pooled(x, window), x.dtype


@average_pool.gradient
def _(g, x, window):
    return (average_pool_grad(g, window),)


@primitive(tensors=1)
def average_pool_grad(g, window):
    """The transpose of `average_pool`: (batch, *window.size, channels)."""
    return kernels.average_pool_grad(g, window)


@average_pool_grad.shape
def _(g, window):
    return (g.shape[0], *window.size, g.shape[-1]), g.dtype


@average_pool_grad.gradient
def _(h, g, window):
    return (average_pool(h, window),)


@primitive(tensors=1)
def upsample(x, factors):
    """x (batch, *spatial, channels) with each position factors[d] times along spatial dim d: the transpose of sums over windows."""
    spatial = x.shape[1:-1]
    pairs = tuple(v for n in spatial for v in (n, 1))
    wide = tuple(v for n, f in zip(spatial, factors) for v in (n, f))
    out = broadcast_to(x.reshape((x.shape[0], *pairs, x.shape[-1])), (x.shape[0], *wide, x.shape[-1]))
    return out.reshape(_upsampled(x, factors))


@upsample.shape
def _(x, factors):
    return _upsampled(x, factors), x.dtype


@upsample.gradient
def _(g, x, factors):
    ones, zeros = (1,) * len(factors), (0,) * len(factors)
    window = Window(g.shape[1:-1], x.shape[1:-1], tuple(factors), tuple(factors), ones, zeros)
    return (average_pool(g, window) * prod(factors),)


def _upsampled(x, factors):
    return (x.shape[0], *(n * f for n, f in zip(x.shape[1:-1], factors)), x.shape[-1])


def _pooled(x, window):
    return (x.shape[0], *window.count, x.shape[-1])
