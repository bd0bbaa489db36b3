"""Per-process switches that the engine reads on every operation, kept as plain module attributes for speed."""

from __future__ import annotations

import threading

# Gradients are recorded while this is true (see tape.no_grad).
grad_enabled = True

# > 0 while shapes are inferred: no variable is assigned, no random state advances, no data is computed.
shape_only = 0

# The active StatelessScope, or None.
stateless_scope = None

# What a rematerialized function reads and writes (engine/remat.py), or None.
watcher = None

# The active AutocastScope dtype ("float16", ...), or None.
autocast_dtype = None

# Counts moves of variables between devices: programs recorded before one hold addresses that are no longer theirs.
variables_moved = 0


class ThreadState(threading.local):
    """State of the front end that belongs to one thread: name scopes, default device, custom objects."""

    def __init__(self):
        self.device = None
        self.name_scopes: list = []
        self.attributes: dict = {}
        # While a model file is loaded: what its variables may allocate.
        self.variable_budget = None


thread = ThreadState()


def get_global_attribute(name, default=None, set_to_default=False):
    found = thread.attributes.get(name)
    if found is None and default is not None:
        found = default
        if set_to_default:
            thread.attributes[name] = default
    return found


def set_global_attribute(name, value):
    thread.attributes[name] = value


class shape_only_scope:
    """Inside, operations work out shapes and dtypes and change no state."""

    def __enter__(self):
        global shape_only
        shape_only += 1
        return self

    def __exit__(self, *exc):
        global shape_only
        shape_only -= 1
