"""What the `*_dataset_from_directory` functions share: which files there are, their labels, the split, and the data set of them."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable

import numpy as np

from kerasgpu import config
from kerasgpu.data.dataset import Dataset
from kerasgpu.data.stage import AUTOTUNE


@dataclasses.dataclass
class Request:
    """The arguments that say which files become which data sets; `what` names the kind of file in messages."""

    directory: str
    what: str
    formats: tuple
    labels: object = "inferred"
    label_mode: str | None = "int"
    class_names: list | None = None
    batch_size: int | None = 32
    shuffle: bool = True
    seed: int | None = None
    validation_split: float | None = None
    subset: str | None = None
    follow_links: bool = False
    verbose: bool = True
    load: Callable = str  # from the path of a file to its element
    finish: Callable | None = None  # from the data set of single elements to the one that is returned

    def __post_init__(self):
        self.directory = os.fspath(self.directory)
        self._check_labels()
        self._check_split()
        if self.seed is None:
            self.seed = int(np.random.randint(1e6))

    def _check_labels(self):
        if self.labels not in ("inferred", None):
            if not isinstance(self.labels, (list, tuple)):
                raise ValueError(
                    f"The `labels` argument should be a list or tuple of integer labels, one for each {self.what} file of the folder; "
                    '"inferred" for the names of its subfolders; or None for no labels. Received: '
                    f"labels={self.labels}"
                )
            if self.class_names:
                raise ValueError(
                    f'You can only pass `class_names` if `labels="inferred"`. Received: labels={self.labels}, and '
                    f"class_names={self.class_names}"
                )
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                '`label_mode` argument must be one of "int", "categorical", "binary", or None. Received: '
                f"label_mode={self.label_mode}"
            )
        if self.labels is None or self.label_mode is None:
            self.labels = self.label_mode = None

    def _check_split(self):
        split, subset = self.validation_split, self.subset
        if split and not 0 < split < 1:
            raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
        if (split or subset) and not (split and subset):
            raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
        if subset not in ("training", "validation", "both", None):
            raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
        if split and self.shuffle and self.seed is None:
            raise ValueError(
                "With `validation_split` and `shuffle=True` you must provide a `seed` argument: the same one for training and "
                "validation, so that no file is in both"
            )

    def datasets(self):
        """The data set, or the pair (training, validation) for subset="both". Sets `class_names` and `file_paths` on them."""
        paths, labels, class_names = index_directory(
            self.directory,
            self.labels,
            self.formats,
            self.class_names,
            self.shuffle,
            self.seed,
            self.follow_links,
            self.verbose,
        )
        if self.label_mode == "binary" and len(class_names) != 2:
            raise ValueError(f'With `label_mode="binary"` there must be exactly 2 classes. Received: class_names={class_names}')
        encoded = None if labels is None else encode(labels, self.label_mode, len(class_names))
        if self.subset == "both":
            return tuple(
                self._dataset(paths, encoded, class_names, subset, self.shuffle and subset == "training")
                for subset in ("training", "validation")
            )
        return self._dataset(paths, encoded, class_names, self.subset, self.shuffle)

    def _dataset(self, paths, labels, class_names, subset, shuffle):
        chosen = split_of(len(paths), self.validation_split, subset)
        paths = paths[chosen]
        if not paths:
            kind = f"{subset} {self.what}" if subset and self.subset == "both" else self.what
            raise ValueError(
                f"No {kind} files found in directory {self.directory}. Allowed formats: {', '.join(self.formats)}"
                if self.what != "image"
                else f"No {'' if kind == self.what else subset + ' '}images found in directory {self.directory}. "
                f"Allowed formats: {self.formats}"
            )
        load = self.load
        if labels is None:
            ds, function = Dataset.from_tensor_slices(list(paths)), lambda path: load(path.item())
        else:
            ds = Dataset.from_tensor_slices((list(paths), labels[chosen]))
            function = lambda path, label: (load(path.item()), label)
        if shuffle:
            # A little ahead of the batches, so that epochs differ; the order of all files was drawn before.
            ds = ds.shuffle(1024 if self.batch_size is None else 8 * self.batch_size, seed=self.seed)
        ds = ds.map(function, num_parallel_calls=AUTOTUNE)
        if self.finish is not None:
            ds = self.finish(ds)
        elif self.batch_size is not None:
            ds = ds.batch(self.batch_size)
        ds = ds.prefetch(AUTOTUNE)
        ds.class_names = class_names
        ds.file_paths = list(paths)
        return ds


def tell(message):
    """A line for the user, or for the log where interactive logging is off."""
    if config.is_interactive_logging_enabled():
        print(message)
    else:
        logging.getLogger("kerasgpu").info(message)


def index_directory(directory, labels, formats, class_names=None, shuffle=True, seed=None, follow_links=False, verbose=True):
    """(file paths, int32 labels or None, class names or None) of the files in a folder, in Keras's order for this seed.

    Subfolders are classes, in alphabetical order or that of `class_names`; files are in the order of their folder, then name.
    """
    if not os.path.isdir(directory):
        there = "is a file" if os.path.exists(directory) else "does not exist"
        kind = NotADirectoryError if os.path.exists(directory) else FileNotFoundError
        raise kind(f"directory={str(directory)!r} {there} (working folder: {os.getcwd()}). Pass a folder with files in it")
    if labels == "inferred":
        folders = sorted(d for d in os.listdir(directory) if os.path.isdir(os.path.join(directory, d)) and d[:1] != ".")
        if class_names is not None:
            if not set(class_names) <= set(folders):
                raise ValueError(
                    "The `class_names` passed did not match the names of the subdirectories of the target directory. Expected: "
                    f"{folders} (or a subset of it), but received: class_names={class_names}"
                )
            folders = list(class_names)
    else:
        folders = [""]
        if class_names is not None:
            raise ValueError(
                f"`class_names` cannot be specified with labels={labels}: they are the names of subfolders, for labels='inferred'"
            )
    paths: list = []
    found: list = []
    for k, folder in enumerate(folders):
        for path in _files(os.path.join(directory, folder), follow_links, tuple(formats)):
            paths.append(path)
            found.append(k)
    if labels == "inferred":
        class_names, numbers = folders, np.array(found, "int32")
    elif labels is None:
        class_names, numbers = None, None
    else:
        if len(labels) != len(paths):
            raise ValueError(
                "Expected the lengths of `labels` to match the number of files in the target directory. len(labels) is "
                f"{len(labels)} while we found {len(paths)} files in directory {directory}."
            )
        class_names, numbers = [str(label) for label in sorted(set(labels))], np.array(labels, "int32")
    if verbose:
        tell(f"Found {len(paths)} files" + ("." if numbers is None else f" belonging to {len(class_names)} classes."))
    if shuffle:
        # Two generators with one seed give both lists the same order; Keras does the same, so orders agree.
        np.random.RandomState(seed).shuffle(paths)
        if numbers is not None:
            np.random.RandomState(seed).shuffle(numbers)
    return paths, numbers, class_names


def _files(folder, follow_links, formats):
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0]):
        for name in sorted(names):
            if name.lower().endswith(formats):
                yield os.path.join(root, name)


def split_of(count, validation_split, subset) -> slice:
    """Which of the files belong to the subset: the last ones are for validation."""
    if not validation_split:
        return slice(0, count)
    validation = int(validation_split * count)
    if subset == "training":
        tell(f"Using {count - validation} files for training.")
        return slice(0, count - validation)
    tell(f"Using {validation} files for validation.")
    return slice(count - validation, count)


def encode(labels, label_mode, num_classes):
    """int32 (n,), float32 one-hot (n, classes) for "categorical", or float32 (n, 1) for "binary"."""
    if label_mode == "categorical":
        return (labels[:, None] == np.arange(num_classes)).astype("float32")
    return labels.astype("float32")[:, None] if label_mode == "binary" else labels
