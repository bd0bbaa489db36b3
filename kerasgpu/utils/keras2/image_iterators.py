"""Iterators of ImageDataGenerator: endless batches for `next()` and `for`, a PyDataset for fit, evaluate and predict."""

from __future__ import annotations

import os
import threading

import numpy as np

from kerasgpu import config
from kerasgpu.training.adapters.py_dataset import PyDataset
from kerasgpu.utils import image_utils


class Iterator(PyDataset):
    """Batches of `n` samples; subclasses make the batch of given positions in `_get_batches_of_transformed_samples`.

    Args:
        n: number of samples.
        batch_size: samples of a batch; the last of an epoch may have fewer.
        shuffle: whether every epoch has another order.
        seed: of the order and of the random changes, None for whatever NumPy's generator stands at.
        kwargs: `workers`, `use_multiprocessing`, `max_queue_size` of PyDataset.
    """

    def __init__(self, n, batch_size, shuffle, seed, **kwargs):
        super().__init__(**kwargs)
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.index_array = None
        self._lock = threading.Lock()

    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state):
        self.__dict__.update(state, _lock=threading.Lock())

    def _set_index_array(self):
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _seed_batch(self):
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def __len__(self):
        return -(-self.n // self.batch_size)

    def _positions(self, batch):
        return self.index_array[batch * self.batch_size : (batch + 1) * self.batch_size]

    def __getitem__(self, idx):
        if not 0 <= idx < len(self):
            raise ValueError(f"There are {len(self)} batches. Asked for number {idx}")
        with self._lock:
            self._seed_batch()
            if self.index_array is None:
                self._set_index_array()
            positions = self._positions(idx)
        return self._get_batches_of_transformed_samples(positions)

    def on_epoch_end(self):
        self._set_index_array()

    def reset(self):
        """Begin the next epoch with the next batch."""
        self.batch_index = 0

    def __iter__(self):
        return self

    def __next__(self):
        with self._lock:
            self._seed_batch()
            if self.batch_index == 0 or self.index_array is None:
                self._set_index_array()
            positions = self._positions(self.batch_index)
            self.batch_index = (self.batch_index + 1) % max(len(self), 1)
        return self._get_batches_of_transformed_samples(positions)

    def next(self):
        """The next batch."""
        return next(self)

    def _get_batches_of_transformed_samples(self, index_array):
        raise NotImplementedError

    def _save(self, images, positions):
        """Write the images of a batch to save_to_dir."""
        if not self.save_to_dir:
            return
        for image, position in zip(images, positions):
            name = f"{self.save_prefix}_{position}_{np.random.randint(int(1e7))}.{self.save_format}"
            image_utils.array_to_img(image, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))


def split_bounds(subset, share, count):
    """The positions (from, to) of a subset: the validation samples come first."""
    if subset is None:
        return 0, count
    if subset not in ("training", "validation"):
        raise ValueError(f"`subset` must be 'training' or 'validation'. Received: {subset!r}")
    at = int(share * count)
    return (0, at) if subset == "validation" else (at, count)


class NumpyArrayIterator(Iterator):
    """Batches of images in memory.

    Args:
        x: images of 4 dimensions, or (images, other inputs), whose batches are then lists.
        y: labels, or None: batches are images alone.
        image_data_generator: ImageDataGenerator that changes the images.
        batch_size, shuffle, seed: see Iterator.
        sample_weight: weight of each sample, or None.
        data_format, dtype: None for those of the generator.
        save_to_dir, save_prefix, save_format: write the changed images to a folder, to look at them.
        subset: "training" or "validation", parts by the generator's validation_split: the first samples are for validation.
        ignore_class_split: whether a part may lack classes.
    """

    def __init__(
        self,
        x,
        y,
        image_data_generator,
        batch_size=32,
        shuffle=False,
        sample_weight=None,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        subset=None,
        ignore_class_split=False,
        dtype=None,
    ):
        self.data_format = data_format or image_data_generator.data_format
        self.dtype = dtype or image_data_generator.dtype or config.floatx()
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        others = []
        if isinstance(x, (tuple, list)):
            rest = x[1] if len(x) > 1 else []
            others = [np.asarray(r) for r in (rest if isinstance(rest, list) else [rest])]
            x = x[0]
        x = np.asarray(x)
        y, weights = (None if v is None else np.asarray(v) for v in (y, sample_weight))
        for name, other in (("y", y), ("sample_weight", weights), *(("x[1]", o) for o in others)):
            if other is not None and len(other) != len(x):
                raise ValueError(f"flow(): x has {len(x)} samples and {name} has {len(other)}; they must be as many")
        if x.ndim != 4:
            raise ValueError(
                f"flow() takes images of 4 dimensions (images, height, width, channels). Received shape: {x.shape}"
            )
        begin, end = split_bounds(subset, image_data_generator._validation_split, len(x))
        if subset and y is not None and not ignore_class_split:
            at = end if subset == "validation" else begin
            if not np.array_equal(np.unique(y[:at]), np.unique(y[at:])):
                raise ValueError(
                    "flow(): training and validation part have other classes. Shuffle the data before the split, or pass "
                    "ignore_class_split=True for labels that are no classes."
                )
        cut = lambda values: None if values is None else values[begin:end]
        self.x, self.y, self.sample_weight = cut(x).astype(self.dtype, copy=False), cut(y), cut(weights)
        self.x_misc = [cut(o) for o in others]
        self.image_data_generator = image_data_generator
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array):
        make = self.image_data_generator
        images = np.empty((len(index_array), *self.x.shape[1:]), self.dtype)
        for k, position in enumerate(index_array):
            images[k] = make.standardize(make.random_transform(self.x[position].copy()))
        self._save(images, index_array)
        inputs = [images, *(o[index_array] for o in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return inputs
        batch = (inputs, self.y[index_array])
        return batch if self.sample_weight is None else (*batch, self.sample_weight[index_array])
