"""Nadam."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov momentum (Dozat 2016).

        u_t = beta_1 * (1 - 0.96^t / 2);  p_t = u_1 * ... * u_t
        m, v as in Adam;  m_hat = u_{t+1} * m / (1 - p_{t+1}) + (1 - u_t) * g / (1 - p_t);  v_hat = v / (1 - beta_2^t)
        w -= learning_rate * m_hat / (sqrt(v_hat) + epsilon)

    Args:
        learning_rate: float, schedule or callable.
        beta_1, beta_2: decay of the first and second moment.
        epsilon: added to the root.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.Nadam(0.1).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.8937
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, var_list):
        if self.built:
            return
        var_list = list(var_list)
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])
        dtype = var_list[0].dtype if var_list else dtypes.floatx()
        self._u_product = Variable(1.0, dtype=dtype, trainable=False)

    # The product of the momentum schedule has one dtype, and the kernel wants that of the variables.
    _fused_takes_one_dtype = True

    def _fused(self, step):
        kernels.nadam(
            step.grads,
            step.variables,
            step.slot(self._momentums),
            step.slot(self._velocities),
            self._u_product.writable(),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            **step.common,
        )

    def _momentum_at(self, step, dtype):
        return self.beta_1 * (1.0 - 0.5 * ops.power(ops.cast(0.96, dtype), step))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        dtype = self._u_product.dtype
        self.assign(self._u_product, self._u_product * self._momentum_at(ops.cast(self.iterations + 1, dtype), dtype))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        dtype = variable.dtype
        rate = ops.cast(learning_rate, dtype)
        gradient = ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        u_now, u_next = self._momentum_at(step, dtype), self._momentum_at(step + 1, dtype)
        product = ops.cast(self._u_product, dtype)
        beta_2_power = ops.power(ops.cast(self.beta_2, dtype), step)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        m_hat = u_next * m / (1 - product * u_next) + (1 - u_now) * gradient / (1 - product)
        v_hat = v / (1 - beta_2_power)
        self.assign_sub(variable, m_hat * rate / (ops.sqrt(v_hat) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
