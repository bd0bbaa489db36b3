"""Metric: variables that accumulate over batches, and a result computed from them.

An update uses operations and variable assignments only, so that a training step can be recorded and replayed with it.
"""

from __future__ import annotations

import functools

from kerasgpu import ops
from kerasgpu.engine import naming, nest, state
from kerasgpu.engine.stateless import StatelessScope
from kerasgpu.engine.tape import no_grad
from kerasgpu.engine.variable import Variable
from kerasgpu.losses.loss import policy_compute_dtype


def _without_gradients(update):
    """update_state reads predictions that require gradients; nothing of it belongs on the tape."""

    @functools.wraps(update)
    def update_state(self, *args, **kwargs):
        if not state.thread.grad_enabled:
            return update(self, *args, **kwargs)
        with no_grad():
            return update(self, *args, **kwargs)

    return update_state


class Metric:
    """Base class of metrics. Subclasses make variables in `__init__` and implement `update_state` and `result`.

    Args:
        dtype: dtype or dtype policy of the computation; default: the default float dtype.
        name: default: the class name in snake case.

    Variables and metrics assigned to attributes are tracked.

    >>> import kerasgpu as keras
    >>> class Largest(keras.metrics.Metric):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")
    ...     def update_state(self, values, sample_weight=None):
    ...         self.largest.assign(keras.ops.maximum(self.largest, keras.ops.max(values)))
    ...     def result(self):
    ...         return self.largest
    >>> metric = Largest()
    >>> metric.update_state([1.0, 3.0])
    >>> float(metric.result())
    3.0
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        update = cls.__dict__.get("update_state")
        if update is not None and callable(update):
            cls.update_state = _without_gradients(update)

    def __init__(self, dtype=None, name=None):
        self.__dict__.update(_variables=[], _metrics=[])
        self.name = name or naming.auto_name(type(self).__name__)
        self._dtype_policy = dtype
        self._dtype = policy_compute_dtype(dtype)

    # -- what subclasses implement ------------------------------------------------------------------------------
    def update_state(self, *args, **kwargs):
        """Accumulate one batch."""
        raise NotImplementedError(f"{type(self).__name__} must implement update_state()")

    def result(self):
        """The metric of all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must implement result()")

    def reset_state(self):
        """Set all variables to zero."""
        for v in self.variables:
            v.assign(ops.zeros(v.shape, dtype=v.dtype))

    # -- without side effects -----------------------------------------------------------------------------------
    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """The variables' values after an update from the given ones; the metric itself stays as it is."""
        with self._scope(metric_variables) as scope:
            self.update_state(*args, **kwargs)
        return self._values_in(scope)

    def stateless_result(self, metric_variables):
        """The result for the given values of the variables."""
        with self._scope(metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """The variables' values after a reset."""
        with StatelessScope() as scope:
            self.reset_state()
        return self._values_in(scope)

    def _scope(self, values):
        if len(values) != len(self.variables):
            raise ValueError(
                "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(self).__name__}().variables. Received list with length {len(values)}, but expected "
                f"{len(self.variables)} variables."
            )
        return StatelessScope(state_mapping=list(zip(self.variables, values)))

    def _values_in(self, scope):
        found = [(v, scope.get_current_value(v)) for v in self.variables]
        return [v if value is None else value for v, value in found]

    # -- variables ----------------------------------------------------------------------------------------------
    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        """A new non-trainable variable that is tracked, saved and reset with the metric."""
        self._check_super_called()
        # A metric that makes its variables when it sees the first shapes must also work while only shapes are worked out.
        outer, state.thread.shape_only = state.thread.shape_only, 0
        try:
            with naming.name_scope(self.name.replace("/", ">"), caller=self):
                variable = Variable(
                    "zeros" if initializer is None else initializer,
                    shape=tuple(shape),
                    dtype=dtype,
                    trainable=False,
                    aggregation=aggregation,
                    synchronization="on_read",
                    name=name,
                )
        finally:
            state.thread.shape_only = outer
        self._variables.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """The older name of add_variable."""
        return self.add_variable(shape=shape, initializer=initializer, dtype=dtype, name=name)

    @property
    def variables(self):
        found = list(self._variables)
        for metric in self._metrics:
            found.extend(metric.variables)
        return found

    def __setattr__(self, name, value):
        if "_variables" in self.__dict__:
            for x in nest.flatten(value):
                if isinstance(x, Variable):
                    if not any(x is v for v in self._variables):
                        self._variables.append(x)
                elif isinstance(x, Metric) and not any(x is m for m in self._metrics):
                    self._metrics.append(x)
        super().__setattr__(name, value)

    def _check_super_called(self):
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"In metric {type(self).__name__!r}, you forgot to call `super().__init__()` in the `__init__()` method. "
                "Go add it!"
            )

    # -- the rest -----------------------------------------------------------------------------------------------
    @property
    def dtype(self):
        return self._dtype

    def __call__(self, *args, **kwargs):
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def _obj_type(self):
        return "Metric"

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"
