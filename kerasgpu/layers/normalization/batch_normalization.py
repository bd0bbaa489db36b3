"""BatchNormalization (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167)."""

from __future__ import annotations

from kerasgpu import config, initializers, ops
from kerasgpu.engine import dtypes
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.normalization.axes import check_axes, known_size
from kerasgpu.layers.normalization.renorm import Renorm, check_clipping
from kerasgpu.layers.normalization.scale_center import ScaleCenter
from kerasgpu.ops.primitives.norm import batch_norm, batch_norm_apply, moving_averages
from kerasgpu.ops.primitives.shapes import count


class BatchNormalization(Renorm, ScaleCenter):
    """y = gamma * (x - mean) / sqrt(var + epsilon) + beta, for each channel.

    In training, mean and var are those of the batch, and moving averages of them are kept:
    moving = momentum * moving + (1 - momentum) * batch. In inference, and when `trainable` is False, the moving averages
    are used.

    Args:
        axis: the channel axis.
        momentum, epsilon: see above.
        center, scale: whether beta and gamma are there.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: initial values.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of beta and gamma.
        renorm: batch renormalization (Ioffe 2017, https://arxiv.org/abs/1702.03275), for small batches.
        renorm_clipping: dict with limits "rmax", "rmin", "dmax" of its corrections.
        renorm_momentum: momentum of the averages that it uses.
        synchronized: whether replicas share their statistics; there is one replica here.

    Call arguments:
        inputs: (batch, ..., channels).
        training: whether to use the statistics of this batch.
        mask: bool, the shape of inputs without the last axis; positions that count for the statistics.
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(
            epsilon=float(epsilon),
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
        self.synchronized = synchronized
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = check_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.moving_mean = None
        self.moving_variance = None

    def build(self, input_shape):
        shape = (known_size(self, self.axis, input_shape),)
        self._add_gamma_beta(shape)
        self.moving_mean = self._add_statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._add_statistic("moving_variance", shape, self.moving_variance_initializer)
        if self.renorm:
            self._build_renorm(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def _add_statistic(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False, autocast=False)

    def compute_output_shape(self, input_shape):
        return check_axes(self, self.axis, input_shape)

    def call(self, inputs, training=None, mask=None):
        if mask is not None and mask.ndim != inputs.ndim - 1:
            raise ValueError(
                f"The mask provided should be one dimension less than the inputs. Received: mask.shape={mask.shape}, "
                f"inputs.shape={inputs.shape}"
            )
        inputs = ops.convert_to_tensor(inputs)
        wide = dtypes.result_type(inputs.dtype, "float32")
        gamma = None if self.gamma is None else ops.cast(self.gamma, wide)
        beta = None if self.beta is None else ops.cast(self.beta, wide)
        if not (training and self.trainable):
            return self._scaled(inputs, self.moving_mean, self.moving_variance, gamma, beta, wide)
        if mask is None and not self.renorm:
            if not dtypes.is_float(inputs.dtype):
                inputs = ops.cast(inputs, wide)
            axis = self.axis % inputs.ndim
            view = (1, count(inputs.shape[:axis]), inputs.shape[axis], count(inputs.shape[axis + 1 :]))
            outputs, mean, variance, _ = batch_norm(inputs, gamma, beta, view, 1, self.epsilon)
            self._update_moving(mean, variance)
            return ops.cast(outputs, self.compute_dtype)
        mean, variance = self._moments(ops.cast(inputs, wide), mask)
        if self.renorm:
            gamma, beta = self._renorm_transforms(mean, variance, gamma, beta)
            self._update_renorm_statistics(mean, variance)
        else:
            self._update_moving(mean, variance)
        return self._scaled(inputs, mean, variance, gamma, beta, wide)

    def _scaled(self, inputs, mean, variance, gamma, beta, wide):
        if inputs.dtype != self.compute_dtype or not dtypes.is_float(inputs.dtype):
            inputs = ops.cast(inputs, wide)
        mean, variance = ops.cast(mean, wide), ops.cast(variance, wide)
        if inputs.dtype == wide:
            outputs = ops.batch_normalization(inputs, mean, variance, self.axis, beta, gamma, self.epsilon)
        else:  # 16-bit inputs: computed in float32, rounded once
            axis = self.axis % inputs.ndim
            view = (count(inputs.shape[:axis]), inputs.shape[axis], count(inputs.shape[axis + 1 :]))
            outputs = batch_norm_apply(inputs, mean, variance, gamma, beta, view, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def _moments(self, inputs, mask):
        axes = [k for k in range(inputs.ndim) if k != self.axis % inputs.ndim]
        if mask is None:
            return ops.moments(inputs, axes=axes)
        counts = ops.cast(ops.broadcast_to(ops.expand_dims(mask, axis=-1), inputs.shape), "bool")
        total = ops.sum(ops.cast(counts, inputs.dtype), axis=axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(counts, inputs, 0), axis=axes, keepdims=True) / total
        variance = ops.sum(ops.square(ops.where(counts, inputs - mean, 0)), axis=axes, keepdims=True) / total
        size = (inputs.shape[self.axis],)
        return ops.reshape(mean, size), ops.reshape(variance, size)

    def _update_moving(self, mean, variance):
        old = (ops.cast(v, mean.dtype) for v in (self.moving_mean, self.moving_variance))
        new = moving_averages(*old, mean, variance, self.momentum)
        self.moving_mean.assign(new[0])
        self.moving_variance.assign(new[1])

    @staticmethod
    def _update_average(variable, value, momentum):
        old = ops.cast(variable, value.dtype)
        variable.assign(ops.stop_gradient(old * momentum + value * (1.0 - momentum)))

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            **self._common_config(),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
