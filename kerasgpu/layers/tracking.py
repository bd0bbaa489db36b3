"""Attribute tracking: variables, sublayers, metrics and seed generators assigned to a layer are found, also inside lists
and dicts."""

from __future__ import annotations

import functools
from collections import OrderedDict

from kerasgpu.engine import state
from kerasgpu.engine.variable import Variable

# Values of these types hold nothing to track; checked first because most attributes are of one of them.
PLAIN_TYPES = frozenset({bool, int, float, str, type(None), complex, bytes})


class DotNotTrackScope:
    """Context manager: attributes assigned inside are not tracked."""

    def __enter__(self):
        self._before = state.thread.attributes.get("tracking_on", True)
        state.thread.attributes["tracking_on"] = False

    def __exit__(self, *exc):
        state.thread.attributes["tracking_on"] = self._before


def is_tracking_enabled():
    return state.thread.attributes.get("tracking_on", True)


def no_automatic_dependency_tracking(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with DotNotTrackScope():
            return function(*args, **kwargs)

    return wrapper


@functools.lru_cache(None)
def _kind(cls):
    """Which store objects of this class belong to; by name for classes of packages that import this one."""
    for base in cls.__mro__:
        if base is Variable:
            return "variable"
        module = base.__module__
        if base.__name__ == "Metric" and module.startswith("kerasgpu.metrics"):
            return "metrics"
        if base.__name__ == "Layer" and module.startswith("kerasgpu.layers"):
            return "layers"
        if base.__name__ == "SeedGenerator" and module.startswith("kerasgpu."):
            return "seed_generators"
    return None


class Tracker:
    """Puts tracked objects into the lists of a layer, each once, and refuses new ones when locked."""

    def __init__(self, stores):
        self.stores = stores
        self.stored_ids = {name: {id(x) for x in store} for name, store in stores.items()}
        self.locked = False
        self._lock_violation_msg = None

    def track(self, value):
        """The value itself, or a tracked copy of a container, after its parts were stored."""
        kind = _kind(type(value))
        if kind is not None:
            if not is_tracking_enabled():
                return value
            if kind == "variable":
                if self.is_in_store("trainable_variables", value) or self.is_in_store("non_trainable_variables", value):
                    return value
                kind = "trainable_variables" if value.trainable else "non_trainable_variables"
            if not self.is_in_store(kind, value):
                self.add_to_store(kind, value)
            return value
        if isinstance(value, (list, tuple, dict, set)) and is_tracking_enabled():
            return self._track_container(value)
        return value

    def _track_container(self, value):
        if isinstance(value, tuple):
            if hasattr(value, "_fields"):
                return type(value)(*(self.track(v) for v in value))
            return (
                type(value)(self.track(v) for v in value) if type(value) is not tuple else tuple(self.track(v) for v in value)
            )
        if isinstance(value, list):
            return TrackedList(value, self)
        if isinstance(value, OrderedDict):
            return TrackedOrderedDict(value, self)
        if isinstance(value, dict):
            return TrackedDict(value, self)
        return TrackedSet(value, self)

    def untrack(self, value):
        for name, ids in self.stored_ids.items():
            if id(value) in ids:
                ids.remove(id(value))
                store = self.stores[name]
                store[:] = [x for x in store if x is not value]

    def lock(self, msg=None):
        self.locked = True
        if msg is not None:
            self._lock_violation_msg = msg

    def unlock(self):
        self.locked = False

    def add_to_store(self, name, value):
        if self.locked:
            raise ValueError(self._lock_violation_msg)
        self.stores[name].append(value)
        self.stored_ids[name].add(id(value))

    def is_in_store(self, name, value):
        return id(value) in self.stored_ids[name]

    def __deepcopy__(self, memo):
        import copy

        twin = object.__new__(Tracker)
        memo[id(self)] = twin
        twin.stores = {name: copy.deepcopy(store, memo) for name, store in self.stores.items()}
        twin.stored_ids = {name: {id(x) for x in store} for name, store in twin.stores.items()}
        twin.locked, twin._lock_violation_msg = self.locked, self._lock_violation_msg
        return twin

    def __getstate__(self):
        return {"stores": self.stores, "locked": self.locked, "_lock_violation_msg": self._lock_violation_msg}

    def __setstate__(self, saved):
        self.__dict__.update(saved)
        self.stored_ids = {name: {id(x) for x in store} for name, store in self.stores.items()}


class _Tracked:
    """What the tracked containers share: `tracker` is None for copies that belong to no layer."""

    tracker = None

    def _track(self, value):
        return value if self.tracker is None else self.tracker.track(value)

    def _untrack(self, value):
        if self.tracker is not None:
            self.tracker.untrack(value)


class TrackedList(_Tracked, list):
    """A list whose elements are tracked, also those added later."""

    def __init__(self, values=None, tracker=None):
        self.tracker = tracker
        super().__init__(self._track(v) for v in values or ())

    def append(self, value):
        super().append(self._track(value))

    def insert(self, index, value):
        super().insert(index, self._track(value))

    def extend(self, values):
        super().extend([self._track(v) for v in values])

    def __iadd__(self, values):  # type: ignore[misc]
        self.extend(values)
        return self

    def __setitem__(self, index, value):
        super().__setitem__(index, [self._track(v) for v in value] if isinstance(index, slice) else self._track(value))

    def remove(self, value):
        for k, v in enumerate(self):
            if v is value:
                self._untrack(value)
                return super().__delitem__(k)
        self._untrack(value)
        super().remove(value)

    def pop(self, index=-1):
        value = super().pop(index)
        self._untrack(value)
        return value

    def clear(self):
        for value in self:
            self._untrack(value)
        super().clear()

    def __delitem__(self, index):
        gone = self[index] if isinstance(index, slice) else [self[index]]
        super().__delitem__(index)
        for value in gone:
            self._untrack(value)

    def __reduce__(self):
        return TrackedList, (list(self), None)

    def __deepcopy__(self, memo):
        import copy

        return TrackedList([copy.deepcopy(v, memo) for v in self], copy.deepcopy(self.tracker, memo))


class _TrackedMapping(_Tracked):
    def __setitem__(self, key, value):
        super().__setitem__(key, self._track(value))

    def update(self, mapping=(), **more):
        for key, value in dict(mapping, **more).items():
            self[key] = value

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key, *default):
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        found = key in self
        value = super().pop(key, *default)
        if found:
            self._untrack(value)
        return value

    def popitem(self):
        key, value = super().popitem()
        self._untrack(value)
        return key, value

    def clear(self):
        for value in self.values():
            self._untrack(value)
        super().clear()

    def __delitem__(self, key):
        value = self[key]
        super().__delitem__(key)
        self._untrack(value)

    def __deepcopy__(self, memo):
        import copy

        return type(self)([(k, copy.deepcopy(v, memo)) for k, v in self.items()], copy.deepcopy(self.tracker, memo))


