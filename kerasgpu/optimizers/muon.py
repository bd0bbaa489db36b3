"""Muon."""

from __future__ import annotations

import math
import re

from kerasgpu import ops
from kerasgpu.optimizers.optimizer import Optimizer


class Muon(Optimizer):
    """Momentum whose matrix is made orthogonal by Newton-Schulz iterations (Jordan et al. 2024); AdamW for all but matrices.

        m = momentum * m + g;  u = newton_schulz(nesterov: g + momentum * m, else m)
        w -= learning_rate * u * sqrt(max(shape)) * rms_rate

    Args:
        learning_rate: float, schedule or callable.
        adam_beta_1, adam_beta_2, adam_weight_decay, epsilon: for the variables that AdamW updates.
        weight_decay, ..., name: see Optimizer.
        exclude_layers: list of regular expressions; variables whose path matches one use AdamW.
        exclude_embeddings: whether variables with "embedding" in their path use AdamW.
        muon_a, muon_b, muon_c: coefficients of the iteration.
        adam_lr_ratio: learning rate of AdamW over that of Muon.
        momentum: decay of the momentum.
        ns_steps: number of iterations.
        nesterov: whether the gradient is taken ahead.
        rms_rate: see above; None: steps are not scaled.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Muon(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.8996
    """

    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.775,
        muon_c=2.0315,
        adam_lr_ratio=1,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self.momentums = [None] * len(var_list)
        self.adam_velocities = [None] * len(var_list)
        for index, variable in enumerate(var_list):
            if self._overwrite_variable_with_gradient(variable):
                continue
            self.momentums[index] = self.add_variable_from_reference(variable, name="momentum")
            if self._should_use_adamw(variable):
                self.adam_velocities[index] = self.add_variable_from_reference(variable, name="velocity")

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        m, v = self.momentums[index], self.adam_velocities[index]
        if v is None:
            self._muon_update_step(gradient, variable, rate, m)
        else:
            self._adamw_update_step(gradient, variable, rate * self.adam_lr_ratio, m, v)

    def _muon_update_step(self, gradient, variable, rate, m):
        self.assign_add(m, gradient + m * (self.momentum - 1))
        ahead = gradient + self.momentum * m if self.nesterov else m
        update = self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
        self.assign_sub(variable, self.lr_adjust(rate * update))

    def _adamw_update_step(self, gradient, variable, rate, m, v):
        step = ops.cast(self.iterations + 1, variable.dtype)
        beta_1_power = ops.power(ops.cast(self.adam_beta_1, variable.dtype), step)
        beta_2_power = ops.power(ops.cast(self.adam_beta_2, variable.dtype), step)
        alpha = rate * ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        self.assign_add(m, (gradient - m) * (1 - self.adam_beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.adam_beta_2))
        self.assign_sub(variable, m * alpha / (ops.sqrt(v) + self.epsilon))

    def lr_adjust(self, x):
        """A step scaled so that its root mean square is about rms_rate, as Adam's is."""
        if self.rms_rate is None:
            return x
        return x * (math.sqrt(max(x.shape[0], x.shape[1])) * self.rms_rate)

    def transpose_last_axis(self, x):
        return ops.swapaxes(x, -1, -2)

    def zeropower_via_newtonschulz5(self, x, steps):
        """About U V^T for x = U S V^T, by `steps` iterations of X <- a X + (b A + c A A) X, A = X X^T.

        Args: x: shape `(..., rows, columns)`; steps: int. ValueError for rank below 2.
        """
        x = ops.convert_to_tensor(x)
        shape = x.shape
        if len(shape) < 2:
            raise ValueError(f"Expected gradient or momentum to have at least 2 dimensions. Received: shape={shape}")
        tall = shape[-2] > shape[-1]
        if tall:
            x = self.transpose_last_axis(x)
        x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            a = ops.matmul(x, self.transpose_last_axis(x))
            x = self.muon_a * x + ops.matmul(self.muon_b * a + self.muon_c * ops.matmul(a, a), x)
        return self.transpose_last_axis(x) if tall else x

    def _apply_weight_decay(self, variables):
        learning_rate = self._current_rate()
        for variable in variables:
            decay = self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay
            if decay is not None and self._use_weight_decay(variable):
                self._decay(variable, decay, learning_rate)

    def get_config(self):
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "adam_weight_decay": self.adam_weight_decay,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "exclude_embeddings": self.exclude_embeddings,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }
