"""split_dataset."""

from __future__ import annotations

import random

import numpy as np

from kerasgpu.data import elements as el
from kerasgpu.data.batches import Batched
from kerasgpu.data.dataset import Dataset
from kerasgpu.data.mapped import Cached, Prefetched
from kerasgpu.data.rows import Shuffled, Skipped, Taken
from kerasgpu.data.stage import AUTOTUNE


def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """Two `keras.data.Dataset`s: the first and the last samples of data that fits into memory.

    Args:
        dataset: a Dataset (batched ones are split by samples and batched again), a torch data set, an array, or a list or tuple of
            arrays with as many rows.
        left_size, right_size: number of samples (int) or fraction of them (float); what one of them leaves if None.
        shuffle: random order before splitting.
        seed: int for the same order each time.
        preferred_backend: accepted for compatibility.

    >>> import numpy as np, kerasgpu as keras
    >>> left, right = keras.utils.split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), len(right)
    (8, 2)
    """
    if left_size is None and right_size is None:
        raise ValueError(
            "At least one of the `left_size` or `right_size` must be specified. Received: left_size=None and right_size=None"
        )
    samples, batch_size = _samples(dataset)
    if not samples:
        raise ValueError("Received an empty dataset. Argument `dataset` must have at least one sample.")
    left, right = _sizes(left_size, right_size, len(samples))
    if shuffle:
        random.Random(random.randint(0, int(1e6)) if seed is None else seed).shuffle(samples)
    return tuple(_dataset(part, batch_size) for part in (samples[:left], samples[len(samples) - right :]))


def _samples(dataset):
    """(list of elements, batch size or None)."""
    if isinstance(dataset, Dataset):
        inner = dataset._stage
        while isinstance(inner, (Prefetched, Cached, Taken, Skipped, Shuffled)):
            inner = inner._parent
        if isinstance(inner, Batched):
            return list(dataset.unbatch()), inner._batch_size
        return list(dataset), None
    if isinstance(dataset, (list, tuple)):
        if not len(dataset):
            raise ValueError("Received an empty list dataset. Please provide a non-empty list or tuple of arrays.")
        bad = [type(a).__name__ for a in dataset if not isinstance(a, (np.ndarray, el.Tensor))]
        if bad:
            raise ValueError(f"Expected a list of `numpy.ndarray` objects, Received: {bad}")
        lengths = [len(a) for a in dataset]
        if len(set(lengths)) > 1:
            raise ValueError(f"Received a list of NumPy arrays with different lengths: {lengths}. All must have as many rows")
        return list(Dataset.from_tensor_slices(tuple(dataset))), None
    if isinstance(dataset, (np.ndarray, el.Tensor)):
        return list(Dataset.from_tensor_slices(dataset)), None
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):  # a torch data set
        return [el.to_element(dataset[k]) for k in range(len(dataset))], None
    raise TypeError(
        "The `dataset` argument must be a `keras.data.Dataset`, a torch `Dataset`, or an array or list/tuple of arrays. Received: "
        f"dataset={dataset!r:.100} of type {type(dataset)}"
    )


def _dataset(samples, batch_size):
    ds = Dataset.from_tensor_slices(el.stack(samples))
    return (ds if batch_size is None else ds.batch(batch_size)).prefetch(AUTOTUNE)


def _sizes(left, right, total):
    for name, size in (("left_size", left), ("right_size", right)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, (int, float))):
            raise TypeError(f"Invalid `{name}` Type. Expected: int or float or None, Received: type({name})={type(size)}.")
        if size is not None and not 0 < size < (1 if isinstance(size, float) else total):
            raise ValueError(
                f"`{name}` should be either a positive integer smaller than {total}, or a float within the range `[0, 1]`. Received: "
                f"{name}={size}"
            )
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError("The sum of `left_size` and `right_size` is greater than 1. It must be less than or equal to 1.")
    left, right = (round(s * total) if isinstance(s, float) else s for s in (left, right))
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(
            f"The sum of `left_size` and `right_size` should be smaller than the {total}. Received: left_size + right_size = "
            f"{left + right} and total_length = {total}"
        )
    for side, size in (("left", left), ("right", right)):
        if size == 0:
            raise ValueError(
                f"With `dataset` of length={total}, left {left} and right {right}: the {side} side would be empty."
            )
    return left, right
