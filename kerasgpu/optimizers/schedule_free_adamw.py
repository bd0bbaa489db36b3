"""Schedule-free AdamW."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """AdamW whose averaging replaces a learning rate schedule (Defazio et al. 2024).

        z -= rate * g / (sqrt(v / (1 - beta_2^t)) + epsilon);  x = (1 - 1/t) * x + z / t;  y = (1 - beta_1) * z + beta_1 * x

    Gradients are taken at y, which is what the model's variables hold; x follows from y and z.

    Args:
        learning_rate: float, schedule or callable.
        beta_1: mixes x and z in y.
        beta_2: decay of the second moment.
        epsilon: added to the root.
        warmup_steps: steps in which the learning rate rises from 0.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.ScheduleFreeAdamW(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.9
    """

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        warmup_steps=0,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def build(self, var_list):
        if self.built:
            return
        super().build(var_list)
        # "momentum" holds z, which starts at the variable.
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])
        for momentum, variable in zip(self._momentums, var_list):
            if momentum is not None:
                momentum.assign(variable)

    def update_step(self, gradient, variable, learning_rate):
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        if self.warmup_steps > 0:
            rate = rate * ops.minimum(step / float(self.warmup_steps), 1.0)
        index = self._get_variable_index(variable)
        z, v = self._momentums[index], self._velocities[index]
        before = z.value
        correction = 1.0 - ops.power(ops.cast(self.beta_2, dtype), step)
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        self.assign_sub(z, rate * gradient / (ops.sqrt(v / correction) + self.epsilon))
        x = (variable - (1 - self.beta_1) * before) / self.beta_1
        weight = 1.0 / step
        x = (1.0 - weight) * x + weight * z
        self.assign(variable, (1 - self.beta_1) * z + self.beta_1 * x)

    def get_config(self):
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
