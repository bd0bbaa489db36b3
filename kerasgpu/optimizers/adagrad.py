"""Adagrad."""

from __future__ import annotations

from kerasgpu import initializers, ops
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all squares so far (Duchi et al. 2011).

        a += g^2;  w -= learning_rate * g / sqrt(a + epsilon)

    Args:
        learning_rate: float, schedule or callable.
        initial_accumulator_value: start of a.
        epsilon: inside the root.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Adagrad(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.9047
    """

    def __init__(
        self,
        learning_rate=0.001,
        initial_accumulator_value=0.1,
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
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(var_list, "accumulator", initializer=start)

    def _fused(self, step):
        kernels.adagrad(step.grads, step.variables, step.slot(self._accumulators), epsilon=self.epsilon, **step.common)

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(accumulator, ops.square(gradient))
        self.assign_sub(variable, rate * gradient / ops.sqrt(accumulator + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
