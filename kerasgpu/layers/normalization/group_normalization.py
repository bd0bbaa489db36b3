"""GroupNormalization (Wu and He 2018, https://arxiv.org/abs/1803.08494)."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.normalization.axes import check_axes, known_size
from kerasgpu.layers.normalization.scale_center import ScaleCenter
from kerasgpu.ops.primitives.norm import batch_norm
from kerasgpu.ops.primitives.shapes import count


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
        if not isinstance(groups, (int, np.integer)) or (groups <= 0 and groups != -1):
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
        inputs = ops.convert_to_tensor(inputs)
        wide = dtypes.result_type(inputs.dtype, "float32")
        if inputs.dtype != self.compute_dtype or not dtypes.is_float(inputs.dtype):
            inputs = ops.cast(inputs, wide)  # 16-bit inputs for a 16-bit result stay: the kernel computes in float32
        gamma = None if self.gamma is None else ops.cast(self.gamma, wide)
        beta = None if self.beta is None else ops.cast(self.beta, wide)
        samples = shape[0] if axis > 0 else 1
        view = (samples, count(shape[1:axis]), shape[axis], count(shape[axis + 1 :]))
        outputs = batch_norm(inputs, gamma, beta, view, shape[axis] // self.groups, self.epsilon)[0]
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, **self._common_config()}
