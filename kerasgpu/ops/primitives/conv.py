"""Convolution as a closed family of three primitives: each is bilinear, and the gradients of each are the other two.

With y = conv(x, w): dx = conv_input_grad(dy, w) and dw = conv_filter_grad(x, dy), so derivatives of any order are convolutions.
`window` is a kernels.window.Window.
"""

from __future__ import annotations

from kerasgpu.engine.op import primitive
from kerasgpu.kernels import conv as kernels

__all__ = ["conv_filter_grad", "conv_forward", "conv_input_grad"]


@primitive(tensors=2)
def conv_forward(x, w, window, groups=1):
    """x (batch, *size, channels), w (*kernel, channels / groups, filters) -> (batch, *count, filters)."""
    return kernels.conv(x, w, window, groups)


@conv_forward.shape
def _(x, w, window, groups=1):
    return (x.shape[0], *window.count, w.shape[-1]), x.dtype


@conv_forward.gradient
def _(g, x, w, window, groups=1):
    return lambda: conv_input_grad(g, w, window, groups), lambda: conv_filter_grad(x, g, window, groups)


@primitive(tensors=2)
def conv_input_grad(dy, w, window, groups=1):
    """dy (batch, *count, filters), w -> (batch, *size, channels). Also the transposed convolution."""
    return kernels.conv_input_grad(dy, w, window, groups)


@conv_input_grad.shape
def _(dy, w, window, groups=1):
    return (dy.shape[0], *window.size, w.shape[-2] * groups), dy.dtype


@conv_input_grad.gradient
def _(g, dy, w, window, groups=1):
    return lambda: conv_forward(g, w, window, groups), lambda: conv_filter_grad(g, dy, window, groups)


@primitive(tensors=2)
def conv_filter_grad(x, dy, window, groups=1):
    """x (batch, *size, channels), dy (batch, *count, filters) -> (*kernel, channels / groups, filters)."""
    return kernels.conv_filter_grad(x, dy, window, groups)


@conv_filter_grad.shape
def _(x, dy, window, groups=1):
    return (*window.kernel, x.shape[-1] // groups, dy.shape[-1]), x.dtype


@conv_filter_grad.gradient
def _(g, x, dy, window, groups=1):
    return lambda: conv_input_grad(dy, g, window, groups), lambda: conv_forward(x, g, window, groups)
