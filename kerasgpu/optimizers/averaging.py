"""Exponential moving average of the weights (Polyak & Juditsky 1992), kept beside them and written over them now and then."""

from __future__ import annotations

from kerasgpu import ops


class MovingAverage:
    """The part of an optimizer that keeps averages of the model's variables; `use_ema` switches it on."""

    def _update_model_variables_moving_average(self, trainable_variables):
        """average = m * average + (1 - m) * variable; m is 0 at the first step, so that it starts at the variable."""
        if not self.use_ema:
            return
        started = ops.not_equal(self.iterations, 0)
        rates: dict = {}  # dtype -> (m, 1 - m)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average):
            if average is None:
                continue
            if variable.dtype not in rates:
                momentum = ops.cast(started, variable.dtype) * self.ema_momentum
                rates[variable.dtype] = momentum, 1.0 - momentum
            keep, take = rates[variable.dtype]
            average.assign(keep * average + take * variable)

    def _overwrite_periodically(self, trainable_variables):
        """Every ema_overwrite_frequency steps the variables become their averages; a select, so that no step reads the host."""
        now = ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average):
            if average is not None:
                variable.assign(ops.where(now, average, variable))

    def _overwrite_model_variables_with_average_value(self, trainable_variables):
        if len(trainable_variables) != len(self._model_variables_moving_average):
            raise ValueError(
                f"The length of model variables ({len(trainable_variables)}) to override does not match the length of model "
                f"variables stored in the optimizer ({len(self._model_variables_moving_average)}). Please check if the "
                "optimizer was called on your model."
            )
        for variable, average in zip(trainable_variables, self._model_variables_moving_average):
            if average is not None:
                variable.assign(average)

    def finalize_variable_values(self, var_list):
        """Set the model's variables to their final values, at the end of training: with use_ema, to their averages."""
        if self.use_ema:
            self._overwrite_model_variables_with_average_value(var_list)
