"""SGD: gradient descent, with momentum."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.kernels import optimizer as kernels
from kerasgpu.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, optionally with (Nesterov) momentum.

        w -= learning_rate * g                                             without momentum
        m = momentum * m - learning_rate * g;  w += m                      with momentum (Polyak 1964)
        w += momentum * m - learning_rate * g                              with nesterov (Sutskever et al. 2013), m as above

    Args:
        learning_rate: float, schedule or callable.
        momentum: float in [0, 1].
        nesterov: whether the gradient is taken ahead.
        weight_decay, ..., name: see Optimizer.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> keras.optimizers.SGD(0.5).apply([keras.ops.ones((1,))], [w])
    >>> round(float(w[0]), 4)
    0.5
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
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
        if not isinstance(momentum, float) or momentum < 0 or momentum > 1:
            raise ValueError(f"`momentum` must be a float between [0, 1]. Received: momentum={momentum}")
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum != 0 else []

    def _fused(self, step):
        kernels.sgd(
            step.grads,
            step.variables,
            step.slot(self.momentums) if self.momentum else [],
            momentum=self.momentum,
            nesterov=self.nesterov,
            **step.common,
        )

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(gradient, variable.dtype) * ops.cast(learning_rate, variable.dtype)
        if self.momentum == 0:
            self.assign_sub(variable, step)
            return
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, m * self.momentum - step)
        self.assign_add(variable, m * self.momentum - step if self.nesterov else m)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
