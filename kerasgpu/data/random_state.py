"""All random state that a step of training, or the order of its data, may follow from, as plain data and arrays.

Layers' generators are variables, saved with the layers; here is what belongs to the process.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

from kerasgpu.data import seeds
from kerasgpu.engine import seed_generator, state


def snapshot() -> dict:
    """The state of Python's and NumPy's generators, of data sets, of `keras.random` without a seed, and of PyTorch if it is loaded."""
    made = state.get_global_attribute(seed_generator._GLOBAL)
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    torch: Any = sys.modules.get("torch")
    return {
        "python": _packed(random.getstate()),
        "data": _packed(seeds._passes.getstate()),
        "numpy": [kind, keys, position, has_gauss, gauss],
        "global": None if made is None else made.state.numpy(),
        "torch": torch.get_rng_state().numpy() if hasattr(torch, "get_rng_state") else None,
    }


def restore(found: dict) -> None:
    """Go on from a snapshot."""
    random.setstate(_unpacked(found["python"]))
    seeds._passes.setstate(_unpacked(found["data"]))
    np.random.set_state(tuple(found["numpy"]))
    if found["global"] is not None:
        seed_generator.global_seed_generator().state.assign(found["global"])
    torch: Any = sys.modules.get("torch")
    if found["torch"] is not None and hasattr(torch, "set_rng_state"):
        torch.set_rng_state(torch.from_numpy(np.array(found["torch"])))


def _packed(python_state):
    version, numbers, gauss = python_state
    return [version, np.array(numbers, "uint32"), gauss]


def _unpacked(packed):
    version, numbers, gauss = packed
    return version, tuple(int(n) for n in numbers), gauss
