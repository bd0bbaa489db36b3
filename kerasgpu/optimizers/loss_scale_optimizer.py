"""LossScaleOptimizer: dynamic loss scaling for training in float16 (Micikevicius et al. 2018)."""

from __future__ import annotations

from kerasgpu import initializers, ops
from kerasgpu.configs import serialization
from kerasgpu.engine import naming
from kerasgpu.engine.tape import no_grad
from kerasgpu.optimizers.optimizer import Optimizer

# What must be set on the inner optimizer instead, with the defaults that are let through.
_INNER_ONLY = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """An optimizer around another one: scales the loss, and skips steps whose gradients are not finite.

    The scale halves after a skipped step and doubles after dynamic_growth_steps good ones. A skipped step is computed and then
    undone by a select, so that no step reads the host.

    Args:
        inner_optimizer: the optimizer that updates the variables.
        initial_scale: float.
        dynamic_growth_steps: int.
        name: default: "loss_scale_optimizer".

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0])
    >>> optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5), initial_scale=4.0)
    >>> optimizer.apply([optimizer.scale_loss(keras.ops.ones((1,)))], [w])
    >>> float(w[0]), float(optimizer.dynamic_scale)
    (0.5, 4.0)
    """

    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None, **kwargs):
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set `loss_scale_factor` "
                "directly on the "
                "`inner_optimizer`."
            )
        for key, default in _INNER_ONLY.items():
            if kwargs.pop(key, default) != default:
                raise ValueError(f"LossScaleOptimizer does not support `{key}`. Instead, set `{key}` on the `inner_optimizer`.")
        if kwargs:
            raise ValueError(f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`.")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # Its gradients arrive unscaled.
        self.inner_optimizer.loss_scale_factor = None

    def build(self, var_list):
        self.step_counter = self.add_variable(shape=(), dtype="int32", initializer="zeros", name="step_counter")
        self.dynamic_scale = self.add_variable(
            shape=(), dtype="float32", initializer=initializers.Constant(self.initial_scale), name="dynamic_scale"
        )
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    @property
    def variables(self):
        return self._variables + self.inner_optimizer.variables

    def to(self, target):
        self.inner_optimizer.to(target)
        return super().to(target)

    def apply(self, grads, trainable_variables=None):
        """Update with the unscaled gradients if all are finite; adapt the scale."""
        with no_grad():
            if not self.built:
                with naming.name_scope(self.name, caller=self):
                    self.build(list(trainable_variables))
            variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
            finite = self.check_finite(grads)
            scale = self.dynamic_scale.value
            unscaled = [
                g if g is None or self._overwrite_variable_with_gradient(v) else g / ops.cast(scale, g.dtype)
                for g, v in zip(grads, variables)
            ]
            learning_rate = self.inner_optimizer._learning_rate
            changing = [*variables, *(v for v in self.inner_optimizer.variables if v is not learning_rate)]
            before = [v.value for v in changing]
            self.inner_optimizer.apply(unscaled, None if trainable_variables is None else variables)
            for variable, old in zip(changing, before):
                variable.assign(ops.where(finite, variable, old))
            self._adapt_scale(finite)

    def _adapt_scale(self, finite):
        grow = ops.logical_and(finite, ops.equal(self.step_counter, self.dynamic_growth_steps - 1))
        count = ops.where(ops.logical_and(finite, ops.logical_not(grow)), self.step_counter + 1, 0)
        factor = ops.where(grow, 2.0, ops.where(finite, 1.0, 0.5))
        self.dynamic_scale.assign(self.dynamic_scale * factor)
        self.step_counter.assign(count)

    def check_finite(self, grads):
        """A bool scalar: whether no gradient holds an infinity or NaN."""
        checks = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        found = checks[0]
        for check in checks[1:]:
            found = ops.logical_and(found, check)
        return found

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    lr = learning_rate

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        """The loss times the current scale."""
        scale = self.dynamic_scale if self.built else self.initial_scale
        return ops.multiply(loss, scale)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        inner = serialization.deserialize_keras_object(config.pop("inner_optimizer"), custom_objects=custom_objects)
        return cls(inner, **config)
