"""Several data sets as one."""

from __future__ import annotations

import itertools

import numpy as np

from kerasgpu.data import elements as el
from kerasgpu.data import seeds
from kerasgpu.data.mapped import called
from kerasgpu.data.stage import AUTOTUNE, INFINITE, UNKNOWN, Derived, Stage, check_positive
from kerasgpu.engine import nest


class Zipped(Stage):
    def __init__(self, structure, parts):
        self._structure = structure
        self._parts = parts

    def _iterate(self, seed):
        passes = [p._iterate(seeds.mix(seed, k)) for k, p in enumerate(self._parts)]
        return (nest.pack_sequence_as(self._structure, list(parts)) for parts in zip(*passes))

    def _count(self):
        counts = [p._count() for p in self._parts]
        if UNKNOWN in counts:
            return UNKNOWN
        known = [n for n in counts if n != INFINITE]
        return min(known) if known else INFINITE

    def _example(self, size):
        return nest.pack_sequence_as(self._structure, [p._example(size) for p in self._parts])


class Concatenated(Stage):
    def __init__(self, first, second):
        self._both = (first, second)

    def _iterate(self, seed):
        return itertools.chain.from_iterable(d._iterate(seeds.mix(seed, k)) for k, d in enumerate(self._both))

    def _count(self):
        counts = [d._count() for d in self._both]
        return INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)

    def _example(self, size):
        return self._both[0]._example(size)


class Enumerated(Derived):
    def __init__(self, parent, start):
        super().__init__(parent)
        self._start = int(start)

    def _iterate(self, seed):
        return ((el.to_leaf(np.int64(k)), x) for k, x in enumerate(self._parent._iterate(seed), self._start))

    def _example(self, size):
        return el.to_leaf(np.int64(self._start)), self._parent._example(size)


class Interleaved(Derived):
    def __init__(self, parent, function, cycle_length, block_length, kind):
        super().__init__(parent)
        self._kind = kind  # what the function must return
        self._function = function
        self._cycle = 2 if cycle_length in (None, AUTOTUNE) else check_positive(cycle_length, "cycle_length", "interleave")
        self._block = 1 if block_length is None else check_positive(block_length, "block_length", "interleave")

    def _open(self, element, seed):
        made = called(self._function, element, seed, convert=False)
        if not isinstance(made, self._kind):
            raise TypeError(f"`map_func` must return a Dataset. Received a {type(made).__name__}")
        return made

    def _iterate(self, seed):
        sources = enumerate(self._parent._iterate(seeds.mix(seed, 0)))
        calls, passes = seeds.mix(seed, 1), seeds.mix(seed, 2)
        slots: list = [None] * self._cycle  # a slot is filled when its turn comes
        more = True
        while more or any(slots):
            for at in range(self._cycle):
                if slots[at] is None and more:
                    k, x = next(sources, (None, None))
                    more = k is not None
                    slots[at] = self._open(x, seeds.mix(calls, k))._iterate(seeds.mix(passes, k)) if more else None
                if slots[at] is not None:
                    block = 0
                    for element in itertools.islice(slots[at], self._block):
                        block += 1
                        yield element
                    if block < self._block:
                        slots[at] = None

    def _count(self):
        return UNKNOWN

    def _example(self, size):
        return self._open(self._parent._example(size), 0)._example(size)
