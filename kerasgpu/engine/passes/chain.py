"""Changing the index space that kernel "elementwise" loops over: splitting and joining dims without changing what is computed."""

from __future__ import annotations

import itertools


def contiguous_strides(dims):
    strides = []
    step = 1
    for d in reversed(dims):
        strides.append(step)
        step *= d
    return tuple(reversed(strides))


def _boundaries(dims):
    found = [1]
    for d in reversed(dims):
        if d != 1:
            found.append(found[-1] * d)
    return found


def common_dims(a, b):
    """The coarsest index space that both a and b are groupings of, or None (e.g. 4096 and (32, 128) give (32, 128))."""
    cuts = sorted({*_boundaries(a), *_boundaries(b)})
    if 0 in cuts:
        return None
    if any(high % low for low, high in itertools.pairwise(cuts)):
        return None
    return tuple(high // low for low, high in reversed(list(itertools.pairwise(cuts)))) or (1,)


def expand(dims, strides, finer):
    """The strides of each operand over `finer`, of which dims is a grouping; None if it is not."""
    out = []
    for s in strides:
        result = []
        position = len(finer)
        for d, step in zip(reversed(dims), reversed(s)):
            if d == 1:
                continue
            size = 1
            while size < d:
                if position == 0:
                    return None
                position -= 1
                result.append(step * size)
                size *= finer[position]
            if size != d:
                return None
        while position > 0:
            position -= 1
            if finer[position] != 1:
                return None
            result.append(0)
        out.append(tuple(0 if f == 1 else r for f, r in zip(finer, reversed(result))))
    return out


def collapse(dims, strides):
    """Join neighbouring dims wherever every operand allows it."""
    keep = [k for k, d in enumerate(dims) if d != 1]
    if not keep:
        return (1,), [(0,) for _ in strides]
    dims = [dims[k] for k in keep]
    steps = [[s[k] for k in keep] for s in strides]
    k = len(dims) - 2
    while k >= 0:
        if all(s[k] == s[k + 1] * dims[k + 1] for s in steps):
            dims[k : k + 2] = [dims[k] * dims[k + 1]]
            for s in steps:
                s[k : k + 2] = [s[k + 1]]
        k -= 1
    return tuple(dims), [tuple(s) for s in steps]
