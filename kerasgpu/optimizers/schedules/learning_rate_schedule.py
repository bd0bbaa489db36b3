"""LearningRateSchedule: the learning rate as a function of the iteration, computed with operations."""

from __future__ import annotations

from kerasgpu import ops


class LearningRateSchedule:
    """Base class of schedules. Subclasses implement `__call__(step)`, with keras.ops, and `get_config`.

    >>> import kerasgpu as keras
    >>> class Harmonic(keras.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 1.0 / (keras.ops.cast(step, "float32") + 1.0)
    ...     def get_config(self):
    ...         return {}
    >>> float(Harmonic()(3))
    0.25
    """

    def __call__(self, step):
        raise NotImplementedError(f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`.")

    def get_config(self):
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def check_steps(value, name="decay_steps"):
    """The value if it is > 0; else ValueError."""
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")
    return value


def rate_and_step(initial_learning_rate, step):
    """(initial learning rate, step) as tensors of one float dtype."""
    rate = ops.convert_to_tensor(initial_learning_rate)
    if "float" not in rate.dtype:
        rate = ops.cast(rate, ops.convert_to_tensor(0.0).dtype)
    return rate, ops.cast(step, rate.dtype)
