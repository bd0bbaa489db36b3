"""Class numbers to indicator vectors: one_hot and multi_hot."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.op import primitive
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.indexing import one_hot as one_hot_kernel
from kerasgpu.ops.numpy import reduction
from kerasgpu.ops.primitives.labels import class_numbers

__all__ = ["multi_hot", "one_hot"]


def _place(axis, ndim):
    """Where the class axis goes in a result of ndim + 1 dimensions."""
    place = ndim if axis in (None, -1) else axis if axis >= 0 else ndim + 1 + axis
    if not 0 <= place <= ndim:
        raise ValueError(f"one_hot: axis={axis} is out of range for indices of {ndim} dimensions")
    return place


@primitive(tensors=1, differentiable=False)
def _one_hot(x, classes, axis, dtype):
    return one_hot_kernel(x, classes, axis, dtype)


@_one_hot.shape
def _(x, classes, axis, dtype):
    return (*x.shape[:axis], classes, *x.shape[axis:]), dtype


def _refuse_sparse(sparse, name):
    if sparse:
        raise ValueError(f"{name}: sparse=True is not supported; the result is dense")


@symbolic
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """Vectors of zeros with a 1 at x; all zeros where x is not in [0, num_classes).

    Args:
        x: integer tensor of any shape. Floats are cut to integers; NaN and infinities are refused.
        num_classes: length of the new axis.
        axis: where the new axis goes; -1 last.
        dtype: dtype of the result, None for the default float.

    >>> import kerasgpu as keras
    >>> keras.ops.one_hot([1, 0], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    _refuse_sparse(sparse, "one_hot")
    x = class_numbers(x, "one_hot")
    return _one_hot(x, int(num_classes), _place(axis, x.ndim), dtypes.standardize_dtype(dtype))


@symbolic
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """Vectors of zeros with ones at all the classes of an example.

    Args:
        inputs: integer tensor; (n,) for one example, (batch, n) for several: the second axis is the one that is joined.
        num_classes: length of the class axis.
        axis: where the class axis goes; -1 last.
        dtype: dtype of the result, None for the default float.

    >>> import kerasgpu as keras
    >>> keras.ops.multi_hot([0, 2], 4).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    _refuse_sparse(sparse, "multi_hot")
    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if num_classes is None:
        raise ValueError("Argument `num_classes` must be specified.")
    x = convert_to_tensor(inputs)
    hot = one_hot(x, num_classes, axis=axis, dtype=dtype)
    return reduction.max(hot, axis=1 if x.ndim > 1 else 0)
