"""Elementwise operations on arrays with broadcasting, one fused chain at a time, and casts between dtypes.

Every operation of `OPCODES` is also a function of this module: `add(a, b)`, `relu(x)`, `where(c, a, b)`, ...
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kerasgpu.kernels import complex_numbers
from kerasgpu.kernels.elementwise_chain import (
    ARITY,
    NAMES,
    OPCODES,
    PREDICATES,
    Chain,
    ChainSpec,
    ElementwiseSpec,
    broadcast,
    build,
    compute_type,
    decode,
)
from kerasgpu.kernels.launch import empty, launch, numpy_dtype
from kerasgpu.kernels.spec import parameters

__all__ = ["OPCODES", "Chain", "ChainSpec", "ElementwiseSpec", "cast", "decode", "elementwise", "run_chain", *NAMES]

_BOOL = np.dtype(bool)
_FLOAT32 = np.dtype("float32")
_LIMIT = 4096  # cached encodings
_plans: dict = {}
_SCALARS = (bool, int, float)


@parameters("cast")
class CastSpec(NamedTuple):
    """Elements."""

    n: int


def elementwise(name: str, *args, out_dtype=None):
    """Apply one operation, broadcasting its arguments.

    Args:
        name: an operation of `OPCODES`.
        *args: arrays of one dtype (the condition of "where" may be bool) and Python numbers.
        out_dtype: dtype of the result; default bool for comparisons and predicates, else the arrays' dtype. A float
            `out_dtype` for integer arrays computes in that float type.

    Returns:
        A new array of the broadcast shape.

    Raises:
        ValueError: shapes do not broadcast, dtypes differ, or the operation is not defined for the dtype.

    Example:
        elementwise("add", np.ones((2, 3), "float32"), 1.0)
    """
    if len(args) == 2 and out_dtype is None:  # the common case first: two arrays, seen before
        a, b = args
        if type(a) is type(b) is np.ndarray:
            plan = _plans.get((name, a.shape, a.dtype, b.shape, b.dtype))
            if plan is not None and a.flags.c_contiguous and b.flags.c_contiguous:
                out = empty(plan[0], plan[1])
                launch("elementwise", args, (out,), plan[2])
                return out
    # The plan is found by operation, shapes, dtypes and scalar values; -0.0 == 0.0 must not share one.
    key: list = [name] if out_dtype is None else [name, out_dtype, None]
    arrays = []
    for a in args:
        if type(a) in _SCALARS:
            key.append(a if a else repr(a))
            continue
        if isinstance(a, np.generic):
            return elementwise(name, *[x.item() if isinstance(x, np.generic) else x for x in args], out_dtype=out_dtype)
        key.append(a.shape)
        key.append(a.dtype)
        arrays.append(a if a.flags.c_contiguous else _contiguous(a))
    found_by = tuple(key)
    plan = _plans.get(found_by)
    if plan is None:
        if any(a.dtype.kind == "c" for a in arrays):
            return complex_numbers.elementwise(name, args)
        plan = _make_plan(name, args, out_dtype)
        if len(_plans) >= _LIMIT:
            _plans.clear()
        _plans[found_by] = plan
    shape, dtype, spec = plan
    out = empty(shape, dtype, arrays[0])
    launch("elementwise", tuple(arrays), (out,), spec)
    return out


def _contiguous(a):
    if type(a) is np.ndarray:
        return np.ascontiguousarray(a).reshape(a.shape)
    # Never a copy of what is contiguous already: a program that is being recorded would not see it.
    return a if a.flags.c_contiguous else a.copy(order="C")


def _make_plan(name, args, out_dtype):
    if name not in ARITY:
        raise ValueError(f"elementwise: unknown operation {name!r}")
    if len(args) != ARITY[name]:
        raise ValueError(f"{name}: takes {ARITY[name]} arguments, got {len(args)}")
    is_array = [not isinstance(a, _SCALARS) for a in args]
    arrays = [a for a, yes in zip(args, is_array) if yes]
    if not arrays:
        raise ValueError(f"{name}: needs at least one array, got only numbers {args}")
    values = arrays[1:] if name == "where" and is_array[0] and arrays[0].dtype == _BOOL else arrays
    dtypes = {a.dtype for a in values}
    if any(d.kind == "V" for d in dtypes):
        numpy_dtype("bfloat16")  # makes the dtype known to the kernels
    if len(dtypes) > 1:
        listed = ", ".join(sorted(str(d) for d in dtypes))
        raise ValueError(f"{name}: arrays have dtypes {listed}; cast them to one dtype first")
    dtype = dtypes.pop() if dtypes else (_FLOAT32 if any(type(a) is float for a in args) else _BOOL)
    for a in args:
        fraction = type(a) is float and not a.is_integer()
        if fraction and out_dtype is None and name not in PREDICATES and compute_type(dtype) >= 2:
            raise ValueError(f"{name}: number {a} with arrays of dtype {dtype}; cast the arrays to a float dtype first")
    out = numpy_dtype(out_dtype) if out_dtype is not None else (_BOOL if name in PREDICATES else dtype)
    compute = compute_type(dtype if out == _BOOL else out)
    if compute >= 2 and any(type(a) is float and not a.is_integer() for a in args):
        compute = 1  # a comparison of integers with a fraction
    shape, dims, strides = broadcast(name, [a.shape for a in arrays])
    constants = [a for a, yes in zip(args, is_array) if not yes]
    if compute >= 2:
        _check_int_range(name, dtype, constants)
    n_in = len(arrays)
    position = iter(range(n_in)), iter(range(n_in, len(args)))
    registers = [next(position[0]) if yes else next(position[1]) for yes in is_array]
    instruction = (name, len(args), *registers)
    return shape, out, build(n_in, [instruction], constants, [len(args)], dims, strides, compute)


def _check_int_range(name, dtype, constants):
    if dtype == _BOOL or name in PREDICATES:
        return
    info = np.iinfo(dtype)
    for c in constants:
        if not info.min <= c <= info.max:
            raise ValueError(f"{name}: number {c} does not fit in {dtype}; cast the array to a wider dtype first")


def run_chain(chain: Chain, outputs, *arrays, out_dtypes=None):
    """Run a chain on arrays that broadcast together and share a compute type.

    Args:
        chain: the program, with as many inputs as there are arrays.
        outputs: values of the chain to return.
        out_dtypes: dtype per output; default: the first array's.

    Returns:
        A list of arrays.
    """
    shape, dims, strides = broadcast("run_chain", [a.shape for a in arrays])
    dtypes = [numpy_dtype(d) for d in out_dtypes] if out_dtypes else [arrays[0].dtype] * len(outputs)
    non_bool = [a.dtype for a in arrays if a.dtype != _BOOL] or dtypes
    spec = chain.build(outputs, dims, strides, compute_type(non_bool[0]))
    arrays = tuple(a if a.flags.c_contiguous else _contiguous(a) for a in arrays)
    results = tuple(empty(shape, d, arrays[0]) for d in dtypes)
    launch("elementwise", arrays, results, spec)
    return list(results)


def cast(x, dtype):
    """x in another dtype, always a new array.

    Floats outside the range of an integer dtype saturate and NaN becomes 0; anything but zero is True.

    Example:
        cast(np.array([1.5, -2.0], "float32"), "int32")  # [1, -2]
    """
    if not x.flags.c_contiguous:
        x = _contiguous(x)
    out = empty(x.shape, numpy_dtype(dtype), x)
    launch("cast", (x,), (out,), CastSpec(x.size))
    return out


_ABOUT = {
    "bce_logits": "max(x, 0) - x z + log(1 + exp(-|x|)): binary cross-entropy of logits x and targets z",
    "clip": "min(max(x, low), high), keeping NaN",
    "elu_grad": "g where y > 0, else g (y + alpha), y the result of elu",
    "floor_div": "Python's a // b",
    "gelu_tanh": "the tanh approximation of gelu",
    "hard_sigmoid": "relu6(x + 3) / 6",
    "leaky_relu_grad": "g where x >= 0, else slope g",
    "mod": "Python's a % b: the sign of b",
    "muladd": "a b + c, rounded twice",
    "round": "to the nearest integer, ties to even",
    "where": "a where the condition is not zero, else b",
}


def _define(name: str):
    def function(*args, out_dtype=None):
        return elementwise(name, *args, out_dtype=out_dtype)

    what = _ABOUT.get(name, name.replace("_grad", ", backward: (gradient, saved value)").replace("_", " "))
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Elementwise {name}: {what}. Broadcasts its {ARITY[name]} argument(s); see `elementwise`."
    return function


globals().update({name: _define(name) for name in NAMES})
