"""Iterators of ImageDataGenerator over image files: a folder for each class, or a table of names."""

from __future__ import annotations

import os
import warnings

import numpy as np

from kerasgpu import config
from kerasgpu.utils import image_utils
from kerasgpu.utils.keras2.image_iterators import Iterator, split_bounds

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


class FileIterator(Iterator):
    """What both have in common: files to read (`filepaths`), and labels by class_mode (`classes`, `labels`)."""

    def _set_up(self, generator, target_size, color_mode, data_format, save, subset, interpolation, keep_aspect_ratio, dtype):
        if color_mode not in _CHANNELS:
            raise ValueError(f"`color_mode` must be one of {', '.join(_CHANNELS)}. Received: {color_mode!r}")
        self.image_data_generator = generator
        self.target_size, self.color_mode = tuple(target_size), color_mode
        self.data_format = data_format or (generator.data_format if generator else config.image_data_format())
        self.dtype = dtype or (generator.dtype if generator else config.floatx())
        channels = (_CHANNELS[color_mode],)
        first = self.data_format == "channels_first"
        self.image_shape = channels + self.target_size if first else self.target_size + channels
        self.save_to_dir, self.save_prefix, self.save_format = save
        self.subset, self.interpolation, self.keep_aspect_ratio = subset, interpolation, keep_aspect_ratio

    def _bounds(self, count):
        generator = self.image_data_generator
        return split_bounds(self.subset, generator._validation_split if generator else 0.0, count)

    def _image(self, path):
        with image_utils.load_img(
            path, self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio
        ) as picture:
            x = image_utils.img_to_array(picture, self.data_format)
        generator = self.image_data_generator
        return generator.standardize(generator.random_transform(x)) if generator else x

    def _get_batches_of_transformed_samples(self, index_array):
        images = np.empty((len(index_array), *self.image_shape), self.dtype)
        for k, position in enumerate(index_array):
            images[k] = self._image(self.filepaths[position])
        self._save(images, index_array)
        if self.class_mode is None:
            return images
        labels = self._batch_labels(images, index_array)
        return (images, labels) if self.sample_weight is None else (images, labels, self.sample_weight[index_array])

    def _batch_labels(self, images, index_array):
        if self.class_mode == "input":
            return images.copy()
        if self.class_mode == "raw":
            return self.labels[index_array]
        if self.class_mode == "multi_output":
            return [column[index_array] for column in self.labels]
        if self.class_mode in ("binary", "sparse"):
            return np.array([self.classes[k] for k in index_array], self.dtype)
        out = np.zeros((len(index_array), len(self.class_indices)), self.dtype)
        for row, k in enumerate(index_array):
            out[row, self.classes[k]] = 1  # a number, or a list of them for several classes at once
        return out


def _files(folder, follow_links):
    """The image files below a folder, in the order of their names."""
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (os.path.join(root, n) for n in sorted(names) if n.lower().endswith(FORMATS))


def _check_mode(mode, allowed):
    if mode not in allowed:
        raise ValueError(f"`class_mode` must be one of {', '.join(map(repr, allowed))}. Received: {mode!r}")


class DirectoryIterator(FileIterator):
    """Batches of the images in a folder that has a folder for each class.

    Args:
        directory: the folder.
        image_data_generator: ImageDataGenerator that changes the images, or None.
        target_size: (height, width) of the images.
        color_mode: "rgb", "rgba" or "grayscale".
        classes: names of the folders in the order of the classes; None: all, in the order of their names.
        class_mode: "categorical" for one-hot labels, "binary" or "sparse" for numbers, "input" for the images themselves, None for
            none.
        batch_size, shuffle, seed: see Iterator.
        data_format, dtype: None for those of the generator.
        save_to_dir, save_prefix, save_format: write the changed images to a folder.
        follow_links: whether to look into linked folders.
        subset: "training" or "validation", parts of each class by the generator's validation_split.
        interpolation, keep_aspect_ratio: see `keras.utils.load_img`.

    Attributes `classes`, `class_indices`, `filenames`, `filepaths`, `samples`, `num_classes` say what was found.
    """

    def __init__(
        self,
        directory,
        image_data_generator,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        follow_links=False,
        subset=None,
        interpolation="nearest",
        keep_aspect_ratio=False,
        dtype=None,
    ):
        save = (save_to_dir, save_prefix, save_format)
        self._set_up(
            image_data_generator, target_size, color_mode, data_format, save, subset, interpolation, keep_aspect_ratio, dtype
        )
        _check_mode(class_mode, ("categorical", "binary", "sparse", "input", None))
        self.directory, self.class_mode, self.sample_weight = os.fspath(directory), class_mode, None
        if not classes:
            classes = sorted(n for n in os.listdir(directory) if os.path.isdir(os.path.join(directory, n)))
        self.num_classes = len(classes)
        self.class_indices = {name: k for k, name in enumerate(classes)}
        self.filepaths, found = [], []
        for name, k in self.class_indices.items():
            files = list(_files(os.path.join(self.directory, name), follow_links))
            begin, end = self._bounds(len(files))
            self.filepaths += files[begin:end]
            found += [k] * (end - begin)
        self.classes = np.array(found, dtype="int32")
        self.filenames = [os.path.relpath(path, self.directory) for path in self.filepaths]
        self.samples = len(found)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def labels(self):
        """The class number of each file."""
        return self.classes


