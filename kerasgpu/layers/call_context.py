"""What a layer call passes on to the calls inside it: `training` and other registered arguments."""

from __future__ import annotations

import threading

from kerasgpu.engine import remat


class _Active(threading.local):
    context = None
    # The number that stands for unknown dims while shapes are inferred (engine/symbolic.py), for build().
    fill = None


active = _Active()
# Layers called inside keras.remat see the same `training` when they are called again.
remat.CONTEXT.append((lambda: active.context, lambda value: setattr(active, "context", value)))


class CallContext:
    """Values of context arguments for the layers called inside `entry_layer`."""

    __slots__ = ("entry_layer", "values")

    def __init__(self, entry_layer, values=None):
        self.entry_layer = entry_layer
        self.values = values or {}

    def get_value(self, name, default=None):
        found = self.values.get(name)
        return default if found is None else found

    def set_value(self, name, value):
        self.values[name] = value


class context_values:
    """Context manager: layers called inside see these values (None leaves what there was)."""

    def __init__(self, layer, values):
        self.layer = layer
        self.given = {k: v for k, v in values.items() if v is not None}

    def __enter__(self):
        self.before = active.context
        old = self.before.values if self.before is not None else {}
        active.context = CallContext(self.before.entry_layer if self.before else self.layer, {**old, **self.given})

    def __exit__(self, *exc):
        active.context = self.before
