"""Tracebacks that show a user's own lines: of ours only the last few are kept.

`keras.config.disable_traceback_filtering()` shows everything.
"""

from __future__ import annotations

import os
import threading
import types

from kerasgpu import config

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OURS = 2  # frames of the package that are kept, beside the one of the method that was called


class user_tracebacks:
    """Context manager: errors leave it with a shortened traceback. Nested ones leave that to the outermost.

    Not a decorator, which would put a frame of its own into every traceback.
    """

    __slots__ = ("_outermost",)

    def __enter__(self):
        self._outermost = not _state.inside and config.is_traceback_filtering_enabled()
        if self._outermost:
            _state.inside = True

    def __exit__(self, kind, error, traceback):
        if self._outermost:
            _state.inside = False
            if isinstance(error, Exception):
                shorten(error)


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


__all__ = ["shorten", "user_tracebacks"]
