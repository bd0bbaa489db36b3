"""timeseries_dataset_from_array."""

from __future__ import annotations

import numpy as np

from kerasgpu.data.dataset import Dataset
from kerasgpu.data.stage import AUTOTUNE
from kerasgpu.utils.image_dataset import check_format


def timeseries_dataset_from_array(
    data,
    targets,
    sequence_length,
    sequence_stride=1,
    sampling_rate=1,
    batch_size=128,
    shuffle=False,
    seed=None,
    start_index=None,
    end_index=None,
    format="tf",
):
    """A `keras.data.Dataset` of batches of windows over a series, (batch, sequence_length, ...), and their targets.

    Args:
        data: array (steps, ...).
        targets: array whose row i belongs to the window that begins at step i; None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: steps between the beginnings of windows.
        sampling_rate: steps between the steps of a window.
        batch_size: None for single windows.
        shuffle, seed: random order of the windows, that of Keras before its shuffle in each pass.
        start_index, end_index: steps outside are not used.
        format: "tf" or "grain", for compatibility; both give the same data set.

    >>> import numpy as np, kerasgpu as keras
    >>> ds = keras.utils.timeseries_dataset_from_array(np.arange(6), np.arange(3, 6), sequence_length=3)
    >>> [(x.numpy().tolist(), y.numpy().tolist()) for x, y in ds]
    [([[0, 1, 2], [1, 2, 3], [2, 3, 4]], [3, 4, 5])]
    """
    _check(len(data), start_index, end_index, sampling_rate, sequence_stride)
    check_format(format)
    start = start_index or 0
    stop = len(data) if end_index is None else end_index
    count = stop - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    begins = np.arange(0, count, sequence_stride)
    if shuffle:
        if seed is None:
            seed = int(np.random.randint(1e6))
        np.random.RandomState(seed).shuffle(begins)
    steps = np.asarray(data[start:stop])
    offsets = np.arange(sequence_length) * sampling_rate
    if targets is None:
        window = lambda k: steps[int(k) + offsets]
    else:
        goals = np.asarray(targets[start:stop])
        window = lambda k: (steps[int(k) + offsets], goals[int(k)])
    ds = Dataset.from_tensor_slices(begins)
    if shuffle:
        ds = ds.shuffle(1024 if batch_size is None else 8 * batch_size, seed=seed)
    ds = ds.map(window)
    if batch_size is not None:
        ds = ds.batch(batch_size)
    return ds.prefetch(AUTOTUNE)


def _check(length, start_index, end_index, sampling_rate, sequence_stride):
    def wrong(name, rule, value):
        return ValueError(f"`{name}` must be {rule}. Received: {name}={value}, for data of length {length}")

    if start_index and start_index < 0:
        raise wrong("start_index", "0 or greater", start_index)
    if start_index and start_index >= length:
        raise wrong("start_index", "lower than the length of the data", start_index)
    if end_index:
        if start_index and end_index <= start_index:
            raise wrong("end_index", f"higher than `start_index` ({start_index})", end_index)
        if end_index >= length:
            raise wrong("end_index", "lower than the length of the data", end_index)
        if end_index <= 0:
            raise wrong("end_index", "higher than 0", end_index)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if value <= 0:
            raise wrong(name, "higher than 0", value)
        if value >= length:
            raise wrong(name, "lower than the length of the data", value)
