"""keras.ops.numpy: results whose size depends on values (places that are not zero, unique values), found on the host."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import FunctionOperation
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.launch import numpy_dtype
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import one_axis


class _SizedByValues(FunctionOperation):
    """A graph node whose output shape (with None in it) is given by a rule, because shapes alone do not tell it."""

    def __init__(self, function, rule):
        super().__init__(function)
        self._rule = rule

    def compute_output_spec(self, x, *args, **kwargs):
        outputs = [KerasTensor(*spec) for spec in self._rule(x)]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def output_of(x, rule, function):
    """For a KerasTensor x: the symbolic call of function, rule(x) listing (shape, dtype) of its outputs. Else None."""
    return _SizedByValues(function, rule).symbolic_call if isinstance(x, KerasTensor) else None


def nonzero(x):
    """The places of the elements that are not zero: one int32 vector per dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.nonzero([0, 3, 0, 1])[0].numpy()
    array([1, 3], dtype=int32)
    """
    call = output_of(x, lambda t: [((None,), "int32")] * len(t.shape), nonzero)
    if call is not None:
        found = call(x)
        return found if isinstance(found, tuple) else (found,)
    x = as_tensor(x)
    found = np.nonzero(np.atleast_1d(x.__array__(copy=False)))
    return tuple(convert_to_tensor(k.astype("int32" if x.size < 2**31 else "int64")) for k in found)


def unique(
    x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None, fill_value=None
):
    """The different values of x (of its slices along `axis`), in increasing order.

    Args:
        x: tensor.
        sorted: kept for compatibility; the values are always sorted.
        return_index: also return where each value occurs first.
        return_inverse: also return which value each element is.
        return_counts: also return how often each value occurs.
        axis: compare slices along this axis; None compares elements.
        size: cut or fill the result to this many values.
        fill_value: what to fill with; default the smallest value.

    >>> import kerasgpu as keras
    >>> keras.ops.unique([3, 1, 3]).numpy()
    array([1, 3], dtype=int32)
    """
    keywords = dict(
        sorted=sorted,
        return_index=return_index,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=axis,
        size=size,
    )

    def rule(t):
        shape = list(t.shape)
        if axis is None:
            values, inverse = (size,), tuple(shape)
        else:
            k = one_axis(axis, len(shape), "unique")
            values, inverse = (*shape[:k], size, *shape[k + 1 :]), (shape[k],)
        specs = [(values, t.dtype)]
        specs += [((size,), "int32")] * bool(return_index) + [(inverse, "int32")] * bool(return_inverse)
        return specs + [((size,), "int32")] * bool(return_counts)

    call = output_of(x, rule, unique)
    if call is not None:
        return call(x, **keywords, fill_value=fill_value)
    x = as_tensor(x)
    host = x.__array__(copy=False)
    low = x.dtype == "bfloat16"
    values, index, inverse, counts = np.unique(
        host.astype("float32") if low else host,
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        equal_nan=False,
    )
    inverse = inverse.reshape(x.shape if axis is None else (-1,))
    k = 0 if axis is None else one_axis(axis, x.ndim, "unique")
    if size is not None:
        values, index, counts = _resize(values, size, k, fill_value), _resize(index, size, 0, None), _resize(counts, size, 0, 0)
    out = [convert_to_tensor(values.astype(numpy_dtype(x.dtype)))]
    for wanted, found in ((return_index, index), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            out.append(convert_to_tensor(found.astype("int32")))
    return out[0] if len(out) == 1 else tuple(out)


def _resize(values, size, axis, fill):
    n = values.shape[axis]
    if n >= size:
        return np.take(values, np.arange(size), axis)
    if fill is None and n:
        filler = np.repeat(np.take(values, [0], axis), size - n, axis)
    else:
        shape = list(values.shape)
        shape[axis] = size - n
        filler = np.full(shape, 0 if fill is None else fill, dtype=values.dtype)
    return np.concatenate([values, filler], axis)
