"""What IMDB and Reuters share: sequences of word numbers, with the rarest or most common words cut out."""

from __future__ import annotations

import json

import numpy as np

from kerasgpu.datasets.arrays import FOLDER
from kerasgpu.utils.files import get_file


def shuffle(x, y, rng):
    order = np.arange(len(x))
    rng.shuffle(order)
    return x[order], y[order]


def encode(xs, start_char, index_from):
    """Shift word numbers by index_from and put start_char in front."""
    shift = index_from or 0
    head = [] if start_char is None else [start_char]
    return [[*head, *(w + shift for w in x)] for x in xs]


def limit(xs, num_words, skip_top, oov_char):
    """Replace words outside [skip_top, num_words) by oov_char, or drop them when that is None."""
    num_words = num_words or max(max(x) for x in xs)
    if oov_char is None:
        return [[w for w in x if skip_top <= w < num_words] for x in xs]
    return [[w if skip_top <= w < num_words else oov_char for w in x] for x in xs]


def shorter_than(xs, labels, maxlen):
    kept = [(x, y) for x, y in zip(xs, labels) if len(x) < maxlen]
    if not kept:
        raise ValueError(f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase maxlen.")
    return [x for x, _ in kept], np.array([y for _, y in kept])


def ragged(xs):
    """An object array of lists, one per sequence."""
    out = np.empty(len(xs), dtype=object)
    out[:] = xs
    return out


def word_index(fname, md5):
    with open(get_file(fname, origin=FOLDER + fname, file_hash=md5), encoding="utf-8") as f:
        return json.load(f)
