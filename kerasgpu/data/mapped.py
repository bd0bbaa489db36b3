"""Elements computed from elements, and when: by threads ahead of their use, or once for all passes."""

from __future__ import annotations

import warnings

from kerasgpu import config
from kerasgpu.data import background, seeds
from kerasgpu.data import elements as el
from kerasgpu.data.positions import positions, set_positions
from kerasgpu.data.stage import AUTOTUNE, UNKNOWN, Derived, check_positive
from kerasgpu.engine import forks


def called(function, element, seed, convert=True):
    """function(element) with the element's parts as arguments, in the surroundings of a pipeline."""
    with seeds.element_scope(seed):
        result = function(*element) if isinstance(element, tuple) else function(element)
        return el.to_element(result) if convert else result


def default_workers() -> int:
    """Threads for AUTOTUNE: as many as kernels may use, at most 8."""
    return max(1, min(8, config.num_threads()))


class Mapped(Derived):
    def __init__(self, parent, function, workers, ordered):
        super().__init__(parent)
        if not callable(function):
            raise TypeError(f"Dataset.map: `map_func` must be a function. Received: {function!r}")
        self._function = function
        self._ordered = ordered
        if workers is not None and workers != AUTOTUNE:
            check_positive(workers, "num_parallel_calls", "map")
        self._workers = workers

    def _iterate(self, seed):
        function, own = self._function, seeds.mix(seed, 1)
        elements = self._parent._iterate(seeds.mix(seed, 0))
        if self._workers is None:
            return (called(function, x, seeds.mix(own, k)) for k, x in enumerate(elements))
        workers = default_workers() if self._workers == AUTOTUNE else self._workers
        task = lambda k, x: called(function, x, seeds.mix(own, k))
        return background.in_parallel(elements, task, workers, self._ordered)

    def _example(self, size):
        example = self._parent._example(size)
        return None if example is None else called(self._function, example, 0)


class Filtered(Derived):
    def __init__(self, parent, predicate):
        super().__init__(parent)
        self._predicate = predicate

    def _iterate(self, seed):
        own = seeds.mix(seed, 1)
        for k, x in enumerate(self._parent._iterate(seeds.mix(seed, 0))):
            if called(self._predicate, x, seeds.mix(own, k), convert=False):
                yield x

    def _count(self):
        return UNKNOWN


class WithoutErrors(Derived):
    def __init__(self, parent, log_warning):
        super().__init__(parent)
        self._log_warning = log_warning
        if not isinstance(parent, Mapped):
            raise TypeError("Dataset.ignore_errors follows the map() whose errors it ignores")

    def _iterate(self, seed):
        function, own = self._parent._function, seeds.mix(seed, 1)
        for k, x in enumerate(self._parent._parent._iterate(seeds.mix(seed, 0))):
            try:
                found = called(function, x, seeds.mix(own, k))
            except Exception as error:
                if self._log_warning:
                    warnings.warn(f"element {k} is left out: {error}", stacklevel=2)
                continue
            yield found

    def _count(self):
        return UNKNOWN


class Prefetched(Derived):
    def __init__(self, parent, buffer_size):
        super().__init__(parent)
        size = 2 if buffer_size is None or buffer_size == AUTOTUNE else int(buffer_size)
        self._size = check_positive(size, "buffer_size", "prefetch", least=0)

    def _iterate(self, seed):
        elements = self._parent._iterate(seed)
        return background.ahead(elements, self._size) if self._size else elements


class Cached(Derived):
    def __init__(self, parent, filename):
        super().__init__(parent)
        if filename:
            raise NotImplementedError(
                "Dataset.cache keeps elements in memory only: call cache() without a file name, or save arrays with numpy.save"
            )
        self._elements: list | None = None
        self._filled_from = None  # [seed of the pass whose elements are kept, what the data sets below remembered then]
        self._lock = forks.Lock()

    def _iterate(self, seed):
        return iter(self._elements) if self._elements is not None else self._first_pass(seed)

    def _first_pass(self, seed):
        if self._filled_from is not None:  # by a process that was interrupted: the same elements again
            seed, below = self._filled_from
            set_positions(self._parent, below)
        came_from = [seed, positions(self._parent)]
        seen = []
        for x in self._parent._iterate(seed):
            seen.append(x)
            yield x
        with self._lock:
            if self._elements is None:
                self._elements, self._filled_from = seen, came_from

    def _memory(self):
        return self._filled_from

    def _remember(self, memory):
        if self._elements is None:
            self._filled_from = memory

    def _example(self, size):
        return self._elements[0] if self._elements else self._parent._example(size)
