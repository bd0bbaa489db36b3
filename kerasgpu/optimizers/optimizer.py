"""Optimizer: what all optimizers share.

A step is  scale -> clip -> decay -> update -> average -> constrain, and then iterations += 1. Everything that changes from
step to step
lives in variables, and choices are selects (`ops.where`), so that a step can be recorded once and replayed.

An optimizer of this package also says how one launch of a kernel updates all variables (`_fused`); a subclass that changes the
arithmetic runs its own `update_step` instead.
"""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import ops
from kerasgpu.configs import serialization
from kerasgpu.engine import dtypes, naming
from kerasgpu.engine.stateless import StatelessScope
from kerasgpu.engine.tape import no_grad
from kerasgpu.engine.tensor import Tensor
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels import launch
from kerasgpu.optimizers import clipping, fused, host_rate
from kerasgpu.optimizers.averaging import MovingAverage
from kerasgpu.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasgpu.optimizers.state_variables import StateVariables
from kerasgpu.optimizers.weight_decay import WeightDecay

# A subclass that defines one of these computes something of its own.
_ARITHMETIC = (
    "update_step",
    "assign",
    "assign_add",
    "assign_sub",
    "_backend_update_step",
    "_apply_weight_decay",
    "_clip_gradients",
)


def _is_float_scalar(x) -> bool:
    return isinstance(x, np.ndarray) and x.shape == () and x.dtype.kind == "f"


