"""What public operations do with their arguments first: make tensors, promote dtypes, keep Python numbers weak."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.ops.primitives.select import cast

_NUMBERS = (int, float)


def as_tensor(x, dtype=None) -> Tensor:
    """A Tensor of x (tensor, variable, array, list, number), cast to `dtype` if one is given."""
    kind = type(x)
    if kind is not Tensor and kind is not MetaTensor:
        x = convert_to_tensor(x, dtype)
    return x if dtype is None or x.dtype == dtype else cast(x, dtype)


def as_float(x) -> Tensor:
    """A Tensor of x in a float (or complex) dtype: integers and bools become the default float."""
    x = as_tensor(x)
    return x if "float" in x.dtype or "complex" in x.dtype else cast(x, dtypes.floatx())


def weak(x):
    """x as a Python number if it is one (numpy.float64 counts), else as a Tensor."""
    kind = type(x)
    if kind is Tensor or kind is float or kind is int or kind is bool or kind is MetaTensor:
        return x
    return float(x) if isinstance(x, float) else int(x) if isinstance(x, int) else convert_to_tensor(x)


def kind_of(x):
    """What dtypes.result_type wants to know about a result of `weak`: a dtype name or int, float, bool."""
    return x.dtype if isinstance(x, Tensor) else type(x)


def promote(op, x1, x2, *more):
    """op(x1, x2) in the dtype that both (and the dtypes in `more`) promote to; a number stays a constant of the kernel."""
    k1, k2 = type(x1), type(x2)
    if k1 is Tensor and k2 is Tensor and x1.dtype == x2.dtype and not more:
        return op(x1, x2)
    x1, x2 = weak(x1), weak(x2)
    return apply(op, x1, x2, dtypes.result_type(kind_of(x1), kind_of(x2), *more))


def apply(op, x1, x2, dtype):
    """op(x1, x2) in `dtype`, for tensors and Python numbers."""
    if not isinstance(x2, Tensor):
        if not isinstance(x1, Tensor):
            x1 = convert_to_tensor(x1, dtype)
        return op(x1 if x1.dtype == dtype else cast(x1, dtype), None, _constant(x2, dtype))
    if not isinstance(x1, Tensor):
        return op(x2 if x2.dtype == dtype else cast(x2, dtype), None, _constant(x1, dtype), True)
    return op(x1 if x1.dtype == dtype else cast(x1, dtype), x2 if x2.dtype == dtype else cast(x2, dtype))


def _constant(x, dtype):
    # A bool constant in an arithmetic kernel is 0 or 1.
    return bool(x) if dtype == "bool" else x


def promote_all(tensors, *more) -> list:
    """Tensors of all arguments in the dtype that they, and the dtypes in `more`, promote to."""
    tensors = [as_tensor(x) for x in tensors]
    dtype = dtypes.result_type(*(x.dtype for x in tensors), *more)
    return [x if x.dtype == dtype else cast(x, dtype) for x in tensors]
