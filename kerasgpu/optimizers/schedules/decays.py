"""Schedules that fall from an initial value: exponential, polynomial, inverse in time, in constant pieces."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, check_steps, rate_and_step


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: float.
        decay_steps: > 0; ValueError otherwise.
        decay_rate: float.
        staircase: whether the exponent is rounded down.
        name: kept in the config.

    >>> import kerasgpu as keras
    >>> float(keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)(20))
    0.25
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="ExponentialDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_steps(decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        rate, step = rate_and_step(self.initial_learning_rate, step)
        exponent = step / float(self.decay_steps)
        if self.staircase:
            exponent = ops.floor(exponent)
        return rate * ops.power(ops.cast(self.decay_rate, rate.dtype), exponent)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
        initial_learning_rate: float.
        decay_steps: > 0; ValueError otherwise.
        decay_rate: float.
        staircase: whether step / decay_steps is rounded down.
        name: kept in the config.

    >>> import kerasgpu as keras
    >>> float(keras.optimizers.schedules.InverseTimeDecay(1.0, 1, 1.0)(3))
    0.25
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name="InverseTimeDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_steps(decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        rate, step = rate_and_step(self.initial_learning_rate, step)
        share = step / float(self.decay_steps)
        if self.staircase:
            share = ops.floor(share)
        return rate / (1.0 + share * self.decay_rate)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PolynomialDecay(LearningRateSchedule):
    """(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps)^power + end_learning_rate.

    Args:
        initial_learning_rate: float.
        decay_steps: > 0; ValueError otherwise.
        end_learning_rate: float.
        power: 1 for a line.
        cycle: whether decay_steps is stretched to the next multiple above step; if not, the end value stays.
        name: kept in the config.

    >>> import kerasgpu as keras
    >>> float(keras.optimizers.schedules.PolynomialDecay(1.0, 10, end_learning_rate=0.0)(5))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_steps(decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        rate, step = rate_and_step(self.initial_learning_rate, step)
        steps = float(self.decay_steps)
        if self.cycle:
            cycles = ops.where(ops.equal(step, 0.0), ops.ones_like(step), ops.ceil(step / steps))
            share = step / (steps * cycles)
        else:
            share = ops.minimum(step, steps) / steps
        falling = ops.power(1.0 - share, ops.cast(self.power, rate.dtype))
        return (rate - self.end_learning_rate) * falling + self.end_learning_rate

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], values[1] up to boundaries[1], ..., values[-1] after the last.

    Args:
        boundaries: increasing steps.
        values: one more than boundaries; ValueError otherwise.
        name: kept in the config.

    >>> import kerasgpu as keras
    >>> schedule = keras.optimizers.schedules.PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.25])
    >>> float(schedule(100)), float(schedule(101)), float(schedule(300))
    (1.0, 0.5, 0.25)
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        found = ops.convert_to_tensor(self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:]):
            after = step > ops.cast(boundary, step.dtype)
            found = ops.where(after, ops.cast(value, found.dtype), found)
        return found

    def get_config(self):
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
