"""Runs a step function of Python on one batch after the other."""

from __future__ import annotations

from kerasgpu.training.runners.base import StepRunner
from kerasgpu.training.runners.capture import captured_step
from kerasgpu.training.source import ArraySource


class EagerRunner(StepRunner):
    """Runs `model.train_step`, `test_step` or `predict_step` on one batch after the other.

    Batches that do not come from arrays differ in shape: their step is captured per shape, unless the model runs eagerly.
    """

    def __init__(self, model, mode, source):
        super().__init__(model, mode, source)
        if not isinstance(source, ArraySource):
            self._step = captured_step(model, mode)

    def run(self, max_steps):
        model, step, fetch = self.model, self._step, self.source.next
        predict = self.mode == "predict"
        done = 0
        while done < max_steps:
            batch = fetch()
            if batch is None:
                break
            if self._check is not None:
                self._check(batch)
            result = step(batch)
            if predict:
                self._outputs.append(result)
            else:
                self._logs = result
            done += 1
            if getattr(model, self._stop, False):
                break
        return done
