"""skipgrams and make_sampling_table: pairs of words for word embeddings (Mikolov et al. 2013)."""

from __future__ import annotations

import random

import numpy as np


def make_sampling_table(size, sampling_factor=1e-5):
    """The probability with which `skipgrams` keeps the word of each rank: min(1, sqrt(sampling_factor / frequency)).

    Word frequencies follow Zipf's law: 1 / frequency = rank (log(rank) + 0.577) + 1/2 - 1 / (12 rank).
    """
    rank = np.maximum(np.arange(size), 1)
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse))


def skipgrams(
    sequence,
    vocabulary_size,
    window_size=4,
    negative_samples=1.0,
    shuffle=True,
    categorical=False,
    sampling_table=None,
    seed=None,
):
    """Pairs of words: with a neighbour (label 1), and with a random word (label 0).

    Args:
        sequence: word numbers; 0 is no word.
        vocabulary_size: random words are from 1 to vocabulary_size - 1.
        window_size: neighbours are at most so far away.
        negative_samples: random pairs for each true pair.
        shuffle: whether to mix the pairs.
        categorical: labels [0, 1] and [1, 0] instead of 1 and 0.
        sampling_table: probability to keep each word, see make_sampling_table.
        seed: of the mix.

    Returns (pairs, labels).

    >>> import kerasgpu as keras
    >>> keras.preprocessing.sequence.skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    true, false = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs = []
    for at, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        around = [*sequence[max(0, at - window_size) : at], *sequence[at + 1 : at + window_size + 1]]
        pairs += [[word, other] for other in around if other]
    labels = [true] * len(pairs)
    if negative_samples > 0 and pairs:
        count = int(len(pairs) * negative_samples)
        words = [word for word, _ in pairs]
        random.shuffle(words)
        pairs += [[words[k % len(words)], random.randint(1, vocabulary_size - 1)] for k in range(count)]
        labels += [false] * count
    if shuffle:
        seed = random.randint(0, 10**7) if seed is None else seed
        for values in (pairs, labels):  # the same order for both
            random.seed(seed)
            random.shuffle(values)
    return pairs, labels
