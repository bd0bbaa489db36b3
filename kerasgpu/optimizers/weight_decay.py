"""Decoupled weight decay (Loshchilov & Hutter 2019): w -= w * weight_decay * learning_rate, before the update."""

from __future__ import annotations

import re
from collections.abc import Callable

from kerasgpu import ops


class WeightDecay:
    """The part of an optimizer that decides which variables decay, and decays them."""

    _decay_excluded: frozenset = frozenset()
    _var_key: Callable  # of StateVariables, which this is mixed with
    _decay_pattern: re.Pattern | None = None

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Leave variables out of weight decay.

        Args:
            var_list: variables.
            var_names: strings; a variable whose name contains one of them (as a regular expression) does not decay.
        """
        self._decay_excluded = frozenset(self._var_key(v) for v in var_list or ())
        self._decay_pattern = re.compile("|".join(sorted(set(var_names)))) if var_names else None

    def _use_weight_decay(self, variable) -> bool:
        if self._var_key(variable) in self._decay_excluded:
            return False
        return self._decay_pattern is None or re.search(self._decay_pattern, variable.name) is None

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None:
            return
        learning_rate = self._current_rate()
        for variable in variables:
            if self._use_weight_decay(variable):
                self._decay(variable, self.weight_decay, learning_rate)

    @staticmethod
    def _decay(variable, weight_decay, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        variable.assign(variable - variable * weight_decay * rate)
