"""LayerNormalization (Ba et al. 2016, https://arxiv.org/abs/1607.06450)."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import ops
from kerasgpu.layers.normalization.axes import check_axes, known_size
from kerasgpu.layers.normalization.scale_center import ScaleCenter


class LayerNormalization(ScaleCenter):
    """y = gamma * (x - mean) / sqrt(var + epsilon) + beta, mean and var over `axis` of each sample.

    Args:
        axis: int or several; gamma and beta have the shape of these axes.
        epsilon, center, scale: added to var; whether beta and gamma are there.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of these.

    >>> import kerasgpu as keras
    >>> keras.layers.LayerNormalization()(keras.ops.convert_to_tensor([[1.0, 3.0]])).numpy().round(2)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
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
        rms_scaling = kwargs.pop("rms_scaling", False)
        if rms_scaling:
            warnings.warn(
                "You passed `rms_scaling=True`, which is deprecated. This argument incorrectly scales the input by the "
                "variance, not the root mean square. To correctly use RMS Normalization, please use "
                "`keras.layers.RMSNormalization` instead.",
                stacklevel=2,
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
        if not isinstance(axis, (list, tuple, int, np.integer)):
            raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")
        self.axis = axis if isinstance(axis, (int, np.integer)) else list(axis)
        self.rms_scaling = rms_scaling
        self.autocast = False

    def build(self, input_shape):
        self.axis = [self.axis] if isinstance(self.axis, (int, np.integer)) else sorted(self.axis)
        shape = tuple(known_size(self, a, input_shape) for a in self.axis)
        self._add_gamma_beta(shape, scale=self.scale or self.rms_scaling, center=self.center and not self.rms_scaling)

    def call(self, inputs):
        more = {"rms_scaling": True} if self.rms_scaling else {}
        axis = self.axis if isinstance(self.axis, (int, np.integer)) else list(self.axis)
        outputs = ops.layer_normalization(inputs, self.gamma, self.beta, axis, self.epsilon, **more)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def get_config(self):
        axis = self.axis if isinstance(self.axis, (int, np.integer)) else list(self.axis)
        return {**super().get_config(), "axis": axis, **self._common_config(), "rms_scaling": self.rms_scaling}
