"""softmax and log_softmax over one axis."""

from __future__ import annotations

import kerasgpu.kernels.softmax as kernels
from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive


@primitive(tensors=1)
def softmax(x, axis=-1):
    """y = exp(x - m) / sum(exp(x - m)) with m = max(x), both over `axis`."""
    return kernels.softmax(x, axis)


@softmax.gradient
def _(g, y, x, axis=-1):
    return (softmax_grad(g, y, axis),)


@primitive(tensors=2)
def softmax_grad(g, y, axis=-1):
    """y (g - sum(g y)): the gradient of softmax, y being its output."""
    return kernels.softmax_grad(y, g, axis)


@softmax_grad.gradient
def _(h, g, y, axis=-1):
    def to_y():
        inner = ops.sum(g * y, axis, keepdims=True)
        return h * (g - inner) - g * ops.sum(h * y, axis, keepdims=True)

    return lambda: softmax_grad(h, y, axis), to_y


@primitive(tensors=1)
def log_softmax(x, axis=-1):
    """y = x - m - log(sum(exp(x - m))) with m = max(x), both over `axis`."""
    return kernels.log_softmax(x, axis)


@log_softmax.gradient
def _(g, y, x, axis=-1):
    return (log_softmax_grad(g, y, axis),)


@primitive(tensors=2)
def log_softmax_grad(g, y, axis=-1):
    """g - exp(y) sum(g): the gradient of log_softmax, y being its output."""
    return kernels.log_softmax_grad(y, g, axis)


@log_softmax_grad.gradient
def _(h, g, y, axis=-1):
    def to_g():
        return h - ops.sum(h * ops.exp(y), axis, keepdims=True)

    return to_g, lambda: -h * ops.exp(y) * ops.sum(g, axis, keepdims=True)
