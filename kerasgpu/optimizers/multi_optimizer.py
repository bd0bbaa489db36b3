"""MultiOptimizer: several optimizers, each for some of a model's variables."""

from __future__ import annotations

from kerasgpu.configs import serialization
from kerasgpu.engine.tape import no_grad
from kerasgpu.optimizers.loss_scale_optimizer import LossScaleOptimizer
from kerasgpu.optimizers.optimizer import Optimizer


class MultiOptimizer(Optimizer):
    """An optimizer that hands each variable to the optimizer chosen for it.

    Args:
        optimizer_map: an OptimizerMap, or a callable variable -> Optimizer.
        loss_scale_factor: see Optimizer; handed on.
        name: default: "multi_optimizer".

    The learning rates are those of the inner optimizers (`optimizers`); reading or setting one here raises AttributeError.

    >>> import kerasgpu as keras
    >>> w = keras.Variable([1.0], name="w")
    >>> chosen = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.5))
    >>> keras.optimizers.MultiOptimizer(chosen).apply([keras.ops.ones((1,))], [w])
    >>> float(w[0])
    0.5
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._inner_optimizers = []
        if hasattr(optimizer_map, "values"):
            for optimizer in optimizer_map.values():
                self._index_of(optimizer)
        default = getattr(optimizer_map, "default_optimizer", None)
        if default is not None:
            self._index_of(default)

    def _index_of(self, optimizer):
        """The number of an inner optimizer, which joins when it is new."""
        for k, known in enumerate(self._inner_optimizers):
            if known is optimizer:
                return k
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner_optimizers.append(optimizer)
        return len(self._inner_optimizers) - 1

    def build(self, var_list):
        if self.built:
            return
        self._var_to_optimizer_idx = {}
        for variable in var_list:
            optimizer = self._optimizer_map(variable)
            if not isinstance(optimizer, Optimizer):
                raise ValueError(f"Optimizer for variable {variable} is not an Optimizer instance.")
            if isinstance(optimizer, LossScaleOptimizer):
                raise ValueError("LossScaleOptimizer cannot be used inside an MultiOptimizer.")
            if isinstance(optimizer, MultiOptimizer):
                raise ValueError("MultiOptimizer cannot be used inside an MultiOptimizer.")
            self._var_to_optimizer_idx[self._var_key(variable)] = self._index_of(optimizer)
        for optimizer, variables in zip(self._inner_optimizers, self._divide(var_list)):
            if variables:
                optimizer.build(variables)
        super().build(var_list)

    def _divide(self, items, variables=None):
        """Items (which belong to the variables; by default they are them) as one list per inner optimizer."""
        groups = [[] for _ in self._inner_optimizers]
        for item, variable in zip(items, items if variables is None else variables):
            groups[self._var_to_optimizer_idx[self._var_key(variable)]].append(item)
        return groups

    @property
    def optimizers(self):
        """The inner optimizers."""
        return self._inner_optimizers

    @property
    def variables(self):
        found = self._variables[:]
        for optimizer in self._inner_optimizers:
            found.extend(optimizer.variables)
        return found

    @property
    def learning_rate(self):
        raise AttributeError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the individual "
            "sub-optimizers instead."
        )

    @learning_rate.setter
    def learning_rate(self, value):
        raise AttributeError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the individual sub-optimizers instead."
        )

    lr = learning_rate

    @property
    def loss_scale_factor(self):
        return self.__dict__.get("_loss_scale_factor")

    @loss_scale_factor.setter
    def loss_scale_factor(self, value):
        self._loss_scale_factor = value
        for optimizer in self.__dict__.get("_inner_optimizers", ()):
            optimizer.loss_scale_factor = value

    @property
    def iterations(self):
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        if len(grads) == 0:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built on a list of "
                    "variables. Call "
                    "`optimizer.build(trainable_variables)` first."
                )
            trainable_variables = self._trainable_variables
        variables = list(trainable_variables)
        if not self.built:
            self.build(variables)
        if len(grads) != len(self._trainable_variables_indices):
            raise ValueError(
                f"Gradients must match trainable variables one-to-one. Received {len(grads)} gradients and "
                f"{len(self._trainable_variables_indices)} variables."
            )
        self._check_variables_are_known(variables)
        for optimizer, part, of in zip(self._inner_optimizers, self._divide(grads, variables), self._divide(variables)):
            if part:
                optimizer.apply(part, of)
        with no_grad():
            self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        for optimizer, variables in zip(self._inner_optimizers, self._divide(var_list)):
            if variables:
                optimizer.finalize_variable_values(variables)

    def set_weights(self, weights):
        if not self.built:
            return super().set_weights(weights)  # which says what is missing
        own = len(self._variables)
        for variable, weight in zip(self._variables, weights):
            variable.assign(weight)
        for optimizer in self._inner_optimizers:
            count = len(optimizer.variables)
            if count and optimizer.built:
                optimizer.set_weights(weights[own : own + count])
            own += count

    def get_config(self):
        return {
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        chosen = serialization.deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": chosen})
