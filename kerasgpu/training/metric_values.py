"""Resetting metrics and reading their values between epochs, without running operations for the common ones.

An epoch of a small model takes less time than the operations of `reset_state()` and `result()` of a few metrics. Means are
therefore cleared by one copy per variable and divided on the host; all other metrics use their own methods.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import state
from kerasgpu.kernels import launch
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
        variable.assign(0.0 if not buffer.shape else np.zeros(buffer.shape, buffer.dtype))
        return
    key = (buffer.shape, buffer.dtype)
    zeros = _zeros.get(key)
    if zeros is None:
        zeros = _zeros[key] = np.zeros(*key)
    launch.launch("copy", (zeros,), (buffer,))


def read(model) -> dict:
    """What `model.get_metrics_result()` returns, with numbers for the metrics that are means."""
    if not model._is_default("get_metrics_result"):
        return model.get_metrics_result()
    found: dict = {}
    for metric in model.metrics:
        if isinstance(metric, CompileMetrics):
            found.update((name, _value(m)) for name, m in metric.named_metrics())
            continue
        value = _value(metric)
        if isinstance(value, dict):
            found.update(value)
        else:
            found[metric.name] = value
    return found


def _value(metric):
    if type(metric).result is not Mean.result or "result" in metric.__dict__ or state.thread.stateless_scope is not None:
        return metric.result()
    total, count = metric.total._tensor._host(), metric.count._tensor._host()
    return float(total / count) if count != 0 else 0.0
