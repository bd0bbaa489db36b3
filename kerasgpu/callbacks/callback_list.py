"""CallbackList: calls the callbacks that care, and knows whether any of them wants to see single batches."""

from __future__ import annotations

import dis
import inspect

from kerasgpu.callbacks.callback import Callback
from kerasgpu.callbacks.history import History
from kerasgpu.callbacks.progbar_logger import ProgbarLogger
from kerasgpu.engine import nest
from kerasgpu.progress.logs import pythonify_logs

# Each hook and the older name that its default calls.
_HOOKS = {
    "on_batch_begin": None,
    "on_batch_end": None,
    "on_epoch_begin": None,
    "on_epoch_end": None,
    "on_train_batch_begin": "on_batch_begin",
    "on_train_batch_end": "on_batch_end",
    "on_test_batch_begin": None,
    "on_test_batch_end": None,
    "on_predict_batch_begin": None,
    "on_predict_batch_end": None,
    "on_train_begin": None,
    "on_train_end": None,
    "on_test_begin": None,
    "on_test_end": None,
    "on_predict_begin": None,
    "on_predict_end": None,
}

_SEES_ALL_NAMES = frozenset({"locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe", "breakpoint", "set_trace"})


def _overrides(callback, hook) -> bool:
    method = getattr(callback, hook, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(Callback, hook)


def _listens(callback, hook) -> bool:
    older = _HOOKS[hook]
    return _overrides(callback, hook) or (older is not None and _overrides(callback, older))


class CallbackList(Callback):
    """Several callbacks behind the methods of one.

    Args:
        callbacks: list of callbacks.
        add_history, add_progbar: add a History, a ProgbarLogger, if there is none.
        model: the model they are for.
        params: keywords passed on by `set_params`: verbose, epochs, steps.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        self.callbacks = [c for c in nest.flatten(callbacks) if c is not None] if callbacks else []
        for callback in self.callbacks:
            if not any(hasattr(callback, hook) for hook in _HOOKS):
                raise TypeError(
                    f"`callbacks` must hold keras.callbacks.Callback objects. Received: {callback!r}"
                    + ("; make an instance of the class" if isinstance(callback, type) else "")
                )
            if isinstance(callback, type):
                raise TypeError(
                    f"`callbacks` must hold instances; received the class {callback.__name__}: write {callback.__name__}(...)"
                )
        self._progbar = next((c for c in self.callbacks if isinstance(c, ProgbarLogger)), None)
        self._history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        if self._progbar is None and add_progbar:
            self._progbar = ProgbarLogger()
            self.callbacks.append(self._progbar)
        self._find_listeners()
        self.set_model(model)
        self.set_params(params)

    def _find_listeners(self):
        ordered = sorted(self.callbacks, key=lambda c: bool(getattr(c, "_after_others", False)))
        self._listeners = {hook: [getattr(c, hook) for c in ordered if _listens(c, hook)] for hook in _HOOKS}

    def append(self, callback):
        """Add a callback."""
        self.callbacks.append(callback)
        self._find_listeners()

    def set_params(self, params):
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model):
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.__dict__["history"] = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    # -- for the loops ------------------------------------------------------------------------------------------
    def has_batch_hooks(self, mode) -> bool:
        """Whether a callback other than the progress bar has something to do at batches of this mode."""
        hooks = (f"on_{mode}_batch_begin", f"on_{mode}_batch_end")
        for callback in self.callbacks:
            if not any(_listens(callback, hook) for hook in hooks) or (type(callback) is ProgbarLogger):
                continue
            own = all(_is_ours(callback, hook) for hook in (*hooks, "on_batch_begin", "on_batch_end"))
            if not own or callback._uses_batches():
                return True
        return False

    def defers_logs(self, mode) -> bool:
        """Whether `on_..._batch_end` may get a function that reads the logs, since no hook that it calls wants a dict.

        A hook that a user wrote may change the metrics (by evaluating, say): after one, nothing is left to be read.
        """
        hook = f"on_{mode}_batch_end"
        kinds = {_use_of_logs(listener) for listener in self._listeners[hook]}
        overridden = getattr(type(self), hook) is not getattr(CallbackList, hook)
        return not overridden and "given" not in kinds and not {"deferred", "ignored"} <= kinds

    def live_progress(self, mode):
        """The progress bar to redraw while steps of this mode run, or None."""
        bar = self._progbar
        return bar if type(bar) is ProgbarLogger and bar.is_live(mode) else None

    def on_interrupt(self):
        """An exception or Ctrl-C has ended the loop."""
        for callback in self.callbacks:
            release = getattr(callback, "_on_interrupt", None)
            if release is not None:
                try:
                    release()
                except Exception:
                    continue  # the exception that ended the loop matters more

    # -- hooks --------------------------------------------------------------------------------------------------
    def _call(self, hook, *args, logs=None):
        listeners = self._listeners[hook]
        if listeners:
            logs = logs if callable(logs) else pythonify_logs(logs)
            for listener in listeners:
                listener(*args, logs)


def _is_ours(callback, hook) -> bool:
    method = getattr(callback, hook, None)
    return str(getattr(method, "__module__", "")).startswith("kerasgpu.callbacks.")


def _use_of_logs(method) -> str:
    """What a hook at the end of a batch does with its logs: of ours see Callback._logs_of_batches, of users "given" or "ignored"."""
    owner = getattr(method, "__self__", None)
    if isinstance(owner, Callback) and _is_ours(owner, method.__name__):
        return owner._logs_of_batches
    return "ignored" if _never_looks(method) else "given"


def _never_looks(method) -> bool:
    """Whether a hook (batch, logs) is a plain function whose code does not mention its second parameter: one that counts batches,
    say. Nothing is read for it. In doubt it looks."""
    function = getattr(method, "__func__", method)
    code = getattr(function, "__code__", None)
    place = 2 if method is not function else 1
    if code is None or code.co_argcount <= place or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return False
    name = code.co_varnames[place]
    if name in code.co_cellvars or not _SEES_ALL_NAMES.isdisjoint(code.co_names):
        return False
    used = [i.argval for i in dis.get_instructions(code)]
    return not any(name == x or (isinstance(x, tuple) and name in x) for x in used)


def _with_index(hook):
    def method(self, index, logs=None):
        self._call(hook, index, logs=logs)

    return method


def _without_index(hook):
    def method(self, logs=None):
        self._call(hook, logs=logs)

    return method


for _hook in _HOOKS:
    _make = _with_index if "batch" in _hook or "epoch" in _hook else _without_index
    _method = _make(_hook)
    _method.__name__ = _hook
    _method.__doc__ = f"Call {_hook} of every callback that has it."
    setattr(CallbackList, _hook, _method)