class TrackedDict(_TrackedMapping, dict):  # type: ignore[misc]
    """A dict whose values are tracked, also those added later."""

    def __init__(self, values=None, tracker=None):
        self.tracker = tracker
        super().__init__()
        self.update(values or {})

    def __reduce__(self):
        return TrackedDict, (dict(self), None)


class TrackedOrderedDict(_TrackedMapping, OrderedDict):
    """An OrderedDict whose values are tracked, also those added later."""

    def __init__(self, values=None, tracker=None):
        self.tracker = tracker
        super().__init__()
        self.update(OrderedDict(values or {}))

    def __reduce__(self):
        return TrackedOrderedDict, (list(self.items()), None)

    def update(self, mapping=(), **more):
        for key, value in OrderedDict(mapping, **more).items():
            self[key] = value

    def popitem(self, last=True):
        key, value = OrderedDict.popitem(self, last)
        self._untrack(value)
        return key, value


class TrackedSet(_Tracked, set):
    """A set whose elements are tracked, also those added later."""

    def __init__(self, values=None, tracker=None):
        self.tracker = tracker
        super().__init__(self._track(v) for v in values or ())

    def add(self, value):
        super().add(self._track(value))

    def update(self, values):
        super().update([self._track(v) for v in values])

    def remove(self, value):
        super().remove(value)
        self._untrack(value)

    def discard(self, value):
        super().discard(value)
        self._untrack(value)

    def pop(self):
        value = super().pop()
        self._untrack(value)
        return value

    def clear(self):
        for value in self:
            self._untrack(value)
        super().clear()

    def __reduce__(self):
        return TrackedSet, (list(self), None)
