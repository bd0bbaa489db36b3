"""GroupNormalization (Wu and He 2018, https://arxiv.org/abs/1803.08494)."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.normalization.axes import check_axes, known_size
from kerasgpu.layers.normalization.scale_center import ScaleCenter


class GroupNormalization(ScaleCenter):
    """y = gamma * (x - mean) / sqrt(var + epsilon) + beta, mean and var of each sample over groups of channels and all
    positions.

    Args:
        groups: number of groups; divides the number of channels. -1: one group per channel (instance normalization).
        axis: the channel axis.
        epsilon, center, scale: added to var; whether beta and gamma (one number per channel) are there.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of these.
    """

    def __init__(
        self,
        groups=32,
        axis=-1,
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
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                "Received an invalid value for argument `groups`, expected a positive integer (or `-1` for instance "
                f"normalization). Received: groups={groups}"
            )
        super().__init__(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        self.autocast = False
        self.groups = groups
        self.axis = axis

    def build(self, input_shape):
        size = known_size(self, self.axis, input_shape)
        if self.groups == -1:
            self.groups = size
        if size < self.groups:
            raise ValueError(f"Number of groups ({self.groups}) cannot be more than the number of channels ({size}).")
        if size % self.groups != 0:
            raise ValueError(f"Number of groups ({self.groups}) must be a multiple of the number of channels ({size}).")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self._add_gamma_beta((size,))

    def call(self, inputs):
        shape = inputs.shape
        axis = self.axis % len(shape)
        size = shape[axis]
        # (batch, ..., channels, ...) -> (batch, ..., groups, channels per group, ...)
        grouped = ops.reshape(inputs, (*shape[:axis], self.groups, size // self.groups, *shape[axis + 1 :]))
        grouped = ops.cast(grouped, dtypes.result_type(inputs.dtype, "float32"))
        over = [k for k in range(1, grouped.ndim) if k != axis]
        mean, variance = ops.moments(grouped, axes=over, keepdims=True)
        weights = [1] * grouped.ndim
        weights[axis], weights[axis + 1] = self.groups, size // self.groups
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.cast(ops.reshape(self.gamma, weights), grouped.dtype)
        out = (grouped - mean) * factor
        if self.beta is not None:
            out = out + ops.cast(ops.reshape(self.beta, weights), grouped.dtype)
        return ops.cast(ops.reshape(out, shape), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, **self._common_config()}
