"""Which adapter serves which data."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from kerasgpu.data.dataset import Dataset
from kerasgpu.training.adapters import convert
from kerasgpu.training.adapters.arrays import ArrayAdapter
from kerasgpu.training.adapters.base import DataAdapter
from kerasgpu.training.adapters.dataset import DatasetAdapter
from kerasgpu.training.adapters.iterables import GeneratorAdapter, IterableAdapter
from kerasgpu.training.adapters.py_dataset import PyDataset, PyDatasetAdapter


def get_data_adapter(x, y=None, sample_weight=None, batch_size=None, steps_per_epoch=None, shuffle=False, class_weight=None):
    """The DataAdapter for the data arguments of fit, evaluate or predict.

    Raises ValueError for data of an unknown kind, and for y or weights beside data that brings its own.
    """
    if isinstance(x, DataAdapter):
        return x
    if isinstance(x, PyDataset):
        _refuse("PyDataset", y, sample_weight)
        return PyDatasetAdapter(x, class_weight=class_weight, shuffle=shuffle)
    if isinstance(x, Dataset):
        _refuse("Dataset", y, sample_weight)
        return DatasetAdapter(x, class_weight)
    # Other iterators, such as iter(data_loader), can be read once, too.
    if isinstance(x, Iterator):
        _refuse("generator", y, sample_weight, class_weight)
        if shuffle:
            _warn_shuffle("a generator. The generator is expected to yield already-shuffled data.")
        return GeneratorAdapter(x)
    parts = (x, y, sample_weight)
    if x is not None and all(convert.is_structure_of_arrays(part) for part in parts):
        return ArrayAdapter(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
    if not convert.is_structure_of_arrays(x) and _is_dataset(x):
        kind = type(x).__name__
        _refuse(kind, y, sample_weight, class_weight)
        if shuffle and "tensorflow" in type(x).__module__:
            _warn_shuffle(f"a `{kind}`. It is expected to already be shuffled.")
        return IterableAdapter(x)
    for label, part in zip(("x", "y", "sample_weight"), parts):
        if not convert.is_structure_of_arrays(part):
            raise ValueError(
                f"Unrecognized data type: {label}={str(part)[:200]} (of type {type(part)}). Pass NumPy arrays, tensors, "
                "pandas tables, "
                "lists or dicts of these, a keras.utils.PyDataset, or an iterable of batches"
            )
    raise ValueError("No data: pass x")


def _is_dataset(x) -> bool:
    if x is None or isinstance(x, (str, bytes, dict, int, float, list, tuple)):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _refuse(kind, y=None, sample_weight=None, class_weight=None):
    for given, name, what in ((y, "y", "the targets"), (sample_weight, "sample_weights", "the sample weights")):
        if given is not None:
            raise ValueError(
                f"When providing `x` as a {kind}, `{name}` should not be passed. Instead, {what} should be included as part "
                f"of the {kind}."
            )
    if class_weight is not None:
        raise ValueError(f"Argument `class_weight` is not supported for {kind} inputs. Received: class_weight={class_weight}")


def _warn_shuffle(what):
    warnings.warn(f"`shuffle=True` was passed, but will be ignored since the data `x` was provided as {what}", stacklevel=5)


__all__ = [
    "ArrayAdapter",
    "DataAdapter",
    "DatasetAdapter",
    "GeneratorAdapter",
    "IterableAdapter",
    "PyDataset",
    "PyDatasetAdapter",
    "get_data_adapter",
]
