"""A `keras.data.Dataset` of batches."""

from __future__ import annotations

import itertools

from kerasgpu.data.dataset import Dataset
from kerasgpu.data.positions import positions, set_positions
from kerasgpu.engine import nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.training.adapters import pack
from kerasgpu.training.adapters.base import DataAdapter
from kerasgpu.training.adapters.convert import on_device, to_array


class DatasetAdapter(DataAdapter):
    """Batches of a Dataset, each pass a new iteration. The batch that shapes were read from is the first of the first pass."""

    def __init__(self, dataset: Dataset, class_weight=None):
        self.dataset = dataset
        self.class_weight = class_weight
        self._begun_from: dict = {}  # state() before that
        self._begun = None  # (first batches, iterator over the others) of a pass that example() began
        count = dataset._count()
        self.num_batches = None if count < 0 else count
        if count == 0:
            raise ValueError("The data set has no batches: its length is 0")

    def _standardized(self, batch):
        if self.class_weight is not None:
            x, y, weight = pack.unpack_x_y_sample_weight(batch)
            if weight is not None:
                raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
            if y is None or nest.is_nested(y):
                raise ValueError("`class_weight` is only supported for Models with a single output, and needs labels.")
            batch = (x, y, pack.class_weight_to_sample_weights(y, self.class_weight))
        return nest.map_structure(_here, batch)

    def example(self):
        if self._begun is None:
            self._begun_from = self.state()
            elements = iter(self.dataset)
            self._begun = list(itertools.islice(elements, 1)), elements
            if not self._begun[0]:
                raise ValueError("The data set yields no batch")
        return self._standardized(self._begun[0][0])

    def batches(self):
        elements = iter(self.dataset) if self._begun is None else itertools.chain(*self._begun)
        self._begun = None
        return map(self._standardized, elements)

    def state(self):
        if self._begun is not None:
            return self._begun_from
        return {**super().state(), "positions": positions(self.dataset._stage)}

    def set_state(self, found):
        super().set_state(found)
        set_positions(self.dataset._stage, found["positions"])
        self._begun = None

    def close(self):
        self._begun = None


def _here(leaf):
    """The tensor on the device that computes, floats in the default float dtype."""
    return None if leaf is None else Tensor(on_device(to_array(leaf)))
