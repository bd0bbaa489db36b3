"""Writes weights as several files of limited size and an index of them; shards.py has the format.

Shards are filled in the order in which the objects of the model are visited. Each is made in memory, written beside its place
when it is full, and all take their places at the end, the index last: an error before that leaves the old files as they were.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import warnings

import numpy as np

from kerasgpu.config.atomic_files import replacing
from kerasgpu.engine.memory import readable_size
from kerasgpu.saving.walk import check_complete, walk
from kerasgpu.saving.writer import Entry


def index_path(path) -> pathlib.Path:
    """The file that holds the index when weights are saved in shards under this path."""
    return pathlib.Path(path).with_suffix(".json")


def write(model, path, max_shard_size, skip=()) -> None:
    """Write the variables of a model (and its optimizer) as files of at most `max_shard_size` GB each."""
    if isinstance(max_shard_size, bool) or not isinstance(max_shard_size, (int, float, np.number)) or not max_shard_size > 0:
        raise ValueError(f"save_weights: `max_shard_size` must be a positive number of GB. Received: {max_shard_size}")
    index = index_path(path)
    if str(index) != str(path):
        warnings.warn(
            f"Saving sharded weights requires `*.json` as the extension. The original path: {path} will be renamed to {index}.",
            stacklevel=4,
        )
    with contextlib.ExitStack() as stack:
        last = stack.enter_context(replacing(index))  # entered first, so it takes its place last
        shards = _Shards(index, float(max_shard_size) * 1024**3, stack)

        def save(x, where):
            if hasattr(x, "save_own_variables"):
                x.save_own_variables(_SpreadEntry(shards, where, x.name if isinstance(getattr(x, "name", None), str) else None))

        visited = {id(o) for o in skip}
        walk(model, save, visited=visited)
        check_complete(model, visited)
        shards.finish()
        last.write(json.dumps(shards.index, indent=4).encode())


class _Shards:
    """The files: one of them is open at a time."""

    def __init__(self, index, limit, stack):
        self._path, self._limit, self._stack = index, limit, stack
        self._base = index.stem.replace(".weights", "")
        self._number = -1
        self._sizes: dict = {"total_size": 0}
        self._map: dict = {}
        self.index = {"metadata": self._sizes, "weight_map": self._map}
        self._next()

    def _next(self):
        import h5py

        self._number += 1
        self.name = f"{self._base}_{self._number:05}.weights.h5"
        self._used = 0
        self._buffer = io.BytesIO()
        self.file = h5py.File(self._buffer, "w")

    def finish(self):
        """Write the open shard beside its place."""
        self.file.close()
        target = replacing(self._path.with_name(self.name))
        handle = self._stack.enter_context(target)
        handle.write(self._buffer.getbuffer())
        target.finish()

    def make_room(self, what, size):
        """Begin another shard if the open one has no room for so many bytes."""
        if size > self._limit:
            raise ValueError(
                f"The size of {what} is {readable_size(size)} which exceeds the maximum shard size {readable_size(self._limit)}. "
                "You can increase the `max_shard_size` parameter to accommodate the size."
            )
        if self._used + size > self._limit:
            self.finish()
            self._next()
        self._used += size
        self._sizes["total_size"] += size

    def note(self, group):
        """Put into the index that variables of this group are in the open shard."""
        known = self._map.get(f"/{group}")  # as in Keras: a name for one variable, a list of names for more
        names = known if isinstance(known, list) else [known]
        self._map[f"/{group}"] = self.name if known is None else list(dict.fromkeys([*names, self.name]))


class _SpreadEntry:
    """The mapping that `save_own_variables` fills: a group of the same path in each shard that it needs."""

    def __init__(self, shards, path, name):
        self._shards, self._path, self._name = shards, path, name
        self._where: dict = {}  # key: the Entry of the shard that holds it
        self._open: tuple = (None, None)

    def _entry(self):
        if self._open[0] != self._shards.name:
            self._open = (self._shards.name, Entry(self._shards.file, self._path, self._name))
        return self._open[1]

    def _holder(self, key):
        entry = self._where[key]
        if entry is not self._entry():
            raise ValueError(f"{self._path or 'the model'}: the variable {key!r} is in a shard that was already written")
        return entry

    def __setitem__(self, key, value):
        value = np.asarray(value)
        self._shards.make_room(os.path.join(self._path, str(key)), value.nbytes)
        entry = self._entry()
        entry[key] = value
        self._where[key] = entry
        self._shards.note(entry.path)

    def __getitem__(self, key):
        return self._holder(key)[key]

    def __delitem__(self, key):
        del self._holder(key)[key]
        del self._where[key]

    def __contains__(self, key):
        return key in self._where

    def keys(self):
        return list(self._where)

    def __len__(self):
        return len(self._where)
