"""Random initializers whose spread follows from the number of connections of a unit (its fan), and Orthogonal."""

from __future__ import annotations

import math

from kerasgpu import ops, random
from kerasgpu.configs import serialization
from kerasgpu.initializers.random import RandomInitializer

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "VarianceScaling",
    "compute_fans",
]

# Standard deviation of a standard normal cut at +-2: dividing by it keeps the variance that was asked for.
_TRUNCATED_STDDEV = 0.87962566103423978


def compute_fans(shape, input_axes=None, output_axes=None):
    """(fan in, fan out) of a kernel: of a dense one its two dims, of a convolution those times the size of the window."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    window = math.prod(shape[:-2])
    return int(shape[-2] * window), int(shape[-1] * window)


class VarianceScaling(RandomInitializer):
    """Values of variance scale / n, n being a fan of the shape.

    Args:
        scale: positive number.
        mode: "fan_in", "fan_out" or "fan_avg", their mean.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: int, SeedGenerator or None.
        input_axes, output_axes: the axes that count as inputs and outputs, if not the last two.
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None, output_axes=None):
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        modes = {"fan_in", "fan_out", "fan_avg"}
        if mode not in modes:
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of {modes}")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        distributions = {"uniform", "truncated_normal", "untruncated_normal"}
        if distribution not in distributions:
            raise ValueError(f"Invalid `distribution` argument: {distribution}. Please use one of {distributions}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape, dtype=None):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, self.seed)
        return random.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype, self.seed)

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _FixedScaling(VarianceScaling):
    """A VarianceScaling whose scale, mode and distribution are given by its class."""

    _scale, _mode, _distribution = 1.0, "fan_in", "truncated_normal"

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(self._scale, self._mode, self._distribution, seed, input_axes, output_axes)

    def get_config(self):
        return {
            "seed": serialization.serialize_keras_object(self._init_seed),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class GlorotUniform(_FixedScaling):
    """Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010). The default of Dense and convolutions.

    >>> import kerasgpu as keras
    >>> w = keras.initializers.GlorotUniform(seed=1)((3, 3))
    >>> bool(keras.ops.all(keras.ops.abs(w) <= 1.0))
    True
    """

    _mode, _distribution = "fan_avg", "uniform"


class GlorotNormal(_FixedScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    _mode = "fan_avg"


class LecunNormal(_FixedScaling):
    """Truncated normal of variance 1 / fan_in (LeCun et al. 1998); the one for selu."""


class LecunUniform(_FixedScaling):
    """Uniform in +-sqrt(3 / fan_in) (LeCun et al. 1998)."""

    _distribution = "uniform"


class HeNormal(_FixedScaling):
    """Truncated normal of variance 2 / fan_in (He et al. 2015); the one for relu."""

    _scale = 2.0


class HeUniform(_FixedScaling):
    """Uniform in +-sqrt(6 / fan_in) (He et al. 2015)."""

    _scale, _distribution = 2.0, "uniform"


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns, times `gain` (Saxe et al. 2013); dims before the last count as rows.

    It is the Q of a QR factorization of normal numbers, with the signs that make the diagonal of R positive.
    """

    def __init__(self, gain=1.0, seed=None):
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape, dtype=None):
        if len(shape) < 2:
            raise ValueError(
                f"The tensor to initialize must be at least two-dimensional. Received: shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        a = random.normal((max(rows, columns), min(rows, columns)), dtype="float64", seed=self.seed)
        q, r = ops.linalg.qr(a)
        q = q * ops.where(ops.diagonal(r) < 0, -1.0, 1.0)
        if rows < columns:
            q = ops.transpose(q)
        return ops.cast(ops.reshape(q, tuple(shape)) * self.gain, dtype)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}
