"""Depthwise convolution as a primitive, with its two gradients, which are each other's gradients."""

from __future__ import annotations

import kerasgpu.kernels.depthwise as kernels
from kerasgpu.engine.op import primitive


@primitive(tensors=2)
def depthwise_conv(x, kernel, window):
    """Each channel of x (batch, *window.size, n) with its own kernels (*window.kernel, n, m): (batch, *window.count, n m)."""
    return kernels.depthwise_conv(x, kernel, window)


@depthwise_conv.shape
def _(x, kernel, window):
    return (x.shape[0], *window.count, kernel.shape[-2] * kernel.shape[-1]), x.dtype


@depthwise_conv.gradient
def _(g, x, kernel, window):
    return lambda: depthwise_input_grad(g, kernel, window), lambda: depthwise_filter_grad(x, g, window)


@primitive(tensors=2)
def depthwise_input_grad(g, kernel, window):
    """The transpose of `depthwise_conv` as a map of x: (batch, *window.size, n) from g (batch, *window.count, n m)."""
    return kernels.depthwise_input_grad(g, kernel, window)


@depthwise_input_grad.shape
def _(g, kernel, window):
    return (g.shape[0], *window.size, kernel.shape[-2]), g.dtype


@depthwise_input_grad.gradient
def _(h, g, kernel, window):
    return lambda: depthwise_conv(h, kernel, window), lambda: depthwise_filter_grad(h, g, window)


@primitive(tensors=2)
def depthwise_filter_grad(x, g, window):
    """The transpose of `depthwise_conv` as a map of the kernel: (*window.kernel, n, m) from x and g."""
    return kernels.depthwise_filter_grad(x, g, window)


@depthwise_filter_grad.shape
def _(x, g, window):
    return (*window.kernel, x.shape[-1], g.shape[-1] // max(x.shape[-1], 1)), x.dtype


@depthwise_filter_grad.gradient
def _(h, x, g, window):
    return lambda: depthwise_input_grad(g, h, window), lambda: depthwise_conv(x, h, window)
