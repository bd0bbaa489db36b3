"""Dropout (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html)."""

from __future__ import annotations

import numpy as np

from kerasgpu import random
from kerasgpu.layers.layer import Layer


def check_rate(rate, highest=1):
    if not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= highest:
        raise ValueError(
            f"Invalid value received for argument `rate`. Expected a float value between 0 and 1. Received: rate={rate}"
        )
    return rate


class Dropout(Layer):
    """In training, set each element to 0 with probability `rate` and divide the others by 1 - rate; in inference, do nothing.

    Args:
        rate: fraction to drop, 0 <= rate <= 1.
        noise_shape: shape of the mask, broadcast to the input; None in it takes the input's size. For example (None, 1,
            None) drops
            the same features in all time steps.
        seed: integer for repeatable masks.

    >>> import kerasgpu as keras
    >>> keras.layers.Dropout(0.5)(keras.ops.ones((2, 3))).numpy().sum()
    np.float32(6.0)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check_rate(rate)
        self.seed = seed
        self.noise_shape = self._check_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    @staticmethod
    def _check_noise_shape(noise_shape):
        if noise_shape is None:
            return None
        start = "Invalid value received for argument `noise_shape`. "
        if isinstance(noise_shape, str):
            raise ValueError(f"{start}Expected a tuple or list of integers. Received: noise_shape={noise_shape}")
        try:
            noise_shape = tuple(noise_shape)
        except TypeError:
            raise ValueError(
                f"{start}Expected an iterable of integers (e.g., a tuple or list). Received: noise_shape={noise_shape}"
            ) from None
        for i, d in enumerate(noise_shape):
            if d is not None and not isinstance(d, (int, np.integer)):
                raise ValueError(
                    f"{start}Expected all elements to be integers or None. Received element at index {i}: {d} (type: "
                    f"{type(d).__name__})"
                )
            if d is not None and d <= 0:
                raise ValueError(
                    f"{start}Expected all dimensions to be positive integers or None. Received negative or zero value "
                    f"at index {i}: {d}"
                )
        return noise_shape

    def _noise_shape_for(self, inputs):
        if self.noise_shape is None:
            return None
        return tuple(inputs.shape[i] if d is None else d for i, d in enumerate(self.noise_shape))

    def call(self, inputs, training=False):
        if training and self.rate > 0:
            return random.dropout(inputs, self.rate, noise_shape=self._noise_shape_for(inputs), seed=self.seed_generator)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
