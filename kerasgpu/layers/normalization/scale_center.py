"""The weights gamma and beta that normalization layers share."""

from __future__ import annotations

from kerasgpu.layers.arguments import add_weight_named, serialize_weight_arguments, set_weight_arguments
from kerasgpu.layers.layer import Layer


class ScaleCenter(Layer):
    """Base of normalization layers with y = gamma * x_normalized + beta.

    Args:
        epsilon: added to the variance.
        center, scale: whether beta and gamma are there.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of these.
    """

    def __init__(
        self,
        *,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.epsilon = float(epsilon) if isinstance(epsilon, (int, str)) else epsilon
        self.center = center
        self.scale = scale
        set_weight_arguments(
            self,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.gamma = None
        self.beta = None
        self.supports_masking = True

    def _add_gamma_beta(self, shape, scale=None, center=None):
        # Read in their own dtype: statistics of 16-bit inputs are float32 too.
        if self.scale if scale is None else scale:
            self.gamma = add_weight_named(self, "gamma", shape, autocast=False)
        if self.center if center is None else center:
            self.beta = add_weight_named(self, "beta", shape, autocast=False)

    def _common_config(self):
        return {
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **serialize_weight_arguments(self, "beta", "gamma"),
        }
