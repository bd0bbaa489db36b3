"""Switches that the engine reads on every operation. Each thread has its own, so that a data pipeline may work beside training."""

from __future__ import annotations

import threading

# Counts moves of variables between devices: programs recorded before one hold addresses that are no longer theirs.
variables_moved = 0


class ThreadState(threading.local):
    """What belongs to one thread. The class attributes are the values that a new thread begins with."""

    # Gradients are recorded while this is true (see tape.no_grad).
    grad_enabled = True
    # How many GradientTapes are recording.
    tapes = 0
    # What the tapes that record together share (tape.Recording), or None.
    recording = None
    # > 0 while shapes are inferred: no variable is assigned, no random state advances, no data is computed.
    shape_only = 0
    # The active StatelessScope, or None.
    stateless_scope = None
    # What a rematerialized function reads and writes (engine/remat.py), or None.
    watcher = None
    # The active AutocastScope dtype ("float16", ...), or None.
    autocast_dtype = None
    # Where a data pipeline's worker takes random states from (data/seeds.py), or None: from the generators themselves.
    draws = None
    # The device of new tensors, or None for the default one.
    device = None
    # While a model file is loaded: what its variables may allocate.
    variable_budget = None

    def __init__(self):
        self.name_scopes: list = []
        self.attributes: dict = {}


thread = ThreadState()


def __getattr__(name):
    """Reading a switch through the module reads that of this thread."""
    return getattr(thread, name)


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
        thread.shape_only += 1
        return self

    def __exit__(self, *exc):
        thread.shape_only -= 1


PER_OUTPUT = 1024  # bytes that an output of an operation needs in Python, whatever its size


def spend_while_loading(count: int) -> None:
    """While a model is read from a file: take bytes from what its config may ask for. For loops over a number in a config."""
    if thread.variable_budget is not None:
        thread.variable_budget.take((count,), 1)
