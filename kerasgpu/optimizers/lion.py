"""Lion."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """Steps of one size in the direction of a sign (Chen et al. 2023); smaller learning rates than Adam's.

        w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g);  m = beta_2 * m + (1 - beta_2) * g

    Args:
        learning_rate: float, schedule or callable.
        beta_1: in (0, 1]: how the momentum and the gradient mix in a step.
        beta_2: decay of the momentum.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Lion(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.9
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
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
        if beta_1 <= 0 or beta_1 > 1:
            raise ValueError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer degenerates to SignSGD. Received: "
                f"beta_1={beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self._momentums = self.add_optimizer_variables(var_list, "momentum")

    def _fused(self, step):
        kernels.lion(
            step.grads, step.variables, step.slot(self._momentums), beta_1=self.beta_1, beta_2=self.beta_2, **step.common
        )

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        m = self._momentums[self._get_variable_index(variable)]
        self.assign_sub(variable, rate * ops.sign(m * self.beta_1 + gradient * (1.0 - self.beta_1)))
        self.assign(m, m * self.beta_2 + gradient * (1.0 - self.beta_2))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
