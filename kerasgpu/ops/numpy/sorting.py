"""keras.ops.numpy: sorting."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import shaping
from kerasgpu.ops.primitives import sorting as p
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import one_axis


def _line_up(x, axis, name):
    """x in a dtype that sorts, flattened for axis=None, and the axis."""
    x = as_tensor(x)
    if axis is None or x.ndim == 0:
        return shaping.reshape(x, (x.size,)), 0
    return x, one_axis(axis, x.ndim, name)


@symbolic
def sort(x, axis=-1):
    """Elements in increasing order along an axis (of the flattened tensor for None); NaN last.

    >>> import kerasgpu as keras
    >>> keras.ops.sort([3, 1, 2]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    x = as_tensor(x)
    if x.ndim == 0 and axis is not None:
        return x
    dtype = x.dtype
    x, axis = _line_up(casting.cast(x, "uint8") if dtype == "bool" else x, axis, "sort")
    return casting.cast(p.sort(x, axis), dtype)


@symbolic
def argsort(x, axis=-1):
    """The int32 indices that sort x along an axis (of the flattened tensor for None), equal elements in their order.

    >>> import kerasgpu as keras
    >>> keras.ops.argsort([3, 1, 2]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    x = as_tensor(x)
    x, axis = _line_up(casting.cast(x, "uint8") if x.dtype == "bool" else x, axis, "argsort")
    return p.argsort(x, axis)


@symbolic
def argpartition(x, kth, axis=-1):
    """Indices that put the kth smallest element in its place, smaller ones before it and larger ones after it.

    >>> import kerasgpu as keras
    >>> int(keras.ops.argpartition([5, 1, 4, 2], 0)[0])
    1
    """
    x = as_tensor(x)
    line, k = _line_up(x, axis, "argpartition")
    n = line.shape[k]
    if not isinstance(kth, (int, np.integer)):
        raise ValueError(f"argpartition: kth must be an integer. Received: kth={kth!r}")
    if not -n <= kth < n and type(x) is not MetaTensor:
        raise ValueError(f"argpartition: kth={kth} is out of range for a dimension of size {n} (shape {x.shape})")
    return argsort(x, axis)
