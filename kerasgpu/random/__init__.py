"""keras.random: random tensors from a seed, the same bits on every machine and device."""

from kerasgpu import missing
from kerasgpu.engine.seed_generator import SeedGenerator
from kerasgpu.random.draws import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

__getattr__ = missing.names(__name__, {})
