"""AlphaDropout (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515): dropout that keeps mean and variance under SELU."""

from __future__ import annotations

from kerasgpu import ops, random
from kerasgpu.layers.regularization.dropout import Dropout

# The fixed point of SELU: alpha' = -scale * alpha.
_ALPHA_P = -1.6732632423543772 * 1.0507009873554805


class AlphaDropout(Dropout):
    """In training, set elements to alpha' (SELU's limit at minus infinity) with probability `rate`, then rescale by a x + b.

    a = ((1 - rate) (1 + rate alpha'^2))^(-1/2) and b = -a alpha' rate keep the mean and variance of standard normal inputs.

    Args:
        rate, noise_shape, seed: see Dropout.
    """

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        shape = self._noise_shape_for(inputs) or inputs.shape
        kept = ops.cast(ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate), inputs.dtype)
        a = ((1 - self.rate) * (1 + self.rate * _ALPHA_P**2)) ** -0.5 if self.rate < 1 else 0.0
        b = -a * _ALPHA_P * self.rate
        return a * (inputs * kept + _ALPHA_P * (1 - kept)) + b
