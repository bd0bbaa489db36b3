"""One seed for everything random."""

from __future__ import annotations

from kerasgpu.data import seeds
from kerasgpu.engine.seed_generator import set_global_seed


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy, and kerasgpu: initial weights, dropout masks, the order of samples
    and data pipelines are then the same every run.

    >>> import kerasgpu as keras
    >>> keras.utils.set_random_seed(1)
    """
    import random

    import numpy as np

    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ValueError(f"Expected `seed` argument to be an integer. Received: seed={seed} (of type {type(seed)})")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    set_global_seed(seed)
    seeds.reset(seed)
