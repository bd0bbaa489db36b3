"""IMDB: 50,000 film reviews as word numbers, with their sentiment (Maas et al. 2011)."""

from __future__ import annotations

import numpy as np

from kerasgpu.datasets import text
from kerasgpu.datasets.arrays import fetch, read_npz

_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def load_data(
    path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3, **kwargs
):
    """((x_train, y_train), (x_test, y_test)): x arrays of lists of word numbers, y 0 (negative) or 1 (positive).

    Args:
        num_words: words with a number of at least this become oov_char.
        skip_top: the same for the most common words.
        maxlen: only reviews shorter than this.
        start_char, oov_char, index_from: how sequences begin, what replaces words, the number of the first word.
    """
    if "nb_words" in kwargs:
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}.")
    x_train, y_train, x_test, y_test = read_npz(fetch(path, _SHA256), ("x_train", "y_train", "x_test", "y_test"))
    rng = np.random.RandomState(seed)
    x_train, y_train = text.shuffle(x_train, y_train, rng)
    x_test, y_test = text.shuffle(x_test, y_test, rng)
    train, test = (text.encode(x, start_char, index_from) for x in (x_train, x_test))
    if maxlen:
        train, y_train = text.shorter_than(train, y_train, maxlen)
        test, y_test = text.shorter_than(test, y_test, maxlen)
    both = text.limit(train + test, num_words, skip_top, oov_char)
    return (text.ragged(both[: len(train)]), y_train), (text.ragged(both[len(train) :]), y_test)


def get_word_index(path="imdb_word_index.json"):
    """{word: number}, without the shift by index_from."""
    return text.word_index(path, "bfafd718b763782e994055a2d397834f")
