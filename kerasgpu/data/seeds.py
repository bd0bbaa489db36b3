"""Random numbers of data pipelines: every pass over a data set has a seed, and every element draws from it and its position.

So what a pipeline yields does not depend on how many threads prepare it, or on which of them is first.
"""

from __future__ import annotations

import random

import numpy as np

from kerasgpu.engine import state
from kerasgpu.engine.tensor import Tensor

_MASK = 2**64 - 1
_passes = random.Random()


def reset(seed: int) -> None:
    """Start the seeds of passes anew; `keras.utils.set_random_seed` calls this."""
    _passes.seed(seed)


def new_pass() -> int:
    """The seed of a pass that begins now."""
    return _passes.getrandbits(64)


def mix(seed: int, k: int) -> int:
    """The k-th seed that follows from a seed: SplitMix64 (Steele et al. 2014), 64 bits in which every input bit has a say."""
    z = (seed + (k + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class _Draws:
    """Random states for the function of one element, in the order in which it asks."""

    def __init__(self, seed):
        self.seed = seed
        self.count = 0

    def next(self, generator_seed):
        self.count += 1
        h = mix(mix(self.seed, self.count), generator_seed)
        return Tensor(np.array([h & 0xFFFFFFFF, h >> 32], "uint32"))


class element_scope:
    """Inside, the function of a pipeline runs: on the CPU, without gradients, with the random numbers of its element.

    Nothing of what the calling thread was doing (a mixed precision policy's casts, shape inference) reaches it.
    """

    _KEPT = ("device", "grad_enabled", "tapes", "shape_only", "stateless_scope", "watcher", "autocast_dtype", "draws")

    def __init__(self, seed: int):
        self._inside = ("cpu:0", False, 0, 0, None, None, None, _Draws(seed))

    def __enter__(self):
        thread = state.thread
        self._before = [getattr(thread, name) for name in self._KEPT]
        for name, value in zip(self._KEPT, self._inside):
            setattr(thread, name, value)

    def __exit__(self, *exc):
        for name, value in zip(self._KEPT, self._before):
            setattr(state.thread, name, value)