class DataFrameIterator(FileIterator):
    """Batches of the images that a pandas table names.

    Args:
        dataframe: the table.
        directory: the folder of the files, or None where x_col holds whole paths.
        image_data_generator: ImageDataGenerator that changes the images, or None.
        x_col, y_col, weight_col: columns of file names, labels (a list of columns for "raw" and "multi_output"), weights.
        classes: names of the classes in order; None: those of the table, sorted.
        class_mode: "categorical" (names, or lists of names for several classes at once), "binary", "sparse", "input", "raw" (the
            values of y_col), "multi_output" (a list of the columns y_col), or None.
        validate_filenames: whether to leave out, with a warning, files that are not there.
        other arguments: see DirectoryIterator; subsets are parts of the table.
    """

    def __init__(
        self,
        dataframe,
        directory=None,
        image_data_generator=None,
        x_col="filename",
        y_col="class",
        weight_col=None,
        target_size=(256, 256),
        color_mode="rgb",
        classes=None,
        class_mode="categorical",
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix="",
        save_format="png",
        subset=None,
        interpolation="nearest",
        keep_aspect_ratio=False,
        dtype=None,
        validate_filenames=True,
    ):
        save = (save_to_dir, save_prefix, save_format)
        self._set_up(
            image_data_generator, target_size, color_mode, data_format, save, subset, interpolation, keep_aspect_ratio, dtype
        )
        _check_mode(class_mode, ("categorical", "binary", "sparse", "input", "raw", "multi_output", None))
        self.directory, self.class_mode = os.fspath(directory or ""), class_mode
        missing = [c for c in (x_col, *_columns(y_col, class_mode), weight_col) if c is not None and c not in dataframe]
        if missing:
            raise ValueError(f"flow_from_dataframe: no column {missing[0]!r}. There are: {', '.join(map(str, dataframe))}")
        names = [str(n) for n in dataframe[x_col]]
        keep = self._readable(names) if validate_filenames else list(range(len(names)))
        if class_mode in ("categorical", "binary", "sparse"):
            keep = self._name_classes(list(dataframe[y_col]), classes, keep)
        begin, end = self._bounds(len(keep))
        keep = keep[begin:end]
        if class_mode in ("categorical", "binary", "sparse"):
            self.classes = [self._numbers[k] for k in keep]
        self.filenames = [names[k] for k in keep]
        self.filepaths = [os.path.join(self.directory, n) for n in self.filenames]
        self._raw = [np.asarray(dataframe[c])[keep] for c in _columns(y_col, class_mode)]
        self._one_column = not isinstance(y_col, (list, tuple))
        self.sample_weight = None if weight_col is None else np.asarray(dataframe[weight_col])[keep]
        self.samples = len(keep)
        belonging = f" belonging to {len(self.class_indices)} classes" if hasattr(self, "class_indices") else ""
        print(f"Found {self.samples} validated image filenames{belonging}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _readable(self, names):
        good = lambda n: n.lower().endswith(FORMATS) and os.path.isfile(os.path.join(self.directory, n))
        keep = [k for k, n in enumerate(names) if good(n)]
        if len(keep) < len(names):
            first = next(n for n in names if not good(n))
            warnings.warn(
                f"flow_from_dataframe leaves out {len(names) - len(keep)} of {len(names)} files that are no image files in "
                f"{self.directory or 'the current folder'!r}, such as {first!r}.",
                stacklevel=4,
            )
        return keep

    def _name_classes(self, values, classes, keep):
        """Numbers the classes; returns the rows of `keep` that have one of them."""
        several = lambda v: isinstance(v, (list, tuple, set))
        bad = next((v for v in values if not isinstance(v, str) and not several(v)), None)
        if bad is not None or (self.class_mode != "categorical" and any(map(several, values))):
            raise ValueError(
                f"flow_from_dataframe: class_mode={self.class_mode!r} takes class names as text"
                f"{', or lists of them' if self.class_mode == 'categorical' else ''}. Received: {bad if bad is not None else 'lists'!r}. "
                "Use class_mode='raw' for numbers, or cast the column with .astype(str)."
            )
        named = [list(v) if several(v) else [v] for v in values]
        chosen = list(classes) if classes else sorted({c for k in keep for c in named[k]})
        if self.class_mode == "binary" and len(chosen) != 2:
            raise ValueError(f"flow_from_dataframe: class_mode='binary' needs 2 classes. There are {len(chosen)}: {chosen[:5]}")
        self.class_indices = {name: k for k, name in enumerate(chosen)}
        numbers = [[self.class_indices[c] for c in row if c in self.class_indices] for row in named]
        self._numbers = [n if several(v) else (n[0] if n else None) for n, v in zip(numbers, values)]
        return [k for k in keep if numbers[k]]

    @property
    def labels(self):
        """The class numbers, or the values of the label columns for "raw" and "multi_output"."""
        if self.class_mode == "multi_output":
            return self._raw
        if self.class_mode == "raw":
            return self._raw[0] if self._one_column else np.stack(self._raw, axis=1)
        return self.classes


def _columns(y_col, class_mode):
    if class_mode in ("input", None):
        return []
    return list(y_col) if isinstance(y_col, (list, tuple)) else [y_col]
