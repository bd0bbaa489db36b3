"""Dataset: a lazy sequence of elements, and the transformations that make new ones of it."""

from __future__ import annotations

import functools

import numpy as np

from kerasgpu import missing
from kerasgpu.data import batches, combine, mapped, rows, seeds, sources
from kerasgpu.data import elements as el
from kerasgpu.data.stage import INFINITE, UNKNOWN, Stage
from kerasgpu.engine import nest

_ABSENT = "write it as a Python generator over the data set and pass that to Dataset.from_generator"
_ABSENT_NAMES = (
    "bucket_by_sequence_length",
    "choose_from_datasets",
    "group_by_window",
    "list_files",
    "load",
    "ragged_batch",
    "random",
    "rejection_resample",
    "sample_from_datasets",
    "save",
    "scan",
    "snapshot",
    "sparse_batch",
)


class Dataset:
    """Elements that are made when they are asked for: nested tuples and dicts of CPU tensors (text: NumPy arrays of str).

    Made by `from_tensor_slices`, `from_generator`, `range` and the `keras.utils.*_dataset_from_directory` functions. Every
    transformation returns a new data set and leaves this one as it is. Each `for` loop is a new pass. `fit`, `evaluate`, `predict`
    and `adapt` take a data set of batches. With `keras.utils.set_random_seed` the passes are the same in each run, whatever the
    number of threads.

    >>> import kerasgpu as keras
    >>> ds = keras.data.Dataset.range(6).map(lambda x: x * 10).batch(4)
    >>> [batch.numpy().tolist() for batch in ds]
    [[0, 10, 20, 30], [40, 50]]
    """

    def __init__(self, stage: Stage):
        self._stage = stage

    def _iterate(self, seed):
        return self._stage._iterate(seed)

    def _count(self):
        return self._stage._count()

    def _example(self, size):
        return self._stage._example(size)

    # -- sources ------------------------------------------------------------------------------------------------------
    @staticmethod
    def from_tensor_slices(tensors, name=None):
        """Elements are the rows of arrays: of one, or of each in a tuple or dict. All must have as many rows."""
        return Dataset(sources.Slices(tensors))

    @staticmethod
    def from_tensors(tensors, name=None):
        """One element: the given structure of arrays."""
        return Dataset(sources.One(tensors))

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None):
        """Elements from a Python generator.

        Args:
            generator: function that returns an iterator over elements; called for every pass.
            output_signature: structure of TensorSpec that elements are converted to and checked against; optional.
            output_types, output_shapes: the same as structures of dtypes and of shapes.
            args: arguments for the function, as arrays.
        """
        return Dataset(sources.Generated(generator, output_types, output_shapes, args, output_signature))

    @staticmethod
    def range(*args, output_type="int64", name=None):
        """Integers as in Python's range(start, stop, step), as scalar tensors."""
        return Dataset(sources.Range(tuple(map(int, args)), getattr(output_type, "name", output_type)))

    @staticmethod
    def zip(*args, datasets=None, name=None):
        """Elements that are structures of the elements of several data sets; as long as the shortest."""
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = nest.flatten(structure)
        if not parts or not all(isinstance(p, Dataset) for p in parts):
            kinds = nest.map_structure(lambda p: type(p).__name__, structure)
            raise TypeError(f"Dataset.zip takes data sets, one by one or in a tuple or dict. Received: {kinds}")
        return Dataset(combine.Zipped(structure, [p._stage for p in parts]))

    # -- rows in another order ------------------------------------------------------------------------------------------
    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """Elements in random order: each is drawn from a buffer of the next `buffer_size`.

        Args:
            buffer_size: a buffer as large as the data set shuffles perfectly.
            seed: int for the same orders in each run; None takes them from the seed of the pass.
            reshuffle_each_iteration: whether passes differ.
        """
        return Dataset(rows.Shuffled(self._stage, buffer_size, seed, reshuffle_each_iteration))

    def take(self, count, name=None):
        """The first `count` elements; -1 for all."""
        return Dataset(rows.Taken(self._stage, count))

    def skip(self, count, name=None):
        """All but the first `count` elements; -1 for none."""
        return Dataset(rows.Skipped(self._stage, count))

    def repeat(self, count=None, name=None):
        """`count` passes one after the other; None or -1 for no end."""
        return Dataset(rows.Repeated(self._stage, count))

    def shard(self, num_shards, index, name=None):
        """Every `num_shards`-th element, beginning with number `index`."""
        return Dataset(rows.Shard(self._stage, num_shards, index))

    # -- elements computed from elements --------------------------------------------------------------------------------
    def map(self, map_func, num_parallel_calls=None, deterministic=None, name=None, **kwargs):
        """map_func of each element (its parts as separate arguments where it is a tuple).

        Args:
            map_func: function of tensors that returns a tensor or structure; layers and NumPy work in it, too.
            num_parallel_calls: threads that compute results ahead of their use; None computes them when they are asked for,
                AUTOTUNE chooses.
            deterministic: False lets results come in the order in which they are ready.

        Random layers and `keras.random` in it draw numbers that depend on the pass and the element, not on threads.
        """
        return Dataset(mapped.Mapped(self._stage, map_func, num_parallel_calls, deterministic is not False))

    def filter(self, predicate, name=None):
        """The elements for which predicate(element) is true."""
        return Dataset(mapped.Filtered(self._stage, predicate))

    def interleave(
        self, map_func, cycle_length=None, block_length=None, num_parallel_calls=None, deterministic=None, name=None
    ):
        """The elements of the data sets that map_func makes of `cycle_length` elements at a time, `block_length` from each in turn."""
        return Dataset(combine.Interleaved(self._stage, map_func, cycle_length, block_length, Dataset))

    def flat_map(self, map_func, name=None):
        """The elements of map_func(element), one data set after the other."""
        return self.interleave(map_func, 1, 1)

    def enumerate(self, start=0, name=None):
        """Pairs (number, element)."""
        return Dataset(combine.Enumerated(self._stage, start))

    def concatenate(self, dataset, name=None):
        """The elements of this data set, then those of another."""
        return Dataset(combine.Concatenated(self._stage, dataset))

    def apply(self, transformation_func):
        """transformation_func(self)."""
        return transformation_func(self)

    def reduce(self, initial_state, reduce_func, name=None):
        """The last state of state = reduce_func(state, element)."""
        current = el.to_element(initial_state)
        for element in self:
            current = el.to_element(reduce_func(current, element))
        return current

    # -- batches --------------------------------------------------------------------------------------------------------
    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """Elements stacked along a new first axis, `batch_size` at a time; the last batch may be smaller, or is dropped."""
        return Dataset(batches.Batched(self._stage, batch_size, drop_remainder))

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None):
        """As `batch`, for elements of different sizes, padded at their ends to the longest of the batch or to `padded_shapes`."""
        return Dataset(batches.PaddedBatched(self._stage, batch_size, padded_shapes, padding_values, drop_remainder))

    def unbatch(self, name=None):
        """The rows of each element, one by one."""
        return Dataset(batches.Unbatched(self._stage))

    def rebatch(self, batch_size, drop_remainder=False, name=None):
        """Batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(self, size, shift=None, stride=1, drop_remainder=False, name=None):
        """Data sets of `size` elements each, `stride` apart, the next window beginning `shift` (default `size`) elements later."""
        return Dataset(batches.Windowed(self._stage, size, shift, stride, drop_remainder, Dataset))

    # -- when work is done ------------------------------------------------------------------------------------------------
    def prefetch(self, buffer_size, name=None):
        """A thread prepares up to `buffer_size` elements ahead of their use; AUTOTUNE chooses."""
        return Dataset(mapped.Prefetched(self._stage, buffer_size))

    def cache(self, filename="", name=None):
        """Keep the elements of the first whole pass in memory for later passes."""
        return Dataset(mapped.Cached(self._stage, filename))

    def with_options(self, options, name=None):
        """This data set: there is nothing to set."""
        return self

    def ignore_errors(self, log_warning=False, name=None):
        """The elements without those whose computation raised an error."""
        return Dataset(mapped.WithoutErrors(self._stage, log_warning))

    # -- looking at it ----------------------------------------------------------------------------------------------------
    def __iter__(self):
        return self._iterate(seeds.new_pass())

    def as_numpy_iterator(self):
        """An iterator over one pass with NumPy arrays instead of tensors; text becomes str."""
        return (nest.map_structure(_to_numpy, element) for element in self)

    def cardinality(self, name=None):
        """Number of elements as an int64 tensor; -1 if there is no end, -2 if it is not known."""
        return el.to_leaf(np.int64(self._count()))

    def __len__(self):
        count = self._count()
        if count < 0:
            raise TypeError(f"The dataset {'is infinite' if count == INFINITE else 'length is unknown'}.")
        return count

    def __bool__(self):
        return True

    @functools.cached_property
    def element_spec(self):
        """A TensorSpec for each part of an element. Functions of map() are called on a first element to find out."""
        self._stage._check_spec()
        small = nest.map_structure(el.spec_of, self._example(1))
        large = nest.map_structure(el.spec_of, self._example(2))

        def common(a, b):
            return None if a is None else el.TensorSpec([d if d == e else None for d, e in zip(a.shape, b.shape)], a.dtype)

        return nest.map_structure(common, small, large)

    def __repr__(self):
        count = {INFINITE: "infinitely many", UNKNOWN: "unknown"}.get(self._count(), self._count())
        return f"<{type(self._stage).__name__}Dataset: elements={count}>"

    def __getattr__(self, name):
        if name in _ABSENT_NAMES:
            raise missing.MissingName(f"Dataset.{name} is not available in kerasgpu: {_ABSENT}")
        raise AttributeError(f"Dataset has no attribute {name!r}")


def _to_numpy(leaf):
    if leaf is None:
        return None
    if leaf.shape == ():
        return leaf[()] if isinstance(leaf, el.Strings) else leaf._data[()]
    return leaf.numpy()
