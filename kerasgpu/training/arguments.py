"""What fit, evaluate and predict hand on: their arguments, by what is made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasgpu.training.adapters.arrays import train_validation_split
from kerasgpu.training.adapters.pack import unpack_x_y_sample_weight


class Data(NamedTuple):
    """The data of a loop and how it is cut into batches: the arguments of `get_data_adapter`, in its order."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    batch_size: int | None = None
    steps: int | None = None
    shuffle: Any = False
    class_weight: dict | None = None


class HeldOut(NamedTuple):
    """What fit is validated on, and after which epochs."""

    data: Any
    split: float
    steps: int | None
    batch_size: int | None
    frequency: Any

    def taken_from(self, data: Data) -> tuple[Data, HeldOut]:
        """Both again: where a split is asked for and no data was given, the last samples have moved from one to the other."""
        if not self.split or self.data is not None:
            return data, self
        (x, y, weight), held = train_validation_split((data.x, data.y, data.sample_weight), self.split)
        return data._replace(x=x, y=y, sample_weight=weight), self._replace(data=held)

    def as_data(self, batch_size) -> Data:
        """The data of the validation; `batch_size` is the one of training."""
        x, y, weight = unpack_x_y_sample_weight(self.data)
        return Data(x, y, weight, self.batch_size or batch_size, self.steps)


class Watchers(NamedTuple):
    """Who looks on: `callbacks`, and by `verbose` the progress bar."""

    callbacks: Any
    verbose: Any
