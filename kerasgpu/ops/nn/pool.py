"""Pooling: max_pool, average_pool and their adaptive kinds, in 1, 2 or 3 spatial dims."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import state
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.ops.nn.formats import standardize_data_format
from kerasgpu.ops.nn.windows import Windows, from_channels_last, per_dim, spatial_dims, to_channels_last
from kerasgpu.ops.numpy import reduction
from kerasgpu.ops.primitives import indexing, pooling
from kerasgpu.ops.primitives.operands import as_float

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


def _windows(name, inputs, pool_size, strides, padding, data_format):
    data_format = standardize_data_format(data_format)
    x = convert_to_tensor(inputs)
    ndim = spatial_dims(x, name)
    x = to_channels_last(x, data_format)
    size = per_dim(pool_size, ndim, "pool_size")
    stride = size if strides is None else per_dim(strides, ndim, "strides")
    return x, Windows(name, x.shape[1:-1], size, stride, padding.lower(), (1,) * ndim), data_format


@symbolic
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest element of each window. Of several equal ones the first gets the gradient.

    Args:
        inputs: tensor of shape (batch, *spatial, channels), or (batch, channels, *spatial) with "channels_first".
        pool_size: int or tuple.
        strides: int or tuple, None for pool_size.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the configured one.

    >>> import kerasgpu as keras
    >>> keras.ops.max_pool(keras.ops.reshape(keras.ops.arange(4.0), (1, 4, 1)), 2).tolist()
    [[[1.0], [3.0]]]
    """
    x, windows, data_format = _windows("max_pool", inputs, pool_size, strides, padding, data_format)
    return from_channels_last(_max_pool(x, windows.geometry), data_format)


def _max_pool(x, window):
    if state.thread.grad_enabled and x._requires:
        return pooling.max_pool_with_taps(x, window)[0]
    return pooling.max_pool(x, window)


@symbolic
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of each window; with "same" padding the mean of those of its elements that lie in inputs.

    Args: those of `max_pool`. Integers are averaged as floats.

    >>> import kerasgpu as keras
    >>> keras.ops.average_pool(keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1)), 2, padding="same").tolist()
    [[[0.5], [2.0]]]
    """
    x, windows, data_format = _windows("average_pool", as_float(inputs), pool_size, strides, padding, data_format)
    return from_channels_last(pooling.average_pool(x, windows.geometry), data_format)


def _adaptive(name, inputs, output_size, data_format, pool, reduce):
    """Windows from floor(i n / m) to ceil((i + 1) n / m), i < m, one spatial dim after the other."""
    data_format = standardize_data_format(data_format)
    x = convert_to_tensor(inputs)
    ndim = spatial_dims(x, name)
    sizes = per_dim(output_size, ndim, "output_size")
    x = to_channels_last(x, data_format)
    if all(n and n % m == 0 for n, m in zip(x.shape[1:-1], sizes)):  # windows of one size, side by side
        window = tuple(n // m for n, m in zip(x.shape[1:-1], sizes))
        windows = Windows(name, x.shape[1:-1], window, window, "valid", (1,) * ndim)
        return from_channels_last(pool(x, windows.geometry), data_format)
    for axis, m in enumerate(sizes, 1):
        n = x.shape[axis]
        start = np.arange(m) * n // m
        stop = -(-(np.arange(1, m + 1) * n) // m)
        width = int((stop - start).max())
        steps = np.arange(width)
        # A window that is shorter than the widest repeats its last element, with weight 0.
        index = np.minimum(start[:, None] + steps, stop[:, None] - 1).astype("int32")
        weight = (steps < (stop - start)[:, None]) / (stop - start)[:, None]
        seen = indexing.take(x, convert_to_tensor(index), axis)
        x = reduce(seen, weight.reshape((m, width) + (1,) * (x.ndim - axis - 1)), axis + 1)
    return from_channels_last(x, data_format)


@symbolic
def adaptive_average_pool(inputs, output_size, data_format=None):
    """Means over windows that are chosen so that the result has the spatial size `output_size` (int or tuple)."""

    def reduce(seen, weight, axis):
        return reduction.sum(seen * convert_to_tensor(weight, seen.dtype), axis=axis)

    return _adaptive("adaptive_average_pool", as_float(inputs), output_size, data_format, pooling.average_pool, reduce)


@symbolic
def adaptive_max_pool(inputs, output_size, data_format=None):
    """Maxima over windows that are chosen so that the result has the spatial size `output_size` (int or tuple)."""

    def reduce(seen, weight, axis):
        return reduction.max(seen, axis=axis)

    return _adaptive("adaptive_max_pool", inputs, output_size, data_format, _max_pool, reduce)
