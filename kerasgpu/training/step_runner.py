"""What runs the steps of an epoch. The loops of fit, evaluate and predict see only this interface:

    runner = make_runner(model, "train", adapter, steps_per_epoch)
    runner.begin_epoch()
    runner.has_next()      whether the epoch has another step
    runner.run(max_steps)  -> steps that ran; 0 at the end of the epoch
    runner.logs()          -> {name: float}, read when asked for
    runner.outputs()       -> predictions of all steps so far (mode "predict")
    runner.end_epoch()
    runner.close()         stops background work of the data

`EagerRunner` calls the model's step function batch by batch.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import nest, tape
from kerasgpu.engine.tensor import Tensor
from kerasgpu.progress.logs import lazy, pythonify_logs, settle
from kerasgpu.training import checks, metric_values
from kerasgpu.training.source import ArraySource, make_source

_STOP_FLAGS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


class EagerRunner:
    """Runs `model.train_step`, `test_step` or `predict_step` on one batch after the other."""

    def __init__(self, model, mode, source):
        self.model = model
        self.mode = mode
        self.source = source
        self.where = device_of(model)
        self._step = model._step_function(mode) if isinstance(source, ArraySource) else batch_step(model, mode)
        self._stop = _STOP_FLAGS[mode]
        self._logs = None
        self._outputs: list = []
        # Arrays in memory were looked at as a whole.
        self._check = None if mode == "predict" or isinstance(source, ArraySource) else checks.label_check(model)

    @property
    def num_batches(self):
        return self.source.num_batches

    @property
    def ran_out(self):
        """Whether the data has ended for good (a generator)."""
        return self.source.ran_out

    def begin_epoch(self):
        self._logs = None
        self._outputs = []
        self.source.begin_epoch()

    def has_next(self):
        return self.source.has_next()

    def run(self, max_steps):
        model, step, fetch = self.model, self._step, self.source.next
        settle(model)
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

    def logs(self):
        """The logs of the last step: what the step returned, else the metrics of the model."""
        if self._logs is None:
            return pythonify_logs(metric_values.read(self.model))
        return pythonify_logs(metric_values.snapshot(self.model, self._logs).read())

    def step_logs(self):
        """`logs()` for callbacks of single steps: on a GPU the host waits only if somebody looks at them."""
        if self.where.startswith("cpu"):
            return self.logs()
        return lazy(self.model, self.logs)

    def snapshot(self):
        """What a progress bar shows of this moment: an object with `mode` and `logs()`."""
        if self.mode == "predict" or self.where.startswith("cpu"):
            return self
        return Progress(self.mode, metric_values.snapshot(self.model, self._logs))

    def epoch_logs(self):
        """The logs of the epoch: the metrics of the model, unless the step returned others."""
        if self._logs is None:
            return self.logs()
        return pythonify_logs(self.model._get_metrics_result_or_logs(self._logs))

    def last_outputs(self):
        """The predictions of the last step, for callbacks."""
        return nest.map_structure(to_numpy, self._outputs[-1])

    def outputs(self):
        if not self._outputs:
            raise ValueError("predict() received no data: there was no batch to run on")
        batches = [nest.flatten(out) for out in self._outputs]
        flat = [_join([batch[k] for batch in batches]) for k in range(len(batches[0]))]
        return nest.pack_sequence_as(self._outputs[0], flat)

    def end_epoch(self):
        self.source.end_epoch()

    def close(self):
        self.source.close()


class Progress:
    """The logs of a moment that may still be on their way from a GPU."""

    def __init__(self, mode, snapshot):
        self.mode = mode
        self._snapshot = snapshot

    def logs(self):
        return pythonify_logs(self._snapshot.read())


def device_of(model) -> str:
    """Where a model computes: where its variables are; the current device before it has any."""
    v = model._any_variable()
    return devices.current_device() if v is None else v.value.device


def to_numpy(x):
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def _join(parts):
    if len(parts) == 1:
        return to_numpy(parts[0])
    return np.concatenate([part._host() if isinstance(part, Tensor) else np.asarray(part) for part in parts])


def make_runner(model, mode, adapter, steps_per_epoch=None):
    """The runner of these steps; `mode` is "train", "test" or "predict"."""
    from kerasgpu.training import program_runner

    source = make_source(adapter, steps_per_epoch, from_the_top=mode != "train")
    if not program_runner.can_capture(model):
        return EagerRunner(model, mode, source)
    where = device_of(model)
    if isinstance(source, ArraySource) and program_runner.fits(model, mode, adapter, where):
        from kerasgpu.training.captured_runner import CapturedRunner

        return CapturedRunner(model, mode, source)
    if where.startswith("cpu"):
        return EagerRunner(model, mode, source)
    from kerasgpu.training.streamed_runner import StreamedRunner

    return StreamedRunner(model, mode, source)


def batch_step(model, mode):
    """The step function for batches that come one by one: captured, unless the model runs eagerly."""
    from kerasgpu.training import program_runner

    return program_runner.captured_step(model, mode)


def inference_step(function):
    """A test or predict step: nothing in it is recorded for gradients."""

    def step(batch):
        with tape.no_grad():
            return function(batch)

    return step
