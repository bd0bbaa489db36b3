"""Reuters: 11,228 newswires as word numbers, over 46 topics."""

from __future__ import annotations

import numpy as np

from kerasgpu.datasets import text
from kerasgpu.datasets.arrays import fetch, read_npz

_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"

_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude nat-gas cpi "
    "money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc "
    "orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """((x_train, y_train), (x_test, y_test)): x arrays of lists of word numbers, y topics 0 to 45. Arguments as for imdb."""
    xs, labels = read_npz(fetch(path, _SHA256), ("x", "y"))
    xs, labels = text.shuffle(xs, labels, np.random.RandomState(seed))
    xs = text.encode(xs, start_char, index_from)
    if maxlen:
        xs, labels = text.shorter_than(xs, labels, maxlen)
    xs = text.limit(xs, num_words, skip_top, oov_char)
    cut = int(len(xs) * (1 - test_split))
    return (text.ragged(xs[:cut]), labels[:cut]), (text.ragged(xs[cut:]), labels[cut:])


def get_word_index(path="reuters_word_index.json"):
    """{word: number}, without the shift by index_from."""
    return text.word_index(path, "4d44cc38712099c9e383dc6e5f11a921")


def get_label_names():
    """The topics, by label."""
    return tuple(_TOPICS.split())
