"""MonitorCallback: base of callbacks that act when a logged quantity stops (or goes on) improving."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import ops
from kerasgpu.callbacks.callback import Callback

_UP = ("acc", "accuracy", "auc", "precision", "recall", "iou", "f1", "fbeta", "score", "cosine", "true_")


def _is_nan(value) -> bool:
    return np.ndim(value) == 0 and bool(np.isnan(float(value)))


class MonitorCallback(Callback):
    """Decides whether a value is an improvement.

    Args:
        monitor: name of the log, such as "val_loss".
        mode: "min", "max", or "auto": "min" for losses, else what the metric says of itself.
        baseline: first best value; None takes the first value seen.
        min_delta: smallest change that counts.

    Raises ValueError in mode "auto" for a quantity of unknown direction.
    """

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.", stacklevel=2)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op = None

    def _set_monitor_op(self):
        direction = self.mode if self.mode != "auto" else self._direction_of(self.monitor.removeprefix("val_"))
        if direction is None:
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but Keras isn't able to automatically "
                "determine whether "
                "that metric should be maximized or minimized. Pass `mode='max'` in order to monitor based on the highest "
                "metric value, "
                "or pass `mode='min'` in order to use the lowest value."
            )
        self.monitor_op = ops.less if direction == "min" else ops.greater
        if direction == "min":
            self.min_delta *= -1

    def _direction_of(self, name):
        """ "min", "max" or None, from the compiled metric of this name (with or without the name of its output in front)."""
        if name == "loss" or name.endswith("_loss"):
            return "min"
        compiled = getattr(self.model, "_compile_metrics", None)
        for metric in list(getattr(compiled, "metrics", [])) + list(getattr(self.model, "metrics", [])):
            if metric.name == name or name.endswith(f"_{metric.name}"):
                direction = getattr(metric, "_direction", None)
                if direction is not None:
                    return "max" if direction == "up" else "min"
                if any(part in metric.name.lower() for part in _UP):
                    return "max"
        return None

    def _is_improvement(self, value, reference):
        """Whether value is better than reference (None: none so far). NaN never is, and anything is better than NaN."""
        if _is_nan(value):
            return False
        if reference is not None and _is_nan(reference):
            return True
        return reference is None or bool(self.monitor_op(value - self.min_delta, reference))
