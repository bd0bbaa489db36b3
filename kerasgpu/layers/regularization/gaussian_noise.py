"""GaussianNoise: additive noise in training."""

from __future__ import annotations

from kerasgpu import random
from kerasgpu.layers.layer import Layer


class GaussianNoise(Layer):
    """In training, y = x + N(0, stddev^2) element by element.

    Args:
        stddev: standard deviation of the noise, 0 <= stddev <= 1.
        seed: integer for repeatable noise.
    """

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= stddev <= 1:
            raise ValueError(
                "Invalid value received for argument `stddev`. Expected a float value between 0 and 1. Received: "
                f"stddev={stddev}"
            )
        self.stddev = stddev
        self.seed = seed
        if stddev > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs, training=False):
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
