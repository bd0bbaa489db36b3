"""Learning rates that Python computes, in a step that is replayed.

A function without arguments, or a schedule that reads the step's number on the host (`float(step)`, `math.cos`), gives a Python
number. The recorded step then holds a call back to it, which writes the rate of each step to a buffer. Schedules made of
operations are recorded as they are and cost nothing on the host.
"""

from __future__ import annotations

import threading

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes
from kerasgpu.engine.tape import no_grad
from kerasgpu.engine.tensor import Tensor
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels import launch
from kerasgpu.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


def recorded(optimizer):
    """The rate of this step while it is recorded: a tensor that each replay computes anew."""
    recorder = launch.recorder
    before, reason = len(recorder.calls), recorder.reason
    rate = optimizer.learning_rate
    by_operations = isinstance(optimizer._learning_rate, LearningRateSchedule) and len(recorder.calls) > before
    if isinstance(rate, Variable) or (isinstance(rate, Tensor) and by_operations and recorder.reason == reason):
        return rate
    # Its value would be that of this step for good: let the host compute it at every step.
    del recorder.calls[before:]
    recorder.reason = reason
    counter = optimizer._iterations.value._data
    out = launch.empty((), "float64" if dtypes.floatx() == "float64" else "float32", counter)
    launch.host_call(_Write(optimizer, rate), (counter,), (out,))
    return Tensor(out)


class _Write:
    """Called at every step with the number of the step and the buffer of the rate, both on the host."""

    __name__ = "learning_rate"

    def __init__(self, optimizer, first):
        self._optimizer = optimizer
        self._first = first  # of the step that is being recorded, where the function has been called

    def __call__(self, iterations, out):
        rate = self._optimizer._learning_rate
        recorder = launch.recorder
        own = recorder is not None and recorder._thread == threading.get_ident()
        if own:
            launch.recorder = None  # what is computed here is no part of the step
        try:
            with no_grad(), devices.device("cpu:0"):
                value, self._first = self._first, None
                if value is None:
                    step = Tensor(np.array(iterations))
                    value = rate(step) if isinstance(rate, LearningRateSchedule) else rate()
                out[...] = np.asarray(value, dtype=out.dtype).reshape(())
        finally:
            if own:
                launch.recorder = recorder
