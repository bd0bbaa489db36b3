"""Inputs of layers that work on the host: strings, and integers of any size, as NumPy arrays."""

from __future__ import annotations

import numpy as np

from kerasgpu import config
from kerasgpu.engine.tensor import Tensor


def as_array(x, encoding="utf-8"):
    """A tensor, array, list or scalar as an array; bytes become str, and arrays of strings have the dtype object."""
    x = np.asarray(x.numpy() if isinstance(x, Tensor) else x)
    if x.dtype.kind not in "SUO":
        return x
    out = np.empty(x.size, object)
    out[:] = [v.decode(encoding) if isinstance(v, bytes) else v if isinstance(v, str) else str(v) for v in x.ravel().tolist()]
    return out.reshape(x.shape)


def batches(data, steps=None):
    """The batches of data given to adapt(): one if it is an array, tensor or list, else those of the iterable, `steps` at most."""
    if isinstance(data, (np.ndarray, Tensor, list, tuple)) or not hasattr(data, "__iter__"):
        data = as_array(data)
        yield data[:, None] if data.ndim == 1 else data
        return
    for k, batch in enumerate(data):
        if steps is not None and k >= steps:
            return
        yield as_array(batch)


def encode(indices, output_mode, depth, weights=None):
    """Class numbers (..., n) encoded over `depth` classes; a number outside of them, such as -1, counts nowhere.

    "one_hot" gives a vector for each number (a last axis of size 1 becomes the class axis), "multi_hot" ones at all classes of the
    last axis, "count" how often each occurs there.
    """
    indices = np.atleast_1d(indices)
    if output_mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        indices = indices[..., None]
    shape = indices.shape[:-1]
    rows = np.repeat(np.arange(int(np.prod(shape))), indices.shape[-1])
    flat = indices.ravel()
    inside = (flat >= 0) & (flat < depth)
    places = rows[inside] * depth + flat[inside]
    counts = np.bincount(places, minlength=int(np.prod(shape)) * depth).reshape(*shape, depth)
    counts = counts.astype(config.floatx())
    counts = counts if output_mode == "count" else np.minimum(counts, 1)
    return counts if weights is None else counts * np.asarray(weights, counts.dtype)
