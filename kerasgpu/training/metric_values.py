"""Resetting metrics and reading their values between epochs, without running operations for the common ones.

An epoch of a small model takes less time than the operations of `reset_state()` and `result()` of a few metrics. Means are
therefore cleared by one copy per variable and divided on the host; all other metrics use their own methods.

On a GPU nothing waits: `snapshot` starts copies of the values as they are at this point of the work, and `Snapshot.read` waits for them.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import cuda
from kerasgpu.engine import device as devices
from kerasgpu.engine import state
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch, movement
from kerasgpu.metrics import Mean
from kerasgpu.training.compile_metrics import CompileMetrics

_zeros: dict = {}  # (shape, dtype) -> host array


def reset(metrics) -> None:
    """Start these metrics anew."""
    for metric in metrics:
        if isinstance(metric, CompileMetrics):
            reset(metric.metrics)
        elif _is_cleared_by_zeros(metric) and state.thread.stateless_scope is None and not state.thread.shape_only:
            for v in metric._variables:
                _clear(v)
        else:
            metric.reset_state()


def _is_cleared_by_zeros(metric) -> bool:
    return type(metric).reset_state is Mean.reset_state and "reset_state" not in metric.__dict__ and not metric._metrics


def _clear(variable) -> None:
    buffer = variable.writable()
    if not launch.is_host(buffer):
        movement.fill(buffer, 0)
        return
    key = (buffer.shape, buffer.dtype)
    zeros = _zeros.get(key)
    if zeros is None:
        zeros = _zeros[key] = np.zeros(*key)
    launch.launch("copy", (zeros,), (buffer,))


class Snapshot:
    """Values of metrics at one moment, from {name: number, tensor or pair (total, count)}; those on a GPU are on their way to the host.

    It holds no tensor: a variable whose value someone holds would be copied before the next step writes to it.
    """

    def __init__(self, values: dict):
        tensors: list = []
        self._values = _without_tensors(values, tensors)
        places = {x.device for x in tensors}
        if len(places) == 1 and places != {"cpu:0"}:
            self._arrays = cuda.download([x._data for x in tensors], devices.parse(places.pop())[1]).arrays
        else:
            here = [np.array(x._host()) for x in tensors]
            self._arrays = lambda: here

    def read(self) -> dict:
        """{name: value}; waits for what is still under way."""
        return _with_values(self._values, self._arrays())


class _Mean(tuple):
    """(total, count) of a mean."""


class _Place(int):
    """Number of a tensor's value among the arrays of a snapshot."""


def _without_tensors(x, tensors):
    if isinstance(x, dict):
        return {name: _without_tensors(v, tensors) for name, v in x.items()}
    if type(x) is _Mean:
        return _Mean(_without_tensors(v, tensors) for v in x)
    if isinstance(x, Tensor):
        tensors.append(x)
        return _Place(len(tensors) - 1)
    return x


def _with_values(x, arrays):
    if isinstance(x, dict):
        return {name: _with_values(v, arrays) for name, v in x.items()}
    if type(x) is _Mean:
        total, count = (arrays[k] for k in x)
        return float(total / count) if count != 0 else 0.0
    return arrays[x] if type(x) is _Place else x


def snapshot(model, logs=None) -> Snapshot:
    """The logs of a step as they are now: what the step returned, else the metrics of the model."""
    return Snapshot(_collect(model, lambda total, count: _Mean((total, count))) if logs is None else logs)


def read(model) -> dict:
    """What `model.get_metrics_result()` returns, with numbers for the metrics that are means."""
    tracker = model._loss_tracker
    if tracker is not None and not launch.is_host(tracker.total._tensor._data):
        return snapshot(model).read()
    return _collect(model, _divided)


def _divided(total, count):
    total, count = total._host(), count._host()
    return float(total / count) if count != 0 else 0.0


def _collect(model, mean) -> dict:
    if not model._is_default("get_metrics_result"):
        return model.get_metrics_result()
    found: dict = {}
    for metric in model.metrics:
        if isinstance(metric, CompileMetrics):
            found.update((name, _value(m, mean)) for name, m in metric.named_metrics())
            continue
        value = _value(metric, mean)
        if isinstance(value, dict):
            found.update(value)
        else:
            found[metric.name] = value
    return found


def _value(metric, mean):
    if type(metric).result is not Mean.result or "result" in metric.__dict__ or state.thread.stateless_scope is not None:
        return metric.result()
    return mean(metric.total._tensor, metric.count._tensor)
