"""Elements stacked into batches, and taken apart again."""

from __future__ import annotations

import itertools

from kerasgpu.data import elements as el
from kerasgpu.data import seeds
from kerasgpu.data.sources import Elements
from kerasgpu.data.stage import UNKNOWN, Derived, check_positive
from kerasgpu.engine import nest


class Batched(Derived):
    def __init__(self, parent, batch_size, drop_remainder):
        super().__init__(parent)
        self._batch_size = check_positive(batch_size, "batch_size", "batch")
        self._drop = bool(drop_remainder)

    def _iterate(self, seed):
        size, source = self._batch_size, self._parent._source
        if source is not None:
            numbers, join = self._parent._rows(seed), source.rows
        else:
            numbers, join = self._parent._iterate(seed), el.stack
        return self._joined(iter(numbers), join, size)

    def _joined(self, elements, join, size):
        while group := list(itertools.islice(elements, size)):
            if len(group) < size and self._drop:
                return
            yield join(group)
            del group

    def _count(self):
        n = self._parent._count()
        return n if n < 0 else n // self._batch_size if self._drop else -(-n // self._batch_size)

    def _example(self, size):
        example = self._parent._example(size)
        return None if example is None else el.stack([example] * (self._batch_size if self._drop else size))


class PaddedBatched(Batched):
    def __init__(self, parent, batch_size, shapes, values, drop_remainder):
        super().__init__(parent, batch_size, drop_remainder)
        self._shapes = shapes
        self._values = values

    def _iterate(self, seed):
        join = lambda group: el.pad_stack(group, self._shapes, self._values)
        return self._joined(iter(self._parent._iterate(seed)), join, self._batch_size)


class Unbatched(Derived):
    def _iterate(self, seed):
        for x in self._parent._iterate(seed):
            arrays = [el.array_of(leaf) for leaf in nest.flatten(x)]
            for k in range(len(arrays[0])):
                yield nest.pack_sequence_as(x, [el.row(a, k) for a in arrays])

    def _count(self):
        parent = self._parent
        if isinstance(parent, Batched) and (not parent._drop or parent._parent._count() < 0):
            return parent._parent._count()
        return UNKNOWN

    def _example(self, size):
        example = self._parent._example(size)
        return nest.map_structure(lambda leaf: el.row(el.array_of(leaf), 0), example)


class Windowed(Derived):
    """Elements that are data sets; in tuples and dicts, one for each part."""

    def __init__(self, parent, size, shift, stride, drop_remainder, kind):
        super().__init__(parent)
        self._kind = kind  # of the elements: a data set over a stage
        self._size = check_positive(size, "size", "window")
        self._shift = self._size if shift is None else check_positive(shift, "shift", "window")
        self._stride = check_positive(stride, "stride", "window")
        self._drop = bool(drop_remainder)

    def _iterate(self, seed):
        elements = self._parent._iterate(seeds.mix(seed, 0))
        span = (self._size - 1) * self._stride + 1
        held = list(itertools.islice(elements, span))
        while held:
            found = held[:: self._stride][: self._size]
            if len(found) < self._size and self._drop:
                return
            yield self._parts(found)
            between = self._shift - len(held)
            held = held[self._shift :]
            for _ in itertools.islice(elements, max(0, between)):
                pass
            held += itertools.islice(elements, span - len(held))

    def _count(self):
        n = self._parent._count()
        if n < 0:
            return n
        span = (self._size - 1) * self._stride + 1
        return max(0, (n - span) // self._shift + 1) if self._drop else -(-n // self._shift)

    def _example(self, size):
        return self._parts([self._parent._example(size)] * self._size)

    def _parts(self, elements):
        first = elements[0]
        if not nest.is_nested(first):
            return self._kind(Elements(elements))
        columns = zip(*(nest.flatten(e) for e in elements))
        return nest.pack_sequence_as(first, [self._kind(Elements(list(c))) for c in columns])

    def _check_spec(self):
        raise TypeError(
            "the elements of Dataset.window are data sets: make tensors of them with flat_map(lambda w: w.batch(size))"
        )
