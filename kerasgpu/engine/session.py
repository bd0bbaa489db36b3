"""Forgetting what a process has gathered: automatic names, the random state, cached memory."""

from __future__ import annotations

import gc

from kerasgpu.engine import naming, state
from kerasgpu.engine.memory import empty_cache


def clear_session(free_memory: bool = True) -> None:
    """Forget automatic names and the global random state, and give cached memory back to the system.

    Nothing else needs clearing: models hold no global graph and are freed like any Python object.
    """
    naming.reset_uids()
    state.thread.attributes.clear()
    if free_memory:
        gc.collect()
        empty_cache()
