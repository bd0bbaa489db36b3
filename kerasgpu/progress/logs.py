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


def read_logs(logs) -> dict:
    """The logs of a batch in a hook that may have been given a function that reads them (Callback._logs_of_batches)."""
    return logs() if callable(logs) else logs or {}
