"""A sketch of the distribution of numbers that arrive in batches, from which quantiles are read.

A summary is a float array (2, n): sorted values, and how many numbers each one stands for. Batches are thinned to about
1 / epsilon values, merged by sorting, and thinned again by interpolating along the cumulative weights.
"""

from __future__ import annotations

import numpy as np

EMPTY = np.zeros((2, 0), "float32")


def summarize(values, epsilon):
    """The summary of one batch: every k-th of its sorted values, standing for k of them."""
    values = np.sort(np.ravel(values))
    step = max(len(values) * epsilon, 1)
    kept = values[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def merge(first, second, epsilon):
    """The summary of two summaries' numbers together."""
    both = np.concatenate([first, second], axis=1)
    return compress(both[:, np.argsort(both[0])], epsilon)


def compress(summary, epsilon):
    """About 1 / epsilon values at evenly spaced ranks; the summary itself where it is no longer than that."""
    if summary.shape[1] * epsilon < 1:
        return summary
    ranks = np.arange(0.0, 1.0, epsilon) + epsilon
    cumulative = summary[1].cumsum()
    share = cumulative / cumulative[-1]
    weights = np.diff(np.interp(ranks, share, cumulative), prepend=0.0)
    return np.stack([np.interp(ranks, share, summary[0]), weights]).astype("float32")


def boundaries(summary, bins):
    """The values between `bins` parts of equal weight."""
    return compress(summary, 1.0 / bins)[0, :-1]
