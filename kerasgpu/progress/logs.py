"""Logs: what steps report, as plain Python numbers."""

from __future__ import annotations

import weakref


def pythonify_logs(logs) -> dict:
    """The logs in sorted order, nested dicts flattened, and whatever converts to a float converted."""
    result: dict = {}
    for key in sorted(logs or ()):
        value = logs[key]
        if isinstance(value, dict):
            result.update(pythonify_logs(value))
            continue
        if type(value) is not float:
            try:
                value = float(value)
            except (TypeError, ValueError):
                pass
        result[key] = value
    return result


class LazyLogs(dict):
    """Logs of a step on a GPU, for which the host waits when they are first looked at: a callback that counts batches holds up nothing.

    `read()` gives the numbers as they are now. They stay those of their step: whatever changes them calls `settle` before, which
    reads them if somebody still holds the logs.
    """

    def __init__(self, read):
        super().__init__({"": None})  # not empty: C code that asks for the size alone goes on to ask for the items
        self._read = read

    def _fill(self):
        if self._read is not None:
            read, self._read = self._read, None
            dict.clear(self)
            dict.update(self, read())

    def __bool__(self):
        return self._read is not None or dict.__len__(self) > 0  # `logs or {}` looks at no number

    def __reduce__(self):
        self._fill()
        return dict, (dict(self),)


def lazy(model, read) -> LazyLogs:
    """LazyLogs that the next step of the model, or a reset of its metrics, settles."""
    logs = LazyLogs(read)
    model.__dict__["_lazy_logs"] = weakref.ref(logs)
    return logs


def settle(model) -> None:
    """Before the metrics of a model change: read the logs of the step before, if anybody holds them."""
    held = model.__dict__.pop("_lazy_logs", None)
    logs = held and held()
    if logs is not None:
        logs._fill()


def _filled(name):
    inner = getattr(dict, name)

    def method(self, *args, **kwargs):
        for logs in (self, *args):
            if type(logs) is LazyLogs:
                logs._fill()
        return inner(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    "__contains__ __delitem__ __eq__ __getitem__ __ior__ __iter__ __len__ __ne__ __or__ __repr__ __reversed__ __ror__ __setitem__ "
    "clear copy get items keys pop popitem setdefault update values"
).split():
    setattr(LazyLogs, _name, _filled(_name))
