"""RMSprop."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square (Tieleman & Hinton 2012).

        v = rho * v + (1 - rho) * g^2
        step = learning_rate * g / sqrt(v + epsilon)          centered: sqrt(v - mean(g)^2 + epsilon), mean(g) running too
        w -= step                                             with momentum: m = momentum * m + step;  w -= m

    Args:
        learning_rate: float, schedule or callable.
        rho: decay of the running averages.
        momentum: float.
        epsilon: inside the root.
        centered: whether the variance takes the place of the mean square.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.RMSprop(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.6838
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
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
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        self._velocities = self.add_optimizer_variables(var_list, "velocity")
        self._momentums = self.add_optimizer_variables(var_list, "momentum") if self.momentum > 0 else []
        self._average_gradients = self.add_optimizer_variables(var_list, "average_gradient") if self.centered else []

    def _fused(self, step):
        kernels.rmsprop(
            step.grads,
            step.variables,
            step.slot(self._velocities),
            rho=self.rho,
            momentum=self.momentum,
            epsilon=self.epsilon,
            centered=self.centered,
            momentums=step.slot(self._momentums) if self.momentum > 0 else (),
            average_gradients=step.slot(self._average_gradients) if self.centered else (),
            **step.common,
        )

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        velocity = self._velocities[index]
        self.assign(velocity, self.rho * velocity + (1 - self.rho) * ops.square(gradient))
        denominator = velocity + self.epsilon
        if self.centered:
            average = self._average_gradients[index]
            self.assign(average, self.rho * average + (1 - self.rho) * gradient)
            denominator = velocity - ops.square(average) + self.epsilon
        step = rate * gradient / ops.sqrt(denominator)
        if self.momentum > 0:
            momentum = self._momentums[index]
            self.assign(momentum, self.momentum * momentum + step)
            step = momentum
        self.assign_sub(variable, step)

    def get_config(self):
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
