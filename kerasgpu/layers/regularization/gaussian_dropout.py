"""GaussianDropout (Srivastava et al. 2014): multiplicative noise."""

from __future__ import annotations

import math

from kerasgpu import random
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.regularization.dropout import check_rate


class GaussianDropout(Layer):
    """In training, y = x * N(1, rate / (1 - rate)) element by element.

    Args:
        rate: as of dropout, 0 <= rate < 1; the noise has standard deviation sqrt(rate / (1 - rate)).
        seed: integer for repeatable noise.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check_rate(rate)
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(inputs.shape, mean=1.0, stddev=stddev, dtype=self.compute_dtype, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
