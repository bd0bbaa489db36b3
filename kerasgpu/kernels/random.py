"""Random kernels: every draw is a pure function of (state, stream, element number), the same on every device and thread count.

`state` is a uint32 array [seed, counter], the state of a keras.random.SeedGenerator. It is read, not advanced: draw, then
`advance_seed(state)`. Two draws that should differ need different states or different `stream` numbers.
The generator is Philox4x32-10 (csrc/common/philox.h). Floats carry 24 random bits and are rounded to `dtype`.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.movement import full
from kerasgpu.kernels.spec import parameters

_BITS, _UNIFORM, _NORMAL, _TRUNCATED, _BERNOULLI, _RANDINT, _GAMMA, _POISSON, _BINOMIAL, _BETA = range(10)


@parameters("random")
class RandomSpec(NamedTuple):
    """See csrc/cpu/random.cpp. low, high: the range of integers; a, b: the two numbers of the distribution."""

    kind: int
    count: int  # type: ignore[assignment]
    stream: int
    low: int = 0
    high: int = 0
    a: float = 0.0
    b: float = 0.0


@parameters("advance_seed")
class AdvanceSeedSpec(NamedTuple):
    """Whether to take Keras's unordered step."""

    unordered: bool


@parameters("dropout")
class DropoutSpec(NamedTuple):
    """See csrc/cpu/random.cpp."""

    count: int  # type: ignore[assignment]
    stream: int
    rate: float


@parameters("permutation")
class PermutationSpec(NamedTuple):
    """See csrc/cpu/random_permutation.cpp."""

    n: int
    stream: int


def _draw(state, shape, dtype, kind, stream, low=0, high=0, a=0.0, b=0.0, arrays=()):
    shape = tuple(shape)
    y = empty(shape, dtype, state)
    launch("random", (state, *arrays), (y,), RandomSpec(kind, prod(shape), stream, low, high, a, b))
    return y


def advance_seed(state, saved=None, ordered: bool = True):
    """Move `state` to the next draw in place: counter += 1, or Keras's unordered step when `ordered` is False.

    saved: uint32 (2,) that receives the state before, or None.
    """
    launch("advance_seed", (state,), (state,) if saved is None else (state, saved), AdvanceSeedSpec(not ordered))
    return state


def bits(state, shape, stream: int = 0):
    """uint32 words, all 32 bits random."""
    return _draw(state, shape, "uint32", _BITS, stream)


def uniform(state, shape, minval=0.0, maxval=1.0, dtype="float32", stream: int = 0):
    """Uniform floats in [minval, maxval); maxval itself never occurs.

    >>> uniform(np.array([1, 0], "uint32"), (2, 3)).shape
    (2, 3)
    """
    return _draw(state, shape, dtype, _UNIFORM, stream, a=float(minval), b=float(maxval))


def normal(state, shape, mean=0.0, stddev=1.0, dtype="float32", stream: int = 0):
    """Normal floats (Box and Muller, 1958)."""
    return _draw(state, shape, dtype, _NORMAL, stream, a=float(mean), b=float(stddev))


def truncated_normal(state, shape, mean=0.0, stddev=1.0, dtype="float32", stream: int = 0):
    """Normal floats, given that they lie within two standard deviations of the mean."""
    return _draw(state, shape, dtype, _TRUNCATED, stream, a=float(mean), b=float(stddev))


def bernoulli(state, shape, probability, dtype="bool", stream: int = 0):
    """1 (or True) with `probability`, else 0."""
    probability = float(probability)
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"bernoulli: probability must be in [0, 1]. Received: {probability}")
    return _draw(state, shape, dtype, _BERNOULLI, stream, a=probability)


def randint(state, shape, minval: int, maxval: int, dtype="int32", stream: int = 0):
    """Integers in [minval, maxval), each equally likely."""
    minval, maxval = int(minval), int(maxval)
    info = np.iinfo(dtype)
    if not info.min <= minval < maxval <= info.max + 1 or maxval >= 1 << 63:
        raise ValueError(
            f"randint: need {info.min} <= minval < maxval <= {info.max + 1} for {dtype}. Received: {minval}, {maxval}"
        )
    return _draw(state, shape, dtype, _RANDINT, stream, minval, maxval)


def _parameter(name, value, shape, like):
    """A distribution's parameter as float32: one number for all elements, or an array of `shape`."""
    if isinstance(value, (int, float, np.number)):
        return full((1,), float(value), "float32", like)
    if value.size != 1 and value.shape != tuple(shape):
        raise ValueError(f"{name}: a parameter has shape {value.shape}, the result {tuple(shape)}; broadcast it first")
    if value.dtype != "float32":
        raise ValueError(f"{name}: parameter arrays must be float32. Received: {value.dtype}")
    return value


def gamma(state, shape, alpha, dtype="float32", stream: int = 0):
    """Gamma variates of shape `alpha` (a number, or a float32 array of `shape`) and scale 1. alpha < 0 gives NaN."""
    return _draw(state, shape, dtype, _GAMMA, stream, arrays=(_parameter("gamma", alpha, shape, state),))


def poisson(state, shape, rate, dtype="float32", stream: int = 0):
    """Poisson counts with mean `rate` (a number, or a float32 array of `shape`)."""
    return _draw(state, shape, dtype, _POISSON, stream, arrays=(_parameter("poisson", rate, shape, state),))


def binomial(state, shape, counts, probabilities, dtype="float32", stream: int = 0):
    """Successes in `counts` trials of `probabilities` (numbers, or float32 arrays of `shape`)."""
    arrays = (_parameter("binomial", counts, shape, state), _parameter("binomial", probabilities, shape, state))
    return _draw(state, shape, dtype, _BINOMIAL, stream, arrays=arrays)


def beta(state, shape, alpha, beta, dtype="float32", stream: int = 0):
    """Beta variates (parameters: numbers, or float32 arrays of `shape`)."""
    arrays = (_parameter("beta", alpha, shape, state), _parameter("beta", beta, shape, state))
    return _draw(state, shape, dtype, _BETA, stream, arrays=arrays)


def dropout(x, state, rate, stream: int = 0):
    """x / (1 - rate) where a mask of probability 1 - rate is 1, else 0. The gradient is the same call on g with the same state.

    Args:
        x: float16, bfloat16, float32 or float64, any shape.
        rate: in [0, 1].

    >>> float(dropout(np.ones(4, "float32"), np.array([1, 0], "uint32"), 0.0).sum())
    4.0
    """
    rate = float(rate)
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"dropout: rate must be in [0, 1]. Received: rate={rate}")
    y = empty(x.shape, x.dtype, x)
    launch("dropout", (x, state), (y,), DropoutSpec(x.size, stream, rate))
    return y


def permutation(state, n: int, stream: int = 0):
    """The numbers 0 .. n - 1 (int64) in random order: the stable order of n random 32-bit keys."""
    y = empty((n,), "int64", state)
    launch("permutation", (state,), (y,), PermutationSpec(n, stream))
    return y
