"""text_dataset_from_directory."""

from __future__ import annotations

from kerasgpu.utils.dataset_utils import Request
from kerasgpu.utils.image_dataset import check_format


def text_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    max_length=None,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    format="tf",
    verbose=True,
):
    """A `keras.data.Dataset` of batches of text, NumPy arrays (batch,) of str, and their labels.

    Args:
        directory: folder with one subfolder of .txt files, in UTF-8, for each class.
        max_length: characters of a file that are kept; None for all.

    The other arguments are those of `image_dataset_from_directory`.

    >>> import pathlib, kerasgpu as keras
    >>> for name in ("bad", "good"):
    ...     pathlib.Path(f"reviews/{name}").mkdir(parents=True)
    ...     count = pathlib.Path(f"reviews/{name}/1.txt").write_text(f"a {name} film")
    >>> ds = keras.utils.text_dataset_from_directory("reviews", shuffle=False, verbose=False)
    >>> [(text.numpy().tolist(), labels.numpy().tolist()) for text, labels in ds]
    [(['a bad film', 'a good film'], [0, 1])]
    """
    check_format(format)

    def load(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(-1 if max_length is None else max_length)

    return Request(
        directory,
        "text",
        (".txt",),
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
