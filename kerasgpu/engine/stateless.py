"""StatelessScope: inside, assignments are collected instead of carried out, as functional (JAX-style) code wants."""

from __future__ import annotations

from kerasgpu.engine import state
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.engine.variable import Variable


class StatelessScope:
    """Context manager in which variables read from and write to a mapping.

    Args:
        state_mapping: pairs (variable, value) that variables have inside.
        collect_losses: whether losses added inside are collected.
        initialize_variables: kept for compatibility.

    >>> import kerasgpu as keras
    >>> v = keras.Variable(1.0)
    >>> with keras.StatelessScope() as scope:
    ...     _ = v.assign(2.0)
    >>> float(v), float(scope.get_current_value(v))
    (1.0, 2.0)
    """

    def __init__(self, state_mapping=None, collect_losses=False, initialize_variables=True):
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses = []
        self.state_mapping = {}
        for variable, value in state_mapping or {}:
            if not isinstance(variable, Variable):
                raise ValueError(
                    "Invalid reference variable in StatelessScope: all keys in argument `mapping` must be Variable instances. "
                    f"Received instead: {variable}"
                )
            if value is not None:
                value = convert_to_tensor(value, variable._dtype)
                if tuple(value.shape) != tuple(variable.shape):
                    raise ValueError(
                        "Invalid variable value in StatelessScope: all values in argument `mapping` must be tensors with a shape that "
                        f"matches the corresponding variable shape. For variable {variable}, received invalid value {value} with "
                        f"shape {value.shape}."
                    )
            self.state_mapping[id(variable)] = value

    def __enter__(self):
        self._before = state.thread.stateless_scope
        state.thread.stateless_scope = self
        return self

    def __exit__(self, *exc):
        state.thread.stateless_scope = self._before

    def add_loss(self, loss):
        self.losses.append(loss)

    def add_update(self, update):
        variable, value = update
        self.state_mapping[id(variable)] = value

    def get_current_value(self, variable):
        return self.state_mapping.get(id(variable))


def in_stateless_scope() -> bool:
    return state.thread.stateless_scope is not None


def get_stateless_scope():
    return state.thread.stateless_scope
