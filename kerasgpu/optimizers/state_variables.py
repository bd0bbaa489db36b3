"""The variables of an optimizer: made beside the model's variables, tracked, saved and loaded."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import naming, nest
from kerasgpu.engine.variable import Variable


class StateVariables:
    """The part of an optimizer that owns variables. Those assigned to attributes are tracked, as are lists of them."""

    @property
    def variables(self):
        """All variables: iteration, learning rate (unless scheduled), then what `build` made."""
        return self._variables[:]

    def to(self, target):
        """Move the state to another device ("cpu", "gpu:0"); `model.to` does it for the optimizer that it was compiled with."""
        for v in self._variables:
            v.to(target)
        return self

    def _track_variable(self, variable):
        if not any(variable is v for v in self._variables):
            self._variables.append(variable)

    def _untrack_variable(self, variable):
        self._variables[:] = [v for v in self._variables if v is not variable]

    def __setattr__(self, name, value):
        if name != "_lock":
            self._check_super_called()
            if "_variables" in self.__dict__ and name not in ("_trainable_variables", "_variables"):
                for x in nest.flatten(value):
                    if isinstance(x, Variable):
                        self._track_variable(x)
        super().__setattr__(name, value)

    def _check_super_called(self):
        if "_lock" not in self.__dict__:
            raise RuntimeError(
                f"In optimizer '{type(self).__name__}', you forgot to call `super().__init__()` as the first statement in the "
                "`__init__()` method. Go add it!"
            )

    def _var_key(self, variable):
        return id(variable)

    def __getstate__(self):
        # The index goes by the identity of variables, which no copy shares.
        return {k: v for k, v in self.__dict__.items() if k != "_trainable_variables_indices"}

    def __setstate__(self, saved):
        self.__dict__.update(saved)
        variables = self.__dict__.get("_trainable_variables", ())
        self.__dict__["_trainable_variables_indices"] = {self._var_key(v): k for k, v in enumerate(variables)}

    def _get_variable_index(self, variable):
        return self._trainable_variables_indices[self._var_key(variable)]

    def _check_variables_are_known(self, variables):
        for v in variables:
            if self._var_key(v) not in self._trainable_variables_indices:
                raise ValueError(
                    f"Unknown variable: {getattr(v, 'path', v)}. This optimizer can only be called for the variables it was "
                    "originally built with. If a layer was unfrozen (layer.trainable = True) or added since, call compile() again; "
                    "when working with a new set of variables, you should recreate a new optimizer instance."
                )

    # -- making -------------------------------------------------------------------------------------------------
    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation="none", layout=None, name=None):
        """A new variable of the optimizer's state, tracked and saved."""
        self._check_super_called()
        with naming.name_scope(self.name, caller=self):
            variable = Variable(
                initializer, shape=tuple(shape), dtype=dtype, trainable=False, aggregation=aggregation, name=name
            )
        self._track_variable(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """A new state variable of the shape, dtype and device of a model's variable, named after it."""
        path = getattr(reference_variable, "path", None) or str(reference_variable.name).replace(":", "_")
        where = getattr(reference_variable, "device", "meta")
        with devices.device(where) if where != "meta" else contextlib.nullcontext():
            return self.add_variable(
                shape=reference_variable.shape,
                initializer=initializer,
                dtype=reference_variable.dtype,
                name=f"{path.replace('/', '_')}_{name or 'var'}",
            )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """State variables for each trainable variable.

        Args:
            trainable_variables: the model's variables.
            name: a name, or a list of names for several per variable.
            initializer: one for all, or a list.

        Returns a list of variables, or a tuple of such lists when `name` is a list. Variables that are overwritten with their
        gradients have None.
        """
        names = [name] if isinstance(name, str) else list(name)
        many = isinstance(initializer, (list, tuple))
        initializers = list(initializer) if many else [initializer] * len(names)
        if len(names) != len(initializers):
            raise ValueError(
                "The number of provided names must match the number of provided initializers. Received "
                f"name='{name}', initializer='{initializer}'"
            )
        made = tuple([] for _ in names)
        for variable in trainable_variables:
            skip = self._overwrite_variable_with_gradient(variable)
            for found, one, start in zip(made, names, initializers):
                found.append(None if skip else self.add_variable_from_reference(variable, name=one, initializer=start))
        return made[0] if isinstance(name, str) else made

    # -- reading and writing ------------------------------------------------------------------------------------
    def get_weights(self):
        """The values of all variables as NumPy arrays."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights):
        """Set the variables from arrays in the order of `variables`. ValueError before `build` or for another shape."""
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Please call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights before calling `set_weights()`."
            )
        for variable, weight in zip(self._variables, weights):
            if tuple(variable.shape) != tuple(weight.shape):
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape} not compatible with provided weight shape "
                    f"{tuple(weight.shape)}."
                )
            variable.assign(weight)

    def save_own_variables(self, store):
        """Put the values into `store` under "0", "1", ..."""
        for k, variable in enumerate(self.variables):
            store[str(k)] = variable.numpy()

    def load_own_variables(self, store):
        """Set the values from `store`; with another number of variables, warn and leave everything as it is."""
        if len(store.keys()) != len(self.variables):
            message = (
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(self.variables)} "
                f"variables whereas "
                f"the saved optimizer has {len(store.keys())} variables. "
            )
            if not self.variables:
                message += "This is likely because the optimizer has not been called/built yet."
            warnings.warn(message, stacklevel=2)
            return
        for k, variable in enumerate(self.variables):
            variable.assign(np.asarray(store[str(k)]))
