"""TimeseriesGenerator: windows of a series. New code does better with keras.utils.timeseries_dataset_from_array."""

from __future__ import annotations

import json

import numpy as np

from kerasgpu.training.adapters.py_dataset import PyDataset


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series with the target that follows each.

    Args:
        data: steps along the first dimension.
        targets: as many as there are steps.
        length: steps that a window spans.
        sampling_rate: every so many steps of a window are taken.
        stride: steps from a window to the next.
        start_index, end_index: the part of the series that is used; end_index is the last target.
        shuffle: random windows instead of all in order.
        reverse: windows run backwards.
        batch_size: windows of a batch.

    >>> import numpy as np, kerasgpu as keras
    >>> windows = keras.preprocessing.sequence.TimeseriesGenerator(np.arange(6), np.arange(6), length=2, batch_size=2)
    >>> windows[0]
    (array([[0, 1],
           [1, 2]]), array([2, 3]))
    """

    def __init__(
        self,
        data,
        targets,
        length,
        sampling_rate=1,
        stride=1,
        start_index=0,
        end_index=None,
        shuffle=False,
        reverse=False,
        batch_size=128,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: there are {len(data)} steps and {len(targets)} targets; they must be as many."
            )
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + length  # the first target
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: the first window ends at step {self.start_index}, behind the last target at "
                f"{self.end_index}. Use a smaller `length` or more data."
            )

    def __len__(self):
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def _targets_of(self, index):
        if self.shuffle:
            return np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        span = self.batch_size * self.stride
        begin = self.start_index + span * index
        return np.arange(begin, min(begin + span, self.end_index + 1), self.stride)

    def __getitem__(self, index):
        rows = self._targets_of(index)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return (windows[:, ::-1] if self.reverse else windows), np.array([self.targets[row] for row in rows])

    def get_config(self):
        """The arguments, data and targets as JSON texts."""
        plain = lambda x: json.dumps(x.tolist() if hasattr(x, "tolist") else x)
        names = ("length", "sampling_rate", "stride", "end_index", "shuffle", "reverse", "batch_size")
        return {
            "data": plain(self.data),
            "targets": plain(self.targets),
            "start_index": self.start_index - self.length,
            **{n: getattr(self, n) for n in names},
        }

    def to_json(self, **kwargs):
        """The arguments as JSON; kwargs go to json.dumps."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def timeseries_generator_from_json(json_string):
    """The TimeseriesGenerator that to_json() wrote."""
    config = json.loads(json_string)["config"]
    return TimeseriesGenerator(np.array(json.loads(config.pop("data"))), np.array(json.loads(config.pop("targets"))), **config)
