"""Schedules that follow a cosine (Loshchilov & Hutter 2017), with warm-up and with restarts."""

from __future__ import annotations

import math

from kerasgpu import ops
from kerasgpu.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, check_steps, rate_and_step


class CosineDecay(LearningRateSchedule):
    """rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha), after an optional linear warm-up.

    Args:
        initial_learning_rate: float: where the warm-up starts if there is one, else where the decay starts.
        decay_steps: > 0; ValueError otherwise.
        alpha: the last learning rate, as a share of the largest.
        name: kept in the config.
        warmup_target: where the warm-up ends and the decay starts; None: no warm-up.
        warmup_steps: length of the warm-up.

    >>> import kerasgpu as keras
    >>> round(float(keras.optimizers.schedules.CosineDecay(1.0, 10)(5)), 4)
    0.5
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None, warmup_steps=0):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_steps(decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_steps = warmup_steps
        self.warmup_target = warmup_target

    def __call__(self, step):
        rate, step = rate_and_step(self.initial_learning_rate, step)
        steps = float(self.decay_steps)
        if self.warmup_target is None:
            return self._decayed(ops.minimum(step, steps) / steps, rate)
        warmup = float(self.warmup_steps)
        step = ops.minimum(step, steps + warmup)
        falling = self._decayed((step - warmup) / steps, self.warmup_target)
        if not warmup:
            return falling
        return ops.where(step < warmup, (self.warmup_target - rate) * (step / warmup) + rate, falling)

    def _decayed(self, share, rate):
        cosine = 0.5 * (1.0 + ops.cos(share * math.pi))
        return ((1.0 - self.alpha) * cosine + self.alpha) * rate

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decays one after the other; the k-th lasts first_decay_steps * t_mul^k steps and starts at m_mul^k times the rate.

    Args:
        initial_learning_rate: float.
        first_decay_steps: > 0; ValueError otherwise.
        t_mul: growth of the length of a period.
        m_mul: growth of its first learning rate.
        alpha: the smallest learning rate, as a share of the initial one.
        name: kept in the config.

    >>> import kerasgpu as keras
    >>> schedule = keras.optimizers.schedules.CosineDecayRestarts(1.0, 10)
    >>> round(float(schedule(5)), 4), round(float(schedule(10)), 4)
    (0.5, 1.0)
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name="SGDRDecay"):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = check_steps(first_decay_steps, "first_decay_steps")
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        rate, step = rate_and_step(self.initial_learning_rate, step)
        share = step / float(self.first_decay_steps)
        t = float(self._t_mul)
        if t == 1.0:
            period = ops.floor(share)
            share = share - period
        else:
            # Period k starts at (1 - t^k) / (1 - t) first periods.
            period = ops.floor(ops.log(1.0 - share * (1.0 - t)) / math.log(t))
            length = ops.power(ops.cast(t, rate.dtype), period)
            share = (share - (1.0 - length) / (1.0 - t)) / length
        height = ops.power(ops.cast(self._m_mul, rate.dtype), period)
        cosine = 0.5 * height * (1.0 + ops.cos(share * math.pi))
        return rate * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
