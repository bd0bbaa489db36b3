"""Making tensors and looking at them: convert_to_tensor, cast, shape, dtype, is_tensor, stop_gradient."""

from __future__ import annotations

import numpy as np

from kerasgpu import ops
from kerasgpu.engine import dtypes, tensor
from kerasgpu.engine.symbolic import KerasTensor, any_symbolic_tensors, symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor
from kerasgpu.ops.primitives import select

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "dtype",
    "is_tensor",
    "saturate_cast",
    "shape",
    "stop_gradient",
    "unstack",
]


@symbolic
def cast(x, dtype):
    """x in another dtype; x itself when it has that dtype. Floats become integers by truncation.

    >>> import kerasgpu as keras
    >>> keras.ops.cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    dtype = dtypes.standardize_dtype(dtype)
    if not isinstance(x, Tensor):
        # Without a dtype of its own x takes this one at once: no rounding through the default float.
        return tensor.convert_to_tensor(x, dtype)
    return x if x.dtype == dtype else select.cast(x, dtype)


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
        return ops.stack([convert_to_tensor(v, dtype) for v in x])
    if isinstance(x, (list, tuple)) and _holds_meta(x):
        return ops.stack([convert_to_tensor(v, dtype) for v in x])
    return tensor.convert_to_tensor(x, dtype)


def _holds_meta(x):
    return any(isinstance(v, MetaTensor) or (isinstance(v, (list, tuple)) and _holds_meta(v)) for v in x)


def convert_to_numpy(x):
    """The values of x as a NumPy array (a copy). Symbolic tensors raise ValueError."""
    if isinstance(x, Tensor):
        return x.numpy()
    return np.array(x)


def is_tensor(x) -> bool:
    """Whether x is a tensor of this engine (not a NumPy array, a Variable or a symbolic tensor)."""
    return isinstance(x, Tensor)


def shape(x) -> tuple:
    """The shape of x as a tuple; unknown dims of a symbolic tensor are None."""
    found = getattr(x, "shape", None)
    return tuple(found) if found is not None else tensor.convert_to_tensor(x).shape


def dtype(x) -> str:
    """The name of the dtype of x, such as "float32"."""
    return dtypes.standardize_dtype(x.dtype)


@symbolic
def stop_gradient(variable):
    """The value of `variable`, through which no gradient flows.

    >>> import kerasgpu as keras
    >>> v = keras.Variable(3.0)
    >>> keras.ops.stop_gradient(v).requires_grad
    False
    """
    x = tensor.convert_to_tensor(variable)
    return x if isinstance(x, MetaTensor) else x.detach()


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
    return cast(ops.clip(x, low, high) if x.dtype != "bool" else x, dtype)


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
    return [ops.get_item(x, (*before, min(k, x.shape[axis] - 1))) for k in range(count)]
