"""Generators, tf.data datasets, torch DataLoaders and other iterables that yield batches."""

from __future__ import annotations

import itertools

from kerasgpu.training.adapters.base import DataAdapter
from kerasgpu.training.adapters.convert import to_tensors


class GeneratorAdapter(DataAdapter):
    """A Python generator or other iterator of (x,), (x, y) or (x, y, sample_weight): one pass, which epochs share."""

    restartable = False

    def __init__(self, generator):
        self._generator = generator
        self._first = list(itertools.islice(generator, 1))
        if not self._first:
            raise ValueError(
                "When passing a Python generator to a Keras model, the generator must yield at least one batch. Received an "
                "empty generator."
            )
        first = self._first[0] = _as_tuple(self._first[0])
        if not isinstance(first, tuple):
            raise ValueError(
                "When passing a Python generator to a Keras model, the generator must return a tuple, either (input,) or "
                "(inputs, targets) "
                f"or (inputs, targets, sample_weights). Received: {str(first)[:100]} of type {type(first).__name__}"
            )

    def example(self):
        return to_tensors(self._first[0] if self._first else next(self.batches()))

    def batches(self):
        while self._first:
            yield to_tensors(self._first.pop())
        for batch in self._generator:
            yield to_tensors(_as_tuple(batch))


class IterableAdapter(DataAdapter):
    """Any object that gives a new iterator over batches each time: tf.data.Dataset, torch DataLoader, a grain data set, ..."""

    def __init__(self, dataset):
        self._dataset = dataset
        self._peeked = None
        try:
            self.num_batches = len(dataset)
        except (TypeError, NotImplementedError, AttributeError):
            self.num_batches = None
        else:
            if self.num_batches == 0:
                raise ValueError(f"The data set has no batches: len({type(dataset).__name__}) is 0")

    def example(self):
        for batch in self._dataset:
            return _as_tuple(to_tensors(batch))
        raise ValueError(f"The data set ({type(self._dataset).__name__}) yields no batch")

    def batches(self):
        return (_as_tuple(to_tensors(batch)) for batch in self._dataset)


def _as_tuple(batch):
    # torch's default collate makes lists of (x, y) pairs.
    return tuple(batch) if isinstance(batch, list) else batch
