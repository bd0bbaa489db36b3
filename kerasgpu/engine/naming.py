"""Automatic names: Dense -> "dense", "dense_1", ..."""

from __future__ import annotations

import re

from kerasgpu.engine import state


def to_snake_case(name: str) -> str:
    """ "MaxPooling2D" -> "max_pooling2d", "MyHTTPLayer" -> "my_http_layer"."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(name: str) -> str:
    counts = state.get_global_attribute("name_counts", {}, set_to_default=True)
    if name in counts:
        counts[name] += 1
        return f"{name}_{counts[name]}"
    counts[name] = 0
    return name


def auto_name(prefix: str) -> str:
    """The next free name for this class name or prefix."""
    return uniquify(to_snake_case(prefix))


def get_uid(prefix: str = "") -> int:
    """Number of names asked for with this prefix so far, starting from 1."""
    uids = state.get_global_attribute("uids", {}, set_to_default=True)
    uids[prefix] = uids.get(prefix, 0) + 1
    return uids[prefix]


def reset_uids() -> None:
    state.thread.attributes.pop("name_counts", None)
    state.thread.attributes.pop("uids", None)


class name_scope:
    """Context manager: variables made inside get paths that start with this name, as in Keras."""

    def __init__(self, name, caller=None, deduplicate=True, override_parent=None):
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Argument `name` must be a string without '/'. Received: name={name}")
        self.name, self.caller, self.deduplicate, self.override_parent = name, caller, deduplicate, override_parent
        self._pushed = False

    def __enter__(self):
        scopes = state.thread.name_scopes
        # A layer that calls itself again (a nested call of the same object) does not nest its name.
        if self.deduplicate and self.caller is not None and scopes:
            top = scopes[-1]
            if top.caller is not None and top.caller is self.caller and top.name == self.name:
                return self
        scopes.append(self)
        self._pushed = True
        return self

    def __exit__(self, *exc):
        if self._pushed:
            state.thread.name_scopes.pop()
            self._pushed = False


def current_path() -> str:
    parts: list[str] = []
    for entry in state.thread.name_scopes:
        if entry.override_parent is not None:
            parts = [p for p in str(entry.override_parent).split("/") if p]
        parts.append(entry.name)
    return "/".join(parts)
