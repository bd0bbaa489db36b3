"""keras.ops.numpy: choosing between values by a condition."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import Tensor
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import sets
from kerasgpu.ops.primitives import select as choice
from kerasgpu.ops.primitives.operands import as_tensor, kind_of, weak


def where(condition, x1=None, x2=None):
    """x1 where the condition is true (not zero), else x2; with the condition alone, the places where it is true.

    >>> import kerasgpu as keras
    >>> keras.ops.where([True, False], [1.0, 2.0], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    if x1 is None and x2 is None:
        return sets.nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("`x1` and `x2` either both should be `None` or both should have non-None value.")
    return _where(condition, x1, x2)


@symbolic
def _where(condition, x1, x2):
    condition = as_tensor(condition)
    if condition.dtype != "bool":
        condition = casting.cast(condition, "bool")
    x1, x2 = weak(x1), weak(x2)
    dtype = dtypes.result_type(kind_of(x1), kind_of(x2))
    if not isinstance(x1, Tensor):
        if isinstance(x2, Tensor):
            return choice.where(condition, None, _in(x2, dtype), _number(x1, dtype), None)
        x1 = as_tensor(x1, dtype)
    if not isinstance(x2, Tensor):
        return choice.where(condition, _in(x1, dtype), None, None, _number(x2, dtype))
    return choice.where(condition, _in(x1, dtype), _in(x2, dtype))


def _in(x, dtype):
    return x if x.dtype == dtype else casting.cast(x, dtype)


def _number(x, dtype):
    return x if dtypes.is_float(dtype) else int(x)


@symbolic
def select(condlist, choicelist, default=0):
    """For each element the choice of the first condition that is true there, else `default`."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "select: condlist and choicelist must have the same length, at least 1; "
            f"received {len(condlist)} and {len(choicelist)}"
        )
    out = default
    for condition, value in zip(reversed(condlist), reversed(choicelist)):
        out = where(condition, value, out)
    return out
