"""Transformations that only choose and order elements. Over rows of arrays they work on the numbers of the rows."""

from __future__ import annotations

import itertools

import numpy as np

from kerasgpu.data import seeds
from kerasgpu.data.stage import INFINITE, UNKNOWN, Derived, check_positive
from kerasgpu.engine import forks


class RowOp(Derived):
    """`_over(open_pass, seed)` orders whatever open_pass(seed) iterates over: elements, or the numbers of rows."""

    def __init__(self, parent):
        super().__init__(parent)
        self._source = parent._source

    def _over(self, open_pass, seed):
        raise NotImplementedError

    def _rows(self, seed):
        return self._over(self._parent._rows, seed)

    def _iterate(self, seed):
        if self._source is not None:
            return map(self._source.row, self._rows(seed))
        return self._over(self._parent._iterate, seed)


class Shuffled(RowOp):
    def __init__(self, parent, buffer_size, seed, reshuffle):
        super().__init__(parent)
        self._size = check_positive(buffer_size, "buffer_size", "shuffle")
        self._seed = None if seed is None else int(seed)
        self._reshuffle = reshuffle is not False
        if not self._reshuffle and seed is None:
            self._seed = seeds.new_pass()
        self._passes = 0
        self._lock = forks.Lock()

    def _over(self, open_pass, seed):
        if self._seed is not None:
            with self._lock:
                number = self._passes if self._reshuffle else 0
                self._passes += 1
            own = seeds.mix(self._seed, number)
        else:
            own = seeds.mix(seed, 1)
        return _drawn(open_pass(seeds.mix(seed, 0)), self._size, np.random.default_rng(own))

    def _memory(self):
        return self._passes

    def _remember(self, memory):
        self._passes = memory


def _drawn(elements, size, rng):
    """Each output is one of the `size` buffered inputs; the next input takes its place."""
    buffer = list(itertools.islice(elements, size))
    while buffer:
        # Numbers are drawn a thousand at a time, the same ones however large the buffer is then.
        for u in rng.random(1024).tolist():
            k = int(u * len(buffer))
            found = buffer[k]
            for replacement in itertools.islice(elements, 1):
                buffer[k] = replacement
                break
            else:
                buffer[k] = buffer[-1]
                buffer.pop()
            yield found
            if not buffer:
                return


class Taken(RowOp):
    def __init__(self, parent, count):
        super().__init__(parent)
        self._most = int(count)

    def _over(self, open_pass, seed):
        elements = open_pass(seed)
        return elements if self._most < 0 else itertools.islice(elements, self._most)

    def _count(self):
        n = self._parent._count()
        if self._most < 0 or n == UNKNOWN:
            return 0 if self._most == 0 else n
        return self._most if n == INFINITE else min(n, self._most)


class Skipped(RowOp):
    def __init__(self, parent, count):
        super().__init__(parent)
        self._skipped = int(count)

    def _over(self, open_pass, seed):
        return iter(()) if self._skipped < 0 else itertools.islice(open_pass(seed), self._skipped, None)

    def _count(self):
        n = self._parent._count()
        if self._skipped < 0:
            return 0
        return n if n < 0 else max(0, n - self._skipped)


class Repeated(RowOp):
    def __init__(self, parent, count):
        super().__init__(parent)
        self._times = -1 if count is None else int(count)

    def _over(self, open_pass, seed):
        for k in itertools.count() if self._times < 0 else range(self._times):
            empty = True
            for x in open_pass(seeds.mix(seed, k)):
                empty = False
                yield x
            if empty:
                return

    def _count(self):
        n = self._parent._count()
        if self._times == 0 or n == 0:
            return 0
        if self._times < 0:
            return INFINITE if n != UNKNOWN else UNKNOWN
        return n if n < 0 else n * self._times


class Shard(RowOp):
    def __init__(self, parent, num_shards, index):
        super().__init__(parent)
        self._shards = check_positive(num_shards, "num_shards", "shard")
        self._index = check_positive(index, "index", "shard", least=0)
        if self._index >= self._shards:
            raise ValueError(
                f"Dataset.shard: `index` must be below `num_shards`. Received: index={index}, num_shards={num_shards}"
            )

    def _over(self, open_pass, seed):
        return itertools.islice(open_pass(seed), self._index, None, self._shards)

    def _count(self):
        n = self._parent._count()
        return n if n < 0 else len(range(self._index, n, self._shards))
