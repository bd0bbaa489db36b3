"""Matrix products: `gemm(a, b)` with broadcast batches, transposed operands, bias, activation and accumulation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kerasgpu.kernels import complex_numbers
from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.movement import broadcast_to
from kerasgpu.kernels.spec import parameters

ACTIVATIONS = {None: 0, "linear": 0, "relu": 1}
RELU, RELU_GRAD = 1, 2


@parameters("gemm")
class GemmSpec(NamedTuple):
    """See csrc/cpu/gemm.cpp."""

    batch: int
    m: int
    n: int
    k: int
    transpose_a: bool
    transpose_b: bool
    a_stride: int
    b_stride: int
    bias_kind: int
    activation: int
    accumulate: bool
    alpha: float


def gemm(
    a, b, bias=None, *, transpose_a=False, transpose_b=False, activation=None, alpha=1.0, out=None, accumulate=False, relu_output=None
):  # fmt: skip
    """Compute `act(alpha * op(a) @ op(b) + bias)`, added to `out` when `accumulate` is true.

    Args:
        a: array `(..., m, k)`, or `(..., k, m)` with `transpose_a`.
        b: array `(..., k, n)`, or `(..., n, k)` with `transpose_b`; of the dtype of `a`. Batch dims broadcast.
        bias: array `(n,)`, added to each row; or `(m, 1)`, added to each column. None for no bias.
        activation: None or `"relu"`.
        alpha: number that scales the product before the bias is added.
        out: array `(..., m, n)` to write to; allocated when None. It must not overlap `a` or `b`.
        accumulate: add to what `out` holds instead of replacing it.
        relu_output: array `(..., m, n)` of the dtype of `a`, or None. The result is kept where it is positive and is 0 elsewhere:
            the gradient through the relu that gave it. Not together with `activation` or `accumulate`.

    Returns:
        `out`, `(..., m, n)` in the dtype of `a`. float16 and bfloat16 are summed in float32; integers wrap around, bools are
        combined by "and" and "or".

    Raises:
        ValueError: ranks below 2, shapes that do not fit, mixed dtypes, or a bad `bias`, `activation`, `out` or `relu_output`.

    Example:
        >>> import numpy as np
        >>> from kerasgpu.kernels.gemm import gemm
        >>> gemm(np.ones((2, 3), "float32"), np.ones((3, 2), "float32"), np.array([-4, 1], "float32"), activation="relu")
        array([[0., 4.],
               [0., 4.]], dtype=float32)
    """
    a_shape, b_shape, dtype = a.shape, b.shape, a.dtype
    if len(a_shape) < 2 or len(b_shape) < 2:
        raise ValueError(f"matmul: both operands need rank 2 or more. a is {a_shape}, b is {b_shape}")
    if b.dtype != dtype:
        raise ValueError(f"matmul: dtypes differ. a is {dtype}, b is {b.dtype}; cast one of them")
    if activation not in ACTIVATIONS:
        raise ValueError(f"matmul: activation must be None or 'relu'. Received: activation={activation!r}")
    k, m = a_shape[-2:] if transpose_a else a_shape[-1:-3:-1]
    n, k_of_b = b_shape[-2:] if transpose_b else b_shape[-1:-3:-1]
    if k != k_of_b:
        raise ValueError(_inner_sizes_message(a_shape, b_shape, transpose_a, transpose_b))
    if alpha != 1 and dtype.kind in "iub":
        raise ValueError(f"matmul: alpha must be 1 for integers and bools. Received: alpha={alpha!r}, dtype {dtype}")
    if dtype.kind == "b" and (bias is not None or activation is not None or accumulate or relu_output is not None):
        raise ValueError(
            "matmul: bias, activation, accumulate and relu_output are not defined for bool; cast to a number first"
        )
    if dtype.kind == "c":
        if bias is not None or activation is not None or alpha != 1 or out is not None or relu_output is not None:
            raise ValueError(f"matmul: bias, activation, alpha, out and relu_output are not defined for {dtype}")
        return complex_numbers.matmul(a, b, transpose_a, transpose_b)
    bias_kind = 0 if bias is None else _bias_kind(bias, m, n, dtype)

    a_batch, b_batch = a_shape[:-2], b_shape[:-2]
    if a_batch == b_batch:
        batch = a_batch
    else:
        try:
            batch = np.broadcast_shapes(a_batch, b_batch)
        except ValueError:
            message = f"matmul: batch dims {a_batch} and {b_batch} do not broadcast. a is {a_shape}, b is {b_shape}"
            raise ValueError(message) from None
    shape = (*batch, m, n)
    if out is None:
        if accumulate:
            raise ValueError("matmul: accumulate=True needs out=, the array to add to")
        out = empty(shape, dtype, a)
    elif out.shape != shape or out.dtype != dtype:
        raise ValueError(f"matmul: out must be {shape} of {dtype}. Received: {out.shape} of {out.dtype}")
    elif not out.flags.c_contiguous:
        raise ValueError("matmul: out must be contiguous in C order")
    act = ACTIVATIONS[activation]
    if relu_output is not None:
        _check_relu_output(relu_output, shape, dtype, activation, accumulate)
        act = RELU_GRAD

    a, b = contiguous(a), contiguous(b)
    entries = 1
    for size in batch:
        entries *= size
    a_stride, b_stride = m * k, k * n
    if a_batch or b_batch:
        a, a_stride = _batch_stride(a, a_batch, batch, a_stride)
        b, b_stride = _batch_stride(b, b_batch, batch, b_stride)
        if b_stride == 0 and a_stride == m * k and not transpose_a and entries != 0:
            # One b for all: the batch is more rows of a. Whatever the bias, or its bits would depend on it.
            if bias_kind == 2:
                bias = _broadcast(bias, (*batch, m, 1))
            m, entries = m * entries, 1
            a_stride = m * k
    # The most frequent call: without the Python function that GemmSpec(...) would run. The launch checks the number of fields.
    turned = (bool(transpose_a), bool(transpose_b))
    spec = tuple.__new__(
        GemmSpec, (entries, m, n, k, *turned, a_stride, b_stride, bias_kind, act, bool(accumulate), float(alpha))
    )
    inputs = (a, b) if bias is None else (a, b, contiguous(bias))
    if relu_output is not None:
        inputs = (*inputs, contiguous(relu_output))
    launch("gemm", inputs, (out,), spec)
    return out


def contiguous(x):
    if x.flags.c_contiguous:
        return x
    return np.ascontiguousarray(x) if type(x) is np.ndarray else x.copy(order="C")


def _batch_stride(x, own, batch, one):
    """`x` and the elements from one batch entry to the next; copied out only when its broadcast is no single stride."""
    if own == batch:
        return x, one
    if all(size == 1 for size in own):
        return x, 0
    return _broadcast(x, (*batch, *x.shape[-2:])), one


def _broadcast(x, shape):
    return broadcast_to(contiguous(x), shape)


def _bias_kind(bias, m, n, dtype):
    if bias.dtype != dtype:
        raise ValueError(f"matmul: bias must have dtype {dtype}. Received: {bias.dtype}")
    if bias.shape == (n,):
        return 1
    if bias.shape == (m, 1):
        return 2
    raise ValueError(f"matmul: bias must be ({n},), one per column, or ({m}, 1), one per row. Received: shape {bias.shape}")


def _check_relu_output(relu_output, shape, dtype, activation, accumulate):
    if relu_output.shape != shape or relu_output.dtype != dtype:
        got = f"{relu_output.shape} of {relu_output.dtype}"
        raise ValueError(f"matmul: relu_output must be {shape} of {dtype}, as the result. Received: {got}")
    if activation not in (None, "linear") or accumulate:
        got = f"activation={activation!r}, accumulate={accumulate}"
        raise ValueError(f"matmul: relu_output goes with activation=None and accumulate=False. Received: {got}")


def _inner_sizes_message(a_shape, b_shape, transpose_a, transpose_b):
    a_axis, b_axis = -2 if transpose_a else -1, -1 if transpose_b else -2
    flags = "".join(f", {name}=True" for name, on in (("transpose_a", transpose_a), ("transpose_b", transpose_b)) if on)
    text = f"matmul: inner sizes differ. a is {a_shape}, b is {b_shape}{flags}; need a.shape[{a_axis}] == b.shape[{b_axis}]."
    other_a, other_b = a_shape[-3 - a_axis], b_shape[-3 - b_axis]
    if a_shape[a_axis] == other_b:
        return f"{text} Did you mean b.T?"
    if other_a == b_shape[b_axis]:
        return f"{text} Did you mean a.T?"
    return text
