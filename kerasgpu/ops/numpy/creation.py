"""keras.ops.numpy: tensors made from shapes and numbers."""

from __future__ import annotations

import functools
import operator

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.kernels import launch
from kerasgpu.kernels.movement import FillSpec
from kerasgpu.ops.numpy import shaping
from kerasgpu.ops.numpy.shaping import shape_tuple
from kerasgpu.ops.primitives.operands import as_tensor


@functools.lru_cache(None)
def _example(device_name):
    return devices.put(np.empty(0, dtype="float32"), device_name)


def filled(shape, value, dtype, like=None):
    """A Tensor of one Python number, on the device of the array `like`, else on the current device."""
    if like is None:
        where = devices.current_device()
        like = None if where == "cpu:0" else _example(where)
    if dtype.startswith(("complex", "float8")):
        return convert_to_tensor(np.full(shape, value, dtype=launch.numpy_dtype(dtype)))
    out = launch.empty(shape, dtype, like=like)
    if isinstance(value, (int, np.integer)) and not dtypes.is_float(dtype):
        launch.launch("fill", (), (out,), FillSpec(True, int(value), 0.0))
    else:
        launch.launch("fill", (), (out,), FillSpec(False, 0, float(value)))
    return Tensor(out, dtype)


def _alike(x, value, dtype):
    dtype = None if dtype is None else dtypes.standardize_dtype(dtype)
    if not isinstance(x, Tensor):
        x = as_tensor(x)
    if type(x) is MetaTensor:
        return MetaTensor(x.shape, dtype or x.dtype)
    return filled(x.shape, value, dtype or x.dtype, x._data)


def zeros(shape, dtype=None):
    """Zeros of a shape, in the default float dtype unless `dtype` is given.

    >>> import kerasgpu as keras
    >>> keras.ops.zeros((2,)).numpy()
    array([0., 0.], dtype=float32)
    """
    return filled(shape_tuple(shape, "zeros"), 0, dtypes.standardize_dtype(dtype))


def ones(shape, dtype=None):
    """Ones of a shape, in the default float dtype unless `dtype` is given.

    >>> import kerasgpu as keras
    >>> keras.ops.ones((2,)).numpy()
    array([1., 1.], dtype=float32)
    """
    return filled(shape_tuple(shape, "ones"), 1, dtypes.standardize_dtype(dtype))


def empty(shape, dtype=None):
    """A tensor of a shape whose values are not to be relied on (here: zeros).

    >>> import kerasgpu as keras
    >>> keras.ops.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype)


@symbolic
def zeros_like(x, dtype=None):
    """Zeros in the shape (and, unless given, the dtype) of x.

    >>> import kerasgpu as keras
    >>> keras.ops.zeros_like([1, 2]).numpy()
    array([0, 0], dtype=int32)
    """
    return _alike(x, 0, dtype)


@symbolic
def ones_like(x, dtype=None):
    """Ones in the shape (and, unless given, the dtype) of x.

    >>> import kerasgpu as keras
    >>> keras.ops.ones_like([1.0, 2.0]).numpy()
    array([1., 1.], dtype=float32)
    """
    return _alike(x, 1, dtype)


@symbolic
def empty_like(x, dtype=None):
    """A tensor in the shape and dtype of x whose values are not to be relied on (here: zeros)."""
    return _alike(x, 0, dtype)


@symbolic
def full(shape, fill_value, dtype=None):
    """A tensor of a shape with `fill_value` (a number or something that broadcasts) everywhere.

    >>> import kerasgpu as keras
    >>> keras.ops.full((2,), 3.0).numpy()
    array([3., 3.], dtype=float32)
    """
    dtype, shape = dtypes.standardize_dtype(dtype), shape_tuple(shape, "full")
    if type(fill_value) in (int, float, bool):
        return filled(shape, fill_value, dtype)
    return shaping.broadcast_to(as_tensor(fill_value, dtype), shape)


@symbolic
def full_like(x, fill_value, dtype=None):
    """A tensor in the shape (and, unless given, the dtype) of x with `fill_value` everywhere.

    >>> import kerasgpu as keras
    >>> keras.ops.full_like([1, 2], 7).numpy()
    array([7, 7], dtype=int32)
    """
    if type(fill_value) in (int, float, bool):
        return _alike(x, fill_value, dtype)
    x = as_tensor(x)
    dtype = x.dtype if dtype is None else dtypes.standardize_dtype(dtype)
    return shaping.broadcast_to(as_tensor(fill_value, dtype), x.shape)


@symbolic
def array(x, dtype=None):
    """A new tensor of x; `dtype` as in `convert_to_tensor`.

    >>> import kerasgpu as keras
    >>> keras.ops.array([1, 2, 3]).dtype
    'int32'
    """
    made = convert_to_tensor(x, None if dtype is None else dtypes.standardize_dtype(dtype))
    return shaping.copy(made) if made is x else made


def _number(x):
    return x.item() if hasattr(x, "item") else x


def arange(start, stop=None, step=None, dtype=None):
    """Numbers from start (0 if only one argument is given) up to, not including, stop.

    The dtype is that of the arguments: int32 for Python integers, the default float for Python floats.

    >>> import kerasgpu as keras
    >>> keras.ops.arange(1, 7, 2).numpy()
    array([1, 3, 5], dtype=int32)
    """
    if dtype is None:
        given = [a for a in (start, stop, step) if a is not None]
        dtype = dtypes.result_type(*(getattr(a, "dtype", type(a)) for a in given))
    dtype = dtypes.standardize_dtype(dtype)
    start, stop, step = _number(start), _number(stop), 1 if step is None else _number(step)
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ValueError("arange: step must not be 0")
    wide = np.float64 if any(isinstance(a, float) for a in (start, stop, step)) else np.int64
    return convert_to_tensor(np.arange(start, stop, step, dtype=wide).astype(launch.numpy_dtype(dtype)))


def eye(N, M=None, k=0, dtype=None):
    """Ones on diagonal k of N rows and M (default N) columns, zeros elsewhere.

    >>> import kerasgpu as keras
    >>> keras.ops.eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    dtype = dtypes.standardize_dtype(dtype)
    n = operator.index(N)
    return convert_to_tensor(
        np.eye(n, n if M is None else operator.index(M), operator.index(k)).astype(launch.numpy_dtype(dtype))
    )


def identity(n, dtype=None):
    """The n by n identity matrix."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """Ones on and below diagonal k of N rows and M (default N) columns.

    >>> import kerasgpu as keras
    >>> keras.ops.tri(2).numpy()
    array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    dtype = dtypes.standardize_dtype(dtype)
    return convert_to_tensor(np.tri(N, M, k).astype(launch.numpy_dtype(dtype)))


@symbolic
def meshgrid(*x, indexing="xy"):
    """Coordinate grids of 1-D tensors: a list of tensors of one shape, one per argument.

    >>> import kerasgpu as keras
    >>> [g.shape for g in keras.ops.meshgrid([1, 2], [1, 2, 3])]
    [(3, 2), (3, 2)]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Valid values for `indexing` are 'xy' and 'ij', but received {indexing!r}.")
    xs = [shaping.ravel(v) for v in x]
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[:2] = [1, 0]
    shape = [0] * len(xs)
    for k, v in zip(order, xs):
        shape[k] = v.shape[0]
    grids = []
    for k, v in zip(order, xs):
        grids.append(
            shaping.broadcast_to(
                shaping.reshape(v, [-1 if d == k and v.size else shape[d] if d == k else 1 for d in range(len(xs))]), shape
            )
        )
    return grids
