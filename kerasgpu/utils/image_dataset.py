"""image_dataset_from_directory."""

from __future__ import annotations

from kerasgpu import config
from kerasgpu.utils.dataset_utils import Request
from kerasgpu.utils.picture_files import METHODS, load_picture

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format="tf",
    verbose=True,
):
    """A `keras.data.Dataset` of batches of pictures, (batch, height, width, channels) float32 from 0 to 255, and their labels.

    Files are decoded by threads while batches are used; the folder is never in memory as a whole. The order of the files, the
    split and the labels are those of Keras for the same seed. The data set has `class_names` and `file_paths`.

    Args:
        directory: folder with one subfolder of pictures (.bmp, .gif, .jpeg, .jpg, .png) for each class.
        labels: "inferred" from the subfolders, None, or a list of integers in the order of the sorted paths.
        label_mode: "int": int32 (batch,); "categorical": one-hot float32 (batch, classes); "binary": float32 (batch, 1); or None.
        class_names: names of the subfolders in the order of their labels; default: alphabetical.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: None for single pictures.
        image_size: (height, width) to which pictures are resized.
        shuffle: random order, anew in each pass; else sorted.
        seed: int; needed when `validation_split` and shuffling are used together.
        validation_split: fraction of the files, the last ones, that are kept for validation.
        subset: "training", "validation" or "both" (a pair of data sets), with `validation_split`.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic".
        follow_links: whether to enter linked subfolders.
        crop_to_aspect_ratio, pad_to_aspect_ratio: keep the proportions of pictures by cutting or by black bars.
        data_format: "channels_last", "channels_first", or None for the configured one.
        format: "tf" or "grain", for compatibility; both give the same data set.
        verbose: whether to say how many files and classes were found.

    Raises ValueError for wrong arguments, for a folder without pictures and, when it is reached, for a file that is no picture.

    >>> import os, numpy as np, kerasgpu as keras
    >>> for name in ("cat", "dog"):
    ...     os.makedirs(f"pets/{name}")
    ...     keras.utils.save_img(f"pets/{name}/1.png", np.zeros((4, 4, 3)))
    >>> ds = keras.utils.image_dataset_from_directory("pets", image_size=(2, 2))
    Found 2 files belonging to 2 classes.
    >>> images, labels = next(iter(ds))
    >>> images.shape, ds.class_names
    ((2, 2, 2, 3), ['cat', 'dog'])
    """
    if color_mode not in _CHANNELS:
        raise ValueError(f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}')
    if isinstance(image_size, int):
        image_size = (image_size, image_size)
    if not isinstance(image_size, (list, tuple)) or len(image_size) != 2 or any(int(n) < 1 for n in image_size):
        raise ValueError(f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={image_size}")
    size, channels, method = tuple(int(n) for n in image_size), _CHANNELS[color_mode], str(interpolation).lower()
    if method not in METHODS:
        raise ValueError(f"Argument `interpolation` should be one of {METHODS}. Received: interpolation={interpolation}")
    check_format(format)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    first = (data_format or config.image_data_format()) == "channels_first"

    def load(path):
        picture = load_picture(path, size, channels, method, crop_to_aspect_ratio, pad_to_aspect_ratio)
        return picture.transpose(2, 0, 1) if first else picture

    return Request(
        directory,
        "image",
        FORMATS,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
        load,
    ).datasets()


def check_format(format):
    if format not in ("tf", "grain"):
        raise ValueError(f'`format` should be either "tf" or "grain". Received: format={format}')
