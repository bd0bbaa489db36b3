"""Random draws from a state tensor [seed, counter] (uint32). All are pure functions of the state; see kerasgpu.random."""

from __future__ import annotations

import kerasgpu.kernels.random as kernels
from kerasgpu.engine.op import primitive


def _draw(function, parameters=0):
    """function(state, shape, *attributes, dtype) as a primitive, with `parameters` float32 tensors after the state."""

    def forward(state, *rest):
        tensors, shape, attributes = rest[:parameters], rest[parameters], rest[parameters + 1 : -1]
        return function(state, shape, *tensors, *attributes, dtype=rest[-1])

    forward.__name__ = forward.__qualname__ = function.__name__
    made = primitive(tensors=1 + parameters, differentiable=False)(forward)

    @made.shape
    def _(state, *rest):
        return rest[parameters], rest[-1]

    return made


uniform = _draw(kernels.uniform)
normal = _draw(kernels.normal)
truncated_normal = _draw(kernels.truncated_normal)
bernoulli = _draw(kernels.bernoulli)
randint = _draw(kernels.randint)
gamma = _draw(kernels.gamma, 1)
binomial = _draw(kernels.binomial, 2)
beta = _draw(kernels.beta, 2)


@primitive(tensors=1, differentiable=False)
def permutation(state, n):
    """The numbers 0 .. n - 1 in random order, int64."""
    return kernels.permutation(state, n)


@permutation.shape
def _(state, n):
    return (n,), "int64"


@primitive(tensors=2)
def dropout(x, state, rate):
    """x / (1 - rate) with probability 1 - rate, else 0, element by element."""
    return kernels.dropout(x, state, rate)


@dropout.gradient
def _(g, x, state, rate):
    return dropout(g, state, rate), None  # the same state draws the same mask
