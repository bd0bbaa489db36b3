"""Tracebacks that show a user's own lines: of ours only the last few are kept.

`keras.config.disable_traceback_filtering()` shows everything.
"""

from __future__ import annotations

import functools
import os
import threading
import types

from kerasgpu import config

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OURS = 2  # frames of the package that are kept, beside the one of the method that was called


def filtered(method):
    """The method with its errors' tracebacks shortened. Nested calls leave that to the outermost one."""

    @functools.wraps(method)
    def call(*args, **kwargs):
        if _state.inside or not config.is_traceback_filtering_enabled():
            return method(*args, **kwargs)
        _state.inside = True
        try:
            return method(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise
        finally:
            _state.inside = False

    return call


class _State(threading.local):
    inside = False


_state = _State()


def shorten(error) -> None:
    """Drop the frames of this package from the tracebacks of an error and its causes, except the first and the last ones."""
    seen: set = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = _short(error.__traceback__)
        error = error.__cause__ or error.__context__


def _short(traceback):
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    ours = [k for k, t in enumerate(frames) if t.tb_frame.f_code.co_filename.startswith(_PACKAGE)]
    kept = {*ours[:1], *ours[-_OURS:]}
    made = None
    for k in reversed(range(len(frames))):
        if k in kept or k not in ours:
            t = frames[k]
            made = types.TracebackType(made, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return made


__all__ = ["filtered", "shorten"]
