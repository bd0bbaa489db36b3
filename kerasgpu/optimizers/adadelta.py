"""Adadelta."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps scaled by the ratio of two running root mean squares, of steps and of gradients (Zeiler 2012).

        a = rho * a + (1 - rho) * g^2;  step = -sqrt(d + epsilon) / sqrt(a + epsilon) * g
        d = rho * d + (1 - rho) * step^2;  w += learning_rate * step

    Args:
        learning_rate: float, schedule or callable; the paper has 1.0.
        rho: decay of the running averages.
        epsilon: inside the roots.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Adadelta(1.0).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.9986
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
        epsilon=1e-7,
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
        self.rho = rho
        self.epsilon = epsilon

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            var_list, ["accumulated_grad", "accumulated_delta_var"]
        )

    def _fused(self, step):
        kernels.adadelta(
            step.grads,
            step.variables,
            step.slot(self._accumulated_grads),
            step.slot(self._accumulated_delta_vars),
            rho=self.rho,
            epsilon=self.epsilon,
            **step.common,
        )

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        a, d = self._accumulated_grads[index], self._accumulated_delta_vars[index]
        self.assign(a, self.rho * a + (1 - self.rho) * ops.square(gradient))
        step = -(ops.sqrt(d + self.epsilon) * gradient / ops.sqrt(a + self.epsilon))
        self.assign(d, self.rho * d + (1 - self.rho) * ops.square(step))
        self.assign_add(variable, rate * step)

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
