"""Complex arrays: no kernel of ours computes with them. What there is of arithmetic on them are NumPy's routines, one host call each."""

from __future__ import annotations

import numpy as np

from kerasgpu.kernels.launch import empty, host_call

_COMPARISONS = {
    "eq": np.equal, "ne": np.not_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "logical_xor": np.logical_xor, "logical_not": np.logical_not, "isnan": np.isnan, "isinf": np.isinf,
    "isfinite": np.isfinite,
}  # fmt: skip
_FUNCTIONS = {
    "copy": np.positive, "neg": np.negative, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "square": np.square,
    "reciprocal": np.reciprocal, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "where": np.where,
}  # fmt: skip


def elementwise(name: str, args):
    """An operation of `kernels.elementwise` on arrays, of which at least one is complex, and Python numbers.

    Raises TypeError for what is not defined for complex numbers, or not here.
    """
    arrays = [a for a in args if hasattr(a, "dtype")]
    dtype = next(a.dtype for a in arrays if a.dtype.kind == "c")
    function = _COMPARISONS.get(name) or _FUNCTIONS.get(name)
    if function is None:
        raise TypeError(f"{name}: not defined for {dtype}; take the real and imaginary parts (keras.ops.real, keras.ops.imag)")
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    out = empty(shape, np.dtype(bool) if name in _COMPARISONS else dtype, arrays[0])

    def run(*operands):
        *inputs, result = operands
        values = iter(inputs)
        with np.errstate(all="ignore"):
            result[...] = function(*[next(values) if hasattr(a, "dtype") else a for a in args])

    host_call(run, tuple(arrays), (out,))
    return out


def matmul(a, b, transpose_a=False, transpose_b=False):
    """op(a) @ op(b) of complex matrices with batch dims that broadcast."""

    def turned(x, yes):
        return np.swapaxes(x, -1, -2) if yes else x

    def run(left, right, result):
        result[...] = np.matmul(turned(left, transpose_a), turned(right, transpose_b))

    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    rows, columns = a.shape[-1 if transpose_a else -2], b.shape[-2 if transpose_b else -1]
    out = empty((*batch, rows, columns), a.dtype, a)
    host_call(run, (a, b), (out,))
    return out
