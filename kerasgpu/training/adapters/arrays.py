"""Arrays in memory: one gather per array and batch, in an order that is drawn once per pass."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch, movement
from kerasgpu.training.adapters import convert, pack
from kerasgpu.training.adapters.base import DataAdapter


class ArrayAdapter(DataAdapter):
    """Batches of nested structures of arrays with the same number of rows.

    Attributes: `arrays` (flat list of contiguous arrays of x, y and sample_weight, in that order), `num_samples`, `batch_size`,
    `num_batches`, `shuffle` (False, True, or "batch": only within each batch).
    """

    def __init__(self, x, y=None, sample_weight=None, batch_size=None, steps=None, shuffle=False, class_weight=None):
        x, y, sample_weight = (
            _converted(part, label) for part, label in zip((x, y, sample_weight), ("x", "y", "sample_weight"))
        )
        if not any(a is not None for a in nest.flatten(x)):
            raise ValueError(f"Expected at least one array in `x`. Received: x={x}")
        if sample_weight is not None and class_weight is not None:
            raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
        self.num_samples = pack.check_data_cardinality((x, y, sample_weight))
        if self.num_samples == 0:
            shapes = nest.map_structure(lambda a: None if a is None else tuple(a.shape), x)
            raise ValueError(f"The data has no samples: x has shape {shapes}. Pass arrays with at least one row")
        if class_weight is not None:
            if y is None:
                raise ValueError("`class_weight` needs labels: pass y")
            if nest.is_nested(y):
                raise ValueError("`class_weight` is only supported for Models with a single output.")
            sample_weight = convert.to_array(pack.class_weight_to_sample_weights(_host(y), class_weight))
        elif sample_weight is not None and nest.is_nested(y):
            sample_weight = _one_weight_per_output(y, sample_weight)
        self._structure = pack.pack_x_y_sample_weight(x, y, sample_weight)
        self._flat = nest.flatten(self._structure)
        self.arrays = [a for a in self._flat if a is not None]
        self._tensors = None
        self.batch_size = _batch_size(batch_size, steps, self.num_samples)
        self.num_batches = -(-self.num_samples // self.batch_size)
        self.shuffle = shuffle

    def permutation(self, epoch=None):
        """The order of the samples for one pass: int64 (samples,), or None when they come as they are.

        Drawn from NumPy's global generator as Keras does it, so a seed gives Keras's order, on every device.
        """
        del epoch
        if not self.shuffle:
            return None
        if self.shuffle == "batch":
            starts = range(0, self.num_samples, self.batch_size)
            return np.concatenate([np.random.permutation(min(self.batch_size, self.num_samples - s)) + s for s in starts])
        return np.random.permutation(self.num_samples)

    def batch(self, index, order=None):
        """Batch number `index` of a pass in that order."""
        start = index * self.batch_size
        stop = min(start + self.batch_size, self.num_samples)
        if order is None:
            rows = [None if a is None else _rows(a, start, stop) for a in self._flat]
        else:
            rows = self._gather(order[start:stop])
        if self._flat is self.arrays and len(rows) == 1:
            return rows[0]
        return nest.pack_sequence_as(self._structure, rows)

    def _gather(self, indices):
        if self._tensors is None:
            self._tensors = [None if a is None else Tensor(a) for a in self._flat]
        wanted = Tensor(indices)
        return [None if t is None else _here(ops.take(t, wanted, axis=0)) for t in self._tensors]

    def batches(self):
        order = self.permutation()
        return (self.batch(k, order) for k in range(self.num_batches))

    def example(self):
        return self.batch(0)


def _converted(part, label):
    try:
        return convert.to_structure(part)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None


def _batch_size(batch_size, steps, num_samples):
    if batch_size is None:
        return -(-num_samples // steps) if steps else 32
    if isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1:
        raise ValueError(f"`batch_size` must be a positive integer. Received: batch_size={batch_size}")
    return int(batch_size)


def _rows(array, start, stop):
    if launch.is_host(array):
        return _here(Tensor(array[start:stop]))
    # On a GPU a copy: kernels move 16 bytes at once, and a part of an array may begin anywhere.
    first, sizes = (start,) + (0,) * (array.ndim - 1), (min(stop, len(array)) - start, *array.shape[1:])
    return _here(Tensor(movement.slice(array, first, sizes)))


def _here(tensor):
    """The batch on the device that computes: data sets stay where the user put them."""
    where = devices.current_device()
    if launch.is_host(tensor._data) and where.startswith("cpu"):
        return tensor
    return Tensor(devices.put(tensor._data, where), tensor.dtype)


def _host(array):
    return array if launch.is_host(array) else array.get()


def _one_weight_per_output(y, sample_weight):
    if nest.is_nested(sample_weight):
        try:
            nest.map_structure(lambda a, b: None, y, sample_weight)
        except ValueError:
            shapes = [nest.map_structure(lambda a: None if a is None else tuple(a.shape), part) for part in (y, sample_weight)]
            raise ValueError(
                "You should provide one `sample_weight` array per output in `y`. The two structures did not match:\n"
                f"- y: {shapes[0]}\n- sample_weight: {shapes[1]}\n"
            ) from None
        return sample_weight
    if len(sample_weight.shape) != 1 and tuple(sample_weight.shape[1:]) != (1,):
        raise ValueError(
            "For a model with multiple outputs, when providing a single `sample_weight` array, it should only have one scalar "
            "score per "
            f"sample (i.e. shape `(num_samples,)`); received shape {tuple(sample_weight.shape)}. If you want to use "
            "non-scalar sample "
            "weights, pass a `sample_weight` argument with one array per model output."
        )
    return nest.map_structure(lambda _: sample_weight, y)


def train_validation_split(arrays, validation_split):
    """((x, y, w) for training, (x, y, w) for validation): the last rows of each array are for validation, before any shuffling.

    Args:
        arrays: (x, y, sample_weight), nested structures of arrays.
        validation_split: fraction of the rows, between 0 and 1.
    """
    if not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1. Received: validation_split={validation_split}")
    if not all(convert.is_structure_of_arrays(part) for part in arrays):
        kinds = sorted({type(part).__name__ for part in arrays if not convert.is_structure_of_arrays(part)})
        raise ValueError(
            "Argument `validation_split` is only supported for tensors or NumPy arrays. Found incompatible type in the "
            f"input: {kinds}. "
            "Pass `validation_data` instead"
        )
    arrays = tuple(_converted(part, label) for part, label in zip(arrays, ("x", "y", "sample_weight")))
    num_samples = pack.check_data_cardinality(arrays)
    split_at = int(np.floor(num_samples * (1.0 - validation_split)))
    if split_at == 0 or split_at == num_samples:
        raise ValueError(
            f"Training data contains {num_samples} samples, which is not sufficient to split it into a validation and "
            "training set as "
            f"specified by `validation_split={validation_split}`. Either provide more data, or a different value for the "
            "`validation_split` argument."
        )

    def rows(start, stop):
        return tuple(nest.map_structure(lambda a: None if a is None else a[start:stop], part) for part in arrays)

    return rows(0, split_at), rows(split_at, num_samples)
