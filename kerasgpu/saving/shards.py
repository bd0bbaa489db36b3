"""Reads weights that are spread over several files, with an index that says which file holds what.

    x.weights.json           {"metadata": {"total_size": bytes}, "weight_map": {"/layers/dense/vars": "x_00000.weights.h5", ...}}
    x_00000.weights.h5, ...  the shards: weights files like that of a whole model, each with some of its variables

The variables of one object may lie in several shards; its entry then is a list of names. The index is untrusted: a shard is a
file of the same folder, and no index can name another one.
"""

from __future__ import annotations

import math
import os
import stat

from kerasgpu.saving.hdf5 import WeightsReader
from kerasgpu.saving.limits import MAX_JSON_BYTES, MAX_MEMBERS, BadModelFile
from kerasgpu.saving.reader import parse_json


class ShardedReader:
    """The weights behind an index file: `entry(path)` gives the variables of one object. Use as a context manager."""

    def __init__(self, path):
        self.name = os.fspath(path)
        self._folder = os.path.realpath(os.path.dirname(os.path.abspath(self.name)))
        self._opened: tuple | None = None  # (file name, WeightsReader): one at a time
        if not os.path.isfile(self.name):
            raise BadModelFile(f"{self.name} is not a file")
        with open(self.name, "rb") as file:
            index = parse_json(file.read(MAX_JSON_BYTES + 1), self.name)
        if not isinstance(index, dict) or not isinstance(index.get("weight_map"), dict):
            raise BadModelFile(f"{self.name} has no weight_map: it is no index of sharded weights")
        self._files = {where: self._names(names) for where, names in index["weight_map"].items()}
        shards = dict.fromkeys(name for names in self._files.values() for name in names)
        if len(shards) > MAX_MEMBERS:
            raise BadModelFile(f"{self.name} names {len(shards)} shards; at most {MAX_MEMBERS} are read")
        self._check_total(index, sum(self._size(name) for name in shards))

    def _names(self, names) -> list:
        names = names if isinstance(names, list) else [names]
        for name in names:
            plain = isinstance(name, str) and not any(c in name for c in "/\\\0") and name == os.path.basename(name)
            if not plain or not name.endswith(".weights.h5"):
                raise BadModelFile(f"{self.name} names the shard {name!r}; a shard is a .weights.h5 file in the same folder")
        return list(dict.fromkeys(names))

    def _size(self, name) -> int:
        """Bytes of a shard, which is a regular file of this folder."""
        try:
            real = os.path.realpath(os.path.join(self._folder, name))
            if os.path.dirname(real) != self._folder:
                raise BadModelFile(f"{self.name}: the shard {name!r} is a link to another folder; copy the file itself here")
            info = os.stat(real)
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.name} needs the shard {name!r}, which is missing from {self._folder}") from None
        except (OSError, UnicodeError) as error:
            raise BadModelFile(f"{self.name}: the shard {name!r} cannot be opened: {error}") from None
        if not stat.S_ISREG(info.st_mode):
            raise BadModelFile(f"{self.name}: the shard {name!r} is not a file")
        return info.st_size

    def _check_total(self, index, stored):
        metadata = index.get("metadata")
        total = metadata.get("total_size", 0) if isinstance(metadata, dict) else 0
        if isinstance(total, bool) or not isinstance(total, (int, float)) or not 0 <= total < math.inf:
            raise BadModelFile(f"{self.name} declares a total size of {total!r}, which is no number of bytes")
        if total > stored:
            raise BadModelFile(
                f"{self.name} declares {total} bytes of weights, but its shards hold {stored}; one is incomplete"
            )

    def shard(self, name) -> WeightsReader:
        """The open file of this name."""
        if self._opened is None or self._opened[0] != name:
            self.close()
            self._size(name)
            full = os.path.join(self._folder, name)
            self._opened = (name, WeightsReader(full, full))
        return self._opened[1]

    def entry(self, path: str, largest=None) -> ShardedEntry:
        return ShardedEntry(self, self._files.get(f"/{path}/vars" if path else "/vars", ()), path, largest)

    def close(self):
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class ShardedEntry:
    """The variables of one object, in one or more shards, as a read-only mapping for `load_own_variables`."""

    def __init__(self, reader, files, path, largest):
        self._reader, self.path, self._largest = reader, path, largest
        self._where: dict = {}
        for name in files:
            for key in reader.shard(name).entry(path):
                if key in self._where:
                    raise BadModelFile(f"{reader.name}: {path or 'the model'} has the variable {key!r} in two shards")
                self._where[key] = name

    def keys(self):
        return list(self._where)

    def __len__(self):
        return len(self._where)

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return key in self._where

    def get(self, key, default=None):
        return self[key] if key in self else default

    def items(self):
        return [(key, self[key]) for key in self._where]

    def __getitem__(self, key):
        if key not in self._where:
            raise KeyError(f"{self.path or 'the model'} has no variable {key!r} in {self._reader.name}")
        return self._reader.shard(self._where[key]).entry(self.path, self._largest)[key]
