"""Activation functions with kernels of their own: forward, gradient, and the slope of the gradient.

Each gradient is one kernel (`relu_grad`, ...) and a primitive itself, so that it can be differentiated again: it is linear in
g, and its derivative with respect to what it was computed from is g times `curvature`, a composition.
"""

from __future__ import annotations

import math

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels.elementwise import elementwise


def _named(function, name):
    function.__name__ = function.__qualname__ = name
    return function


def _from_output(name, curvature):
    """An activation whose gradient is a function of g and its output y. Attributes (alpha, ...) follow the tensor."""
    forward = primitive(1)(_named(lambda x, *attributes: elementwise(name, x, *attributes), name))
    backward = primitive(2)(_named(lambda g, y, *attributes: elementwise(f"{name}_grad", g, y, *attributes), f"{name}_grad"))

    @forward.gradient
    def _(g, y, x, *attributes):
        return (backward(g, y, *attributes),)

    _differentiate(backward, curvature)
    return forward


def _from_input(name, curvature):
    """An activation whose gradient is a function of g and its input x."""
    forward = primitive(1)(_named(lambda x, *attributes: elementwise(name, x, *attributes), name))
    backward = primitive(2)(_named(lambda g, x, *attributes: elementwise(f"{name}_grad", g, x, *attributes), f"{name}_grad"))

    @forward.gradient
    def _(g, x, *attributes):
        return (backward(g, x, *attributes),)

    _differentiate(backward, curvature)
    return forward


def _differentiate(backward, curvature):
    @backward.gradient
    def _(h, g, z, *attributes):
        return (
            lambda: backward(h, z, *attributes),
            None if curvature is None else lambda: h * g * curvature(z, *attributes),
        )


def _sigmoid_terms(x):
    """sigmoid and its first two derivatives."""
    s = sigmoid(x)
    first = s * (1 - s)
    return s, first, first * (1 - 2 * s)


def _silu_curvature(x):
    _, first, second = _sigmoid_terms(x)
    return 2 * first + x * second


def _gelu_curvature(x):
    # (x Phi)'' = 2 phi + x phi' = (2 - x^2) phi
    return (2 - x * x) * ops.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


_GELU_1, _GELU_3 = 2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715


def _gelu_tanh_curvature(x):
    # x sigmoid(v), v = c1 x + c3 x^3
    x = ops.clip(x, -40.0, 40.0)
    slope = _GELU_1 + 3 * _GELU_3 * x * x
    _, first, second = _sigmoid_terms(_GELU_1 * x + _GELU_3 * x * x * x)
    return 2 * first * slope + x * (second * slope * slope + first * (6 * _GELU_3) * x)


def _softplus_curvature(x):
    return _sigmoid_terms(x)[1]


def _where_negative(z, value):
    return ops.where(z > 0, ops.zeros_like(z), ops.full_like(z, value) if isinstance(value, (int, float, np.number)) else value)


relu = _from_output("relu", None)
sigmoid = _from_output("sigmoid", lambda y: 1 - 2 * y)
selu = _from_output("selu", lambda y: _where_negative(y, 1.0))
elu = _from_output("elu", lambda y, alpha: _where_negative(y, 1.0))
relu6 = _from_input("relu6", None)
leaky_relu = _from_input("leaky_relu", None)
hard_sigmoid = _from_input("hard_sigmoid", None)
silu = _from_input("silu", _silu_curvature)
gelu = _from_input("gelu", _gelu_curvature)
gelu_tanh = _from_input("gelu_tanh", _gelu_tanh_curvature)
softplus = _from_input("softplus", _softplus_curvature)


@primitive(tensors=1)
def log_sigmoid(x):
    """log(sigmoid(x)) = -softplus(-x)."""
    return elementwise("log_sigmoid", x)


@log_sigmoid.gradient
def _(g, x):
    return (g * sigmoid(-x),)


@primitive(tensors=1)
def softsign(x):
    """x / (1 + |x|)."""
    return elementwise("softsign", x)


@softsign.gradient
def _(g, x):
    return (g / ops.square(1 + ops.absolute(x)),)


@primitive(tensors=2)
def sigmoid_cross_entropy(x, z):
    """-z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)), written so that large logits do not overflow."""
    return elementwise("bce_logits", x, z)


@sigmoid_cross_entropy.gradient
def _(g, x, z):
    return lambda: g * (sigmoid(x) - z), lambda: -g * x
