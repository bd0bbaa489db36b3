"""Logs: what steps report, as plain Python numbers."""

from __future__ import annotations


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
    """Logs of a step on a GPU: the numbers of that step, for which the host waits when they are first looked at.

    A callback that only counts batches does not hold up the GPU.
    """

    def __init__(self, snapshot):
        super().__init__()
        self._snapshot = snapshot

    def _fill(self):
        if self._snapshot is not None:
            snapshot, self._snapshot = self._snapshot, None
            dict.update(self, pythonify_logs(snapshot.read()))

    def __bool__(self):
        return self._snapshot is not None or dict.__len__(self) > 0  # `logs or {}` looks at no number

    def __reduce__(self):
        self._fill()
        return dict, (dict(self),)


def _filled(name):
    inner = getattr(dict, name)

    def method(self, *args, **kwargs):
        self._fill()
        return inner(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in (
    "__contains__ __delitem__ __eq__ __getitem__ __ior__ __iter__ __len__ __ne__ __or__ __repr__ __reversed__ __ror__ __setitem__ "
    "clear copy get items keys pop popitem setdefault update values"
).split():
    setattr(LazyLogs, _name, _filled(_name))
