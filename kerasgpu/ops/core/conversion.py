"""Making tensors and looking at them: convert_to_tensor, cast, shape, dtype, is_tensor, stop_gradient."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import dtypes, tensor
from kerasgpu.engine.keras_tensor import KerasTensor, any_symbolic_tensors
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor
from kerasgpu.ops.core.casting import cast
from kerasgpu.ops.numpy import arithmetic, indexing, joining

__all__ = [
    "convert_to_tensor",
    "saturate_cast",
    "unstack",
]


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """A tensor from a tensor, variable, number, nested list, NumPy array or anything with `__array__`.

    Args:
        x: the value. Python floats become the default float dtype, Python ints int32; arrays keep their dtype.
        dtype: dtype of the result, None to take it from x.
        sparse, ragged: only None or False: tensors are dense.

    >>> import kerasgpu as keras
    >>> keras.ops.convert_to_tensor([[1, 2]]).shape
    (1, 2)
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: sparse and ragged tensors are not supported; pass dense (padded) values")
    if dtype is not None:
        dtype = dtypes.standardize_dtype(dtype)
    if type(x) is KerasTensor:
        return x if dtype is None or x.dtype == dtype else cast(x, dtype)
    if isinstance(x, (list, tuple)) and any_symbolic_tensors((x,)):
        return joining.stack([convert_to_tensor(v, dtype) for v in x])
    if isinstance(x, (list, tuple)) and _holds_meta(x):
        return joining.stack([convert_to_tensor(v, dtype) for v in x])
    return tensor.convert_to_tensor(x, dtype)


def _holds_meta(x):
    return any(isinstance(v, MetaTensor) or (isinstance(v, (list, tuple)) and _holds_meta(v)) for v in x)


def _limits(name):
    if name == "bool":
        return 0, 1
    if dtypes.is_int(name):
        info = np.iinfo(name)
    elif name in ("bfloat16", *dtypes.FLOAT8_TYPES):
        import ml_dtypes

        info = ml_dtypes.finfo(name)
    else:
        info = np.finfo(name)
    kind = float if dtypes.is_float(name) else int
    return kind(info.min), kind(info.max)


@symbolic
def saturate_cast(x, dtype):
    """cast, with values outside the range of `dtype` clipped to its ends instead of wrapped around.

    >>> import kerasgpu as keras
    >>> keras.ops.saturate_cast([-1.5, 300.0], "uint8").numpy()
    array([  0, 255], dtype=uint8)
    """
    dtype = dtypes.standardize_dtype(dtype)
    x = tensor.convert_to_tensor(x)
    if x.dtype == dtype:
        return x
    low, high = _limits(dtype)
    own_low, own_high = _limits(x.dtype)
    low, high = max(low, own_low), min(high, own_high)
    if dtypes.is_float(x.dtype):
        low, high = _inside(low, x.dtype, low), _inside(high, x.dtype, high)
    return cast(arithmetic.clip(x, low, high) if x.dtype != "bool" else x, dtype)


def _inside(limit, name, bound):
    """The number of float dtype `name` nearest to an integer limit that does not go beyond it."""
    kind = tensor.numpy_dtype(name)
    rounded = np.asarray(limit).astype(kind)
    if abs(float(rounded)) > abs(bound):
        if name == "bfloat16":
            bits = rounded.view(np.uint16) - np.uint16(1)
            return float(bits.view(kind))
        return float(np.nextafter(rounded, np.asarray(0, kind)))
    return float(rounded)


@symbolic
def unstack(x, num=None, axis=0):
    """The slices of x along `axis`, without that axis, as a list.

    >>> import kerasgpu as keras
    >>> [t.tolist() for t in keras.ops.unstack(keras.ops.arange(4).reshape(2, 2))]
    [[0, 1], [2, 3]]
    """
    x = tensor.convert_to_tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"unstack: axis {axis} is out of bounds for a tensor of shape {x.shape}")
    axis %= x.ndim
    # While shapes are worked out the size may stand for one that is not known; num is.
    count = num if num is not None and isinstance(x, MetaTensor) else x.shape[axis]
    if num is not None and num != count:
        raise ValueError(f"unstack: num={num} but the tensor of shape {x.shape} has {count} slices along axis {axis}")
    before = (slice(None),) * axis
    return [indexing.get_item(x, (*before, min(k, x.shape[axis] - 1))) for k in range(count)]
