"""OptimizerMap: which optimizer updates which variable, by patterns of variable paths."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from kerasgpu.configs import serialization
from kerasgpu.optimizers.loss_scale_optimizer import LossScaleOptimizer
from kerasgpu.optimizers.multi_optimizer import MultiOptimizer
from kerasgpu.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping):
    """A mapping from variable paths (regular expressions that match all of one) to optimizers, with a default.

    Args:
        default_optimizer: for variables that nothing matches.
        optimizer_map: dict from patterns to optimizers.

    TypeError for anything else. Looking up a path that two patterns match raises ValueError.

    >>> import kerasgpu as keras
    >>> chosen = keras.optimizers.OptimizerMap(keras.optimizers.Adam(), {"dense/.*": keras.optimizers.SGD(0.1)})
    >>> type(chosen["dense/kernel"]).__name__, type(chosen["conv/kernel"]).__name__
    ('SGD', 'Adam')
    """

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"default_optimizer must be a Keras Optimizer instance. Received: {default_optimizer}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map}")
        self._default_optimizer = default_optimizer
        self._optimizer_map = optimizer_map or {}

    @property
    def default_optimizer(self):
        return self._default_optimizer

    def __call__(self, variable):
        return self[variable.path]

    def __getitem__(self, key):
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"Multiple optimizers assigned to variable {key}: the patterns {found} all match it.")
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key, optimizer):
        if key in self._optimizer_map:
            raise ValueError(
                f"'{key}' already exists in the OptimizerMap with value {self._optimizer_map[key]}. Please make sure "
                f"to not use "
                "duplicated keys."
            )
        if not isinstance(key, str):
            raise ValueError(f"key must be a string. Received: {key}")
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"optimizer must be a Keras Optimizer instance. Received: {optimizer}")
        if isinstance(optimizer, LossScaleOptimizer):
            raise ValueError("optimizer cannot be LossScaleOptimizer.")
        if isinstance(optimizer, MultiOptimizer):
            raise ValueError("optimizer cannot be MultiOptimizer.")
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key):
        del self._optimizer_map[key]

    def __len__(self):
        return len(self._optimizer_map)

    def __iter__(self):
        return iter(self._optimizer_map)

    def get_config(self):
        return {
            "default_optimizer": serialization.serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        def read(key):
            return serialization.deserialize_keras_object(config[key], custom_objects=custom_objects)

        return cls(read("default_optimizer"), read("optimizer_map"))
