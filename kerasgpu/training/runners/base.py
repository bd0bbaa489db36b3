"""What the loops see of a runner (`Runner`), and what the runners have in common (`StepRunner`)."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.progress.logs import pythonify_logs
from kerasgpu.training import checks, metric_values
from kerasgpu.training.source import ArraySource

STOP_FLAGS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


class Moment(Protocol):
    """The logs of a moment: for a runner, as they are after its last step."""

    mode: str

    def logs(self) -> dict:
        """{name: number}; waits for a GPU if they are still on their way."""


class Runner(Moment, Protocol):
    """Runs the steps of an epoch. The loops of fit, evaluate and predict use nothing but this:

    runner = make_runner(model, "train", adapter, steps_per_epoch)
    for each epoch: runner.begin_epoch(), runner.run(n) until it returns 0, runner.epoch_logs(), runner.end_epoch()
    runner.close()

    `mode` is "train", "test" or "predict".
    """

    source: Any  # where batches come from (training/source.py); a callback that resumes training sets its position

    @property
    def num_batches(self) -> int | None:
        """Steps of an epoch; None where the data does not tell."""

    @property
    def ran_out(self) -> bool:
        """Whether the data has ended for good (a generator)."""

    def begin_epoch(self) -> None:
        """Start over: new order, no logs, no outputs."""

    def has_next(self) -> bool:
        """Whether the epoch has another step. May fetch it."""

    def run(self, max_steps: int) -> int:
        """Run up to `max_steps` steps, fewer where the epoch or the model's stop flag ends them; how many ran, 0 at the end."""

    def epoch_logs(self) -> dict:
        """The logs of the epoch as a dict of the caller's own: the model's metrics, unless the step returned others."""

    def snapshot(self) -> Moment:
        """The logs of this moment, for a progress bar that shows them while later steps run; itself where they are at hand."""

    def last_outputs(self) -> Any:
        """Mode "predict": the predictions of the last step as NumPy arrays, for hooks of batches."""

    def outputs(self) -> Any:
        """Mode "predict": the predictions of all steps of the epoch, joined. ValueError where there was no step."""

    def end_epoch(self) -> None:
        """The epoch is over, complete or not: the data may prepare the next one."""

    def close(self) -> None:
        """Stop background work of the data, let go of arrays."""


class StepRunner:
    """What all runners share: the model and its data, the logs and outputs of the steps that ran. Subclasses have `run`."""

    def __init__(self, model, mode, source):
        self.model = model
        self.mode = mode
        self.source = source
        self.where = device_of(model)
        self._step = model._step_function(mode)
        self._stop = STOP_FLAGS[mode]
        self._logs = None
        self._outputs: list = []
        # Arrays in memory were looked at as a whole.
        self._check = None if mode == "predict" or isinstance(source, ArraySource) else checks.label_check(model)

    @property
    def num_batches(self):
        return self.source.num_batches

    @property
    def ran_out(self):
        return self.source.ran_out

    def begin_epoch(self):
        self._logs = None
        self._outputs = []
        self.source.begin_epoch()

    def has_next(self):
        return self.source.has_next()

    def logs(self):
        """The logs of the last step: what the step returned, else the metrics of the model."""
        if self._logs is None:
            return pythonify_logs(metric_values.read(self.model))
        return pythonify_logs(metric_values.snapshot(self.model, self._logs).read())

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


def to_host(array) -> np.ndarray:
    return array if launch.is_host(array) else array.get()