class Optimizer(StateVariables, WeightDecay, MovingAverage):
    """Base class of optimizers: subclasses make variables in `build` and implement `update_step(gradient, variable, rate)`.

    Args:
        learning_rate: float, LearningRateSchedule, or callable without arguments. (`lr` is the older spelling.)
        weight_decay: decoupled weight decay, or None.
        clipnorm: limit of the norm of each gradient, or None.
        clipvalue: limit of each gradient entry, or None.
        global_clipnorm: limit of the norm of all gradients together, or None. At most one of the three can be set.
        use_ema: whether to keep an exponential moving average of the weights.
        ema_momentum: in [0, 1].
        ema_overwrite_frequency: every how many steps the weights become their average; None: only at the end of training.
        loss_scale_factor: what the loss was multiplied by; gradients are divided by it.
        gradient_accumulation_steps: update every this many steps (>= 2) with the mean gradient, or None.
        name: default: the class name in snake case.

    >>> import kerasgpu as keras
    >>> class Descent(keras.optimizers.Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         variable.assign_sub(gradient * learning_rate)
    >>> w = keras.Variable([1.0, 2.0])
    >>> Descent(learning_rate=0.5).apply([keras.ops.ones((2,))], [w])
    >>> w.numpy()
    array([0.5, 1.5], dtype=float32)
    """

    # A method (step) -> None, see fused.py; None: only update_step.
    _fused = None
    _fused_takes_one_dtype = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "_fused" not in cls.__dict__ and any(name in cls.__dict__ for name in _ARITHMETIC):
            cls._fused = None

    def __init__(
        self,
        learning_rate=0.001,
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
        self._lock = False
        learning_rate = kwargs.pop("lr", learning_rate)
        if kwargs.pop("decay", None) is not None:
            warnings.warn("Argument `decay` is no longer supported and will be ignored.", stacklevel=3)
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        self.name = name or naming.auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.clipvalue = clipvalue
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self.built = False
        self._variables = []
        self._trainable_variables = []
        self._trainable_variables_indices = {}
        self._iterations = self._scalar(0, "iteration", "int32")
        if callable(learning_rate):
            self._learning_rate = learning_rate
        elif isinstance(learning_rate, (float, np.floating)) or _is_float_scalar(learning_rate):
            self._learning_rate = self._scalar(float(learning_rate), "learning_rate", dtypes.floatx())
        else:
            raise ValueError(
                "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or a callable "
                "(that takes in the "
                "current iteration value and returns the corresponding learning rate value). Received instead: "
                f"learning_rate={learning_rate}"
            )

    def _check_arguments(self):
        steps = self.gradient_accumulation_steps
        if steps and not steps >= 2:
            raise ValueError(
                f"`gradient_accumulation_steps` must be an integer >= 2. Received: gradient_accumulation_steps={steps}"
            )
        if self.use_ema:
            if self.ema_momentum > 1 or self.ema_momentum < 0:
                raise ValueError(f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={self.ema_momentum}")
            every = self.ema_overwrite_frequency
            if every and (not isinstance(every, int) or every < 1):
                raise ValueError(
                    f"`ema_overwrite_frequency` must be an integer >= 1 or None. Received: ema_overwrite_frequency={every}"
                )
        if sum(a is not None for a in (self.clipnorm, self.clipvalue, self.global_clipnorm)) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={self.clipnorm}, clipvalue={self.clipvalue}, global_clipnorm={self.global_clipnorm}"
            )

    def _scalar(self, value, name, dtype):
        with naming.name_scope(self.name, caller=self):
            return Variable(value, name=name, dtype=dtype, trainable=False, aggregation="only_first_replica")

    # -- what subclasses implement or use -----------------------------------------------------------------------
    def build(self, variables):
        """Make the state for these trainable variables. Subclasses call `super().build(variables)` first."""
        variables = list(variables)
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated_gradients = [self.add_variable_from_reference(v, name="gradient_accumulator") for v in variables]
        self._trainable_variables_indices = {self._var_key(v): k for k, v in enumerate(variables)}
        self._trainable_variables = variables
        self.built = True

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable with its gradient."""
        raise NotImplementedError(f"{type(self).__name__} must implement update_step(gradient, variable, learning_rate)")

    def assign(self, variable, value):
        """variable = value; what update_step uses."""
        variable.assign(value)

    def assign_add(self, variable, value):
        variable.assign_add(value)

    def assign_sub(self, variable, value):
        variable.assign_sub(value)

    # -- a step -------------------------------------------------------------------------------------------------
    def apply_gradients(self, grads_and_vars):
        """Apply (gradient, variable) pairs. Returns the iteration counter."""
        grads, trainable_variables = zip(*grads_and_vars)
        self.apply(grads, trainable_variables)
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update the variables with their gradients and count the iteration.

        Args:
            grads: gradients, in the order of the variables; None leaves a variable as it is (with a warning).
            trainable_variables: the variables; may be left out once the optimizer is built.
        """
        if len(grads) == 0:
            return
        with no_grad(), naming.name_scope(self.name, caller=self):
            grads, variables = self._match(grads, trainable_variables)
            grads, variables = self._filter_empty_gradients(grads, variables)
            grads, variables = self._overwrite_variables_directly_with_gradients(grads, variables)
            if grads:
                if self.loss_scale_factor is not None:
                    grads = [g / self.loss_scale_factor for g in grads]
                self._backend_apply_gradients(grads, variables)
                for variable in variables:
                    if variable.constraint is not None:
                        variable.assign(variable.constraint(variable))
            self._iterations.assign_add(1)

    def _match(self, grads, trainable_variables):
        """The gradients and variables as lists of equal length; builds the optimizer if needed."""
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
                    "Call `optimizer.build(trainable_variables)` first. "
                )
            if len(grads) != len(self._trainable_variables_indices):
                raise ValueError(
                    "When passing `grads` as a list of gradient tensors, the gradients must match `optimizer.variables` "
                    f"one-to-on. Received a list of {len(grads)} gradients, but the optimizer is tracking "
                    f"{len(self._trainable_variables)} trainable variables."
                )
            return list(grads), self._trainable_variables
        trainable_variables = list(trainable_variables)
        if not self.built:
            self.build(trainable_variables)
            self.built = True
        self._check_variables_are_known(trainable_variables)
        return list(grads), trainable_variables

    def _filter_empty_gradients(self, grads, variables):
        kept = [(g, v) for g, v in zip(grads, variables) if g is not None]
        if not kept:
            raise ValueError("No gradients provided for any variable.")
        if len(kept) < len(grads):
            missing = [getattr(v, "path", v.name) for g, v in zip(grads, variables) if g is None]
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss. If using `model.compile()`, did you "
                "forget to provide a `loss` argument?",
                stacklevel=4,
            )
        return [g for g, _ in kept], [v for _, v in kept]

    def _overwrite_variable_with_gradient(self, variable):
        return getattr(variable, "overwrite_with_gradient", False)

    def _overwrite_variables_directly_with_gradients(self, grads, variables):
        """Variables whose gradient is their next value (float8 scales): set them, and return the others."""
        others = []
        for g, v in zip(grads, variables):
            if not self._overwrite_variable_with_gradient(v):
                others.append((g, v))
            elif self.gradient_accumulation_steps:
                total = self._accumulated_gradients[self._get_variable_index(v)]
                largest = ops.maximum(g, total)
                now = self._is_update_step()
                v.assign(ops.where(now, largest, v))
                total.assign(ops.where(now, ops.zeros_like(largest), largest))
            else:
                v.assign(g)
        return [g for g, _ in others], [v for _, v in others]

    def _is_update_step(self):
        return ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)

    def _backend_apply_gradients(self, grads, trainable_variables):
        if self.gradient_accumulation_steps:
            self._accumulate_and_apply(grads, trainable_variables)
        else:
            self._clip_decay_update(grads, trainable_variables)
        if self.use_ema:
            self._update_model_variables_moving_average(self._trainable_variables)
            if self.ema_overwrite_frequency:
                self._overwrite_periodically(self._trainable_variables)

    def _clip_decay_update(self, grads, variables):
        grads = self._clip_gradients(grads)
        if fused.can_run(self, grads, variables):
            self._fused(fused.FusedStep(self, grads, variables, self._current_rate()))
            return
        self._apply_weight_decay(variables)
        self._backend_update_step(grads, variables, self._current_rate())

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for gradient, variable in zip(grads, trainable_variables):
            self.update_step(gradient, variable, learning_rate)

    def _accumulate_and_apply(self, grads, variables):
        """Add up gradients; every `gradient_accumulation_steps` steps, update with their mean.

        The update is computed at every step and kept when it is due: what is decided on the host could not be replayed.
        """
        totals = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
        sums = [g + total for g, total in zip(grads, totals)]
        now = self._is_update_step()
        fixed = {id(v) for v in (self._iterations, self._learning_rate, *self._accumulated_gradients)}
        fixed |= {id(v) for v in getattr(self, "_model_variables_moving_average", ())}
        changing = [*variables, *(v for v in self._variables if id(v) not in fixed)]
        before = [v.value for v in changing]
        self._clip_decay_update([s / self.gradient_accumulation_steps for s in sums], variables)
        for variable, old in zip(changing, before):
            variable.assign(ops.where(now, variable, old))
        for total, value in zip(totals, sums):
            total.assign(ops.where(now, ops.zeros_like(value), value))

    def _clip_gradients(self, grads):
        if self.clipnorm and self.clipnorm > 0:
            return [g if g is None else self._clip_by_norm(g) for g in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clipping.clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return clipping.clip_by_value(grads, self.clipvalue)
        return grads

    def _clip_by_norm(self, values, axes=None):
        return clipping.clip_by_norm(values, self.clipnorm, axes)

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        """(new trainable values, new optimizer values) of a step from the given values; nothing is changed in place."""
        self._check_super_called()
        name = type(self).__name__
        if not self.built:
            raise ValueError(
                f"To call `stateless_apply`, {name} must be built (i.e. its variables must have been created). You "
                f"can build it "
                "via `optimizer.build(trainable_variables)`."
            )
        if len(optimizer_variables) != len(self.variables):
            raise ValueError(
                f"Argument `optimizer_variables` must be a list of tensors corresponding 1:1 to {name}().variables. Received "
                f"list with length {len(optimizer_variables)}, but expected {len(self.variables)} variables."
            )
        if len(trainable_variables) != len(self._trainable_variables):
            raise ValueError(
                "Argument `optimizer_variables` must be a list of tensors corresponding 1:1 to the trainable "
                "variables list that "
                f"the optimizer was built with. Received len(trainable_variables) == {len(trainable_variables)} whereas the "
                f"optimizer was built with {len(self._trainable_variables)} variables."
            )
        mapping = [*zip(self._trainable_variables, trainable_variables), *zip(self.variables, optimizer_variables)]
        with StatelessScope(state_mapping=mapping) as scope:
            self.apply(grads)
        values = scope.get_current_value
        return [values(v) for v in self._trainable_variables], [values(v) for v in self.variables]

    def scale_loss(self, loss):
        """The loss times the loss scale, for the backward pass in low precision."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # -- learning rate and iterations ---------------------------------------------------------------------------
    @property
    def iterations(self):
        """Number of updates so far (of steps, divided by `gradient_accumulation_steps` if that is set)."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    @property
    def learning_rate(self):
        """The learning rate: a variable, or the current value of the schedule or callable."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        before = self._learning_rate
        if callable(learning_rate) and not isinstance(learning_rate, (Tensor, Variable)):
            self._learning_rate = learning_rate
            if isinstance(before, Variable):
                self._untrack_variable(before)
        elif isinstance(before, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor argument, "
                "hence its learning rate is not settable. If you need the learning rate to be settable, you should instantiate "
                "the optimizer with a float `learning_rate` argument."
            )
        elif isinstance(before, Variable):
            before.assign(learning_rate)
        else:
            self._learning_rate = self._scalar(float(learning_rate), "learning_rate", dtypes.floatx())

    lr = learning_rate

    def _get_current_learning_rate(self):
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        if isinstance(rate, Variable) or not callable(rate):
            return rate
        value = rate()
        if not isinstance(value, (Tensor, Variable)) and launch.recorder is not None:
            launch.recorder.refuse("it uses the number that the function of its learning rate returned in Python")
        return value

    def _current_rate(self):
        """The learning rate of this step, as something that a replayed step reads anew."""
        own = self._learning_rate
        if isinstance(own, Variable) or launch.recorder is None:
            return self.learning_rate
        return host_rate.recorded(self)

    # -- config -------------------------------------------------------------------------------------------------
    def get_config(self):
        rate = self._learning_rate
        if isinstance(rate, Variable):
            rate = float(rate.numpy())
        else:
            rate = serialization.serialize_keras_object(rate)
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if isinstance(config.get("learning_rate"), dict):
            rate = serialization.deserialize_keras_object(config["learning_rate"], custom_objects=custom_objects)
            config = {**config, "learning_rate": rate}
        return cls(**config)

    def _obj_type(self):
        return "Optimizer"
