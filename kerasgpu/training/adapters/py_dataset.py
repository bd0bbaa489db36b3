"""`keras.utils.PyDataset`: batches by index, fetched by threads or processes ahead of their use, in order."""

from __future__ import annotations

import collections
import concurrent.futures
import itertools
import random
import warnings

import numpy as np

from kerasgpu.training.adapters import pack
from kerasgpu.training.adapters.base import DataAdapter
from kerasgpu.training.adapters.convert import to_tensors


class PyDataset:
    """Base class for data that is made batch by batch in Python.

    Args:
        workers: threads (or processes) that prepare batches; default 1: none in the background.
        use_multiprocessing: use processes; the data set must then be picklable.
        max_queue_size: most batches prepared ahead.

    Subclasses implement `__getitem__(index)`, which returns a whole batch (x, y) or (x, y, sample_weight), and `__len__` (the
    number of batches) or the property `num_batches` (None for endless data). `on_epoch_begin` and `on_epoch_end` may change
    the data.

    >>> import numpy as np, kerasgpu as keras
    >>> class Ones(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.ones((4, 3)), np.ones((4, 1))
    >>> Ones().num_batches
    2
    """

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    def _setting(self, name, default):
        if name not in self.__dict__:
            warnings.warn(
                "Your `PyDataset` class should call `super().__init__(**kwargs)` in its constructor. `**kwargs` can include "
                "`workers`, "
                "`use_multiprocessing`, `max_queue_size`. Do not pass these arguments to `fit()`, as they will be ignored.",
                stacklevel=3,
            )
            self.__dict__[name] = default
        return self.__dict__[name]

    @property
    def workers(self):
        return self._setting("_workers", 1)

    @workers.setter
    def workers(self, value):
        self._workers = value

    @property
    def use_multiprocessing(self):
        return self._setting("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value):
        self._use_multiprocessing = value

    @property
    def max_queue_size(self):
        return self._setting("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value):
        self._max_queue_size = value

    def __getitem__(self, index):
        """The batch at this position."""
        raise NotImplementedError

    @property
    def num_batches(self):
        """Number of batches, or None for endless data."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            "You need to implement the `num_batches` property:\n\n@property\ndef num_batches(self):\n  return ..."
        )

    def __iter__(self):
        try:
            count = self.num_batches
        except NotImplementedError:
            count = None
        return (self[k] for k in (itertools.count() if count is None else range(count)))

    def on_epoch_begin(self):
        """Called at the start of every epoch."""

    def on_epoch_end(self):
        """Called at the end of every epoch."""


class PyDatasetAdapter(DataAdapter):
    """Batches of a PyDataset; with shuffle the order of the batches is random."""

    def __init__(self, dataset, class_weight=None, shuffle=False):
        self.dataset = dataset
        self.class_weight = class_weight
        self.shuffle = shuffle
        self._pool = None
        self._first = None
        kind = type(dataset)
        self.changes = kind.on_epoch_begin is not PyDataset.on_epoch_begin or kind.on_epoch_end is not PyDataset.on_epoch_end
        if self.num_batches == 0:
            raise ValueError("The PyDataset has length 0")

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def standardize(self, batch):
        if isinstance(batch, dict):
            return to_tensors(batch)
        if isinstance(batch, np.ndarray):
            batch = (batch,)
        if isinstance(batch, list):
            batch = tuple(batch)
        if not isinstance(batch, tuple) or not 1 <= len(batch) <= 3:
            raise ValueError(
                "PyDataset.__getitem__() must return a tuple or a dict. If a tuple, it must be ordered either (input,) or "
                "(inputs, "
                f"targets) or (inputs, targets, sample_weights). Received: {str(batch)[:100]}... of type {type(batch)}"
            )
        if self.class_weight is not None:
            if len(batch) == 3:
                raise ValueError("You cannot specify `class_weight` and `sample_weight` at the same time.")
            if len(batch) == 2:
                batch = (*batch, pack.class_weight_to_sample_weights(batch[1], self.class_weight))
        return to_tensors(batch)

    def example(self):
        return self.standardize(self.dataset[0])

    def _order(self):
        count = self.num_batches
        if count is None:
            return itertools.count()
        order = list(range(count))
        if self.shuffle:
            random.shuffle(order)
        return order

    def batches(self):
        workers, processes = self.dataset.workers, self.dataset.use_multiprocessing
        if workers > 1 or (workers > 0 and processes):
            return self._prefetched(workers, processes)
        return (self.standardize(self.dataset[k]) for k in self._order())

    def _prefetched(self, workers, processes):
        """Keeps up to max_queue_size batches under way and yields them in order."""
        self._start(workers, processes)
        ahead = max(1, self.dataset.max_queue_size)
        order = iter(self._order())
        under_way = collections.deque()
        try:
            while True:
                for k in itertools.islice(order, ahead - len(under_way)):
                    under_way.append(self._pool.submit(*((_fetch, k) if processes else (self.dataset.__getitem__, k))))
                if not under_way:
                    return
                yield self.standardize(under_way.popleft().result())
        finally:
            for future in under_way:
                future.cancel()

    def _start(self, workers, processes):
        if self._pool is not None:
            return
        if processes:
            import multiprocessing

            # "spawn" and "forkserver" would need an importable __main__; a fork copies the data set as it is.
            method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
            self._pool = concurrent.futures.ProcessPoolExecutor(
                workers, mp_context=multiprocessing.get_context(method), initializer=_remember, initargs=(self.dataset,)
            )
        else:
            self._pool = concurrent.futures.ThreadPoolExecutor(workers)

    def on_epoch_begin(self):
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        # Processes hold a copy of the data set: it must be sent again after the hook may have changed it.
        if self.dataset.use_multiprocessing:
            self.close()
        self.dataset.on_epoch_end()

    def close(self):
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


_dataset = None  # in a worker process: the data set


def _remember(dataset):
    global _dataset
    _dataset = dataset


def _fetch(index):
    return _dataset[index]
