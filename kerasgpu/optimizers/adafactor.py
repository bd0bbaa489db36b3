"""Adafactor."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.optimizers.optimizer import Optimizer


class Adafactor(Optimizer):
    """Adaptive steps with second moments kept as row and column means (Shazeer & Stern 2018).

    Args:
        learning_rate: float, schedule or callable.
        beta_2_decay: exponent of the decay 1 - t^beta_2_decay.
        epsilon_1: added to squared gradients.
        epsilon_2: smallest scale of a variable.
        clip_threshold: limit of the root mean square of a step.
        relative_step: whether a float learning rate is at most 1 / sqrt(t).
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Adafactor(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.9
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self._r, self._c, self._v = [], [], []
        for variable in var_list:
            self._add_moments(variable)

    def _add_moments(self, variable):
        if self._overwrite_variable_with_gradient(variable):
            for held in (self._r, self._c, self._v):
                held.append(None)
            return
        shape, dtype, name = tuple(variable.shape), variable.dtype, variable.name
        if len(shape) < 2:
            # Vectors have no rows and columns; Keras keeps two scalars in their place, and files hold them.
            shapes = (), ()
            dtype = "int32"
        else:
            shapes = shape[:-1], (*shape[:-2], shape[-1])
        self._r.append(self.add_variable(shape=shapes[0], dtype=dtype, name=name))
        self._c.append(self.add_variable(shape=shapes[1], dtype=dtype, name=name))
        self._v.append(self.add_variable_from_reference(variable, name="velocity"))

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        if self.relative_step and not callable(self._learning_rate):
            rate = ops.minimum(rate, 1.0 / ops.sqrt(step))
        index = self._get_variable_index(variable)
        r, c, v = self._r[index], self._c[index], self._v[index]
        alpha = ops.maximum(self._rms(variable), self.epsilon_2) * ops.minimum(rate, 1.0 / ops.sqrt(step))
        squares = ops.square(gradient) + self.epsilon_1
        decay = 1.0 - ops.power(step, self.beta_2_decay)
        if len(variable.shape) >= 2:
            self.assign(r, decay * r + (1.0 - decay) * ops.mean(squares, axis=-1))
            self.assign(c, decay * c + (1.0 - decay) * ops.mean(squares, axis=-2))
            rows = r / ops.mean(r, axis=-1, keepdims=True)
            self.assign(v, ops.expand_dims(rows, axis=-1) * ops.expand_dims(c, axis=-2))
        else:
            self.assign(v, decay * v + (1.0 - decay) * squares)
        update = gradient / ops.sqrt(v)
        update = update / ops.maximum(self._rms(update) / self.clip_threshold, 1.0)
        self.assign_sub(variable, alpha * update)

    @staticmethod
    def _rms(x):
        return ops.sqrt(ops.mean(ops.square(x)))

    def get_config(self):
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
