"""Matrix products: one primitive with transpose flags, whose gradients are products of the same kind, and `matmul` on top."""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.op import primitive
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import convert_to_tensor
from kerasgpu.kernels.gemm import gemm

__all__ = ["matmul"]


@primitive(tensors=2)
def product(a, b, transpose_a=False, transpose_b=False, alpha=1.0):
    """alpha op(a) @ op(b) over the last two dims, op = transpose or nothing. a: (..., m, k), b: (..., k, n), of one dtype.

    The leading dims are equal, or one operand is a single matrix shared by all. Nothing is transposed in memory: the kernel
    reads either orientation.
    """
    return gemm(a, b, transpose_a=transpose_a, transpose_b=transpose_b, alpha=alpha)


@product.shape
def _(a, b, transpose_a=False, transpose_b=False, alpha=1.0):
    rows = a.shape[-1] if transpose_a else a.shape[-2]
    columns = b.shape[-2] if transpose_b else b.shape[-1]
    return (*(a.shape[:-2] or b.shape[:-2]), rows, columns), a.dtype


@product.gradient
def _(g, a, b, transpose_a=False, transpose_b=False, alpha=1.0):
    # With A = op(a), B = op(b): dA = g B', dB = A' g; where op transposes, the transposes of these.
    def to_a():
        out = product(b, g, transpose_b, True, alpha) if transpose_a else product(g, b, False, not transpose_b, alpha)
        return _sum_leading(out, a.ndim)

    def to_b():
        out = product(g, a, True, transpose_a, alpha) if transpose_b else product(a, g, not transpose_a, False, alpha)
        return _sum_leading(out, b.ndim)

    return to_a, to_b


def _sum_leading(x, ndim):
    return x if x.ndim == ndim else ops.sum(x, axis=tuple(range(x.ndim - ndim)))


def _checked(x1, x2):
    if x1.ndim == 0 or x2.ndim == 0:
        raise ValueError(
            f"matmul: operands need at least one dimension; received shapes {x1.shape} and {x2.shape}. Use * for scalars"
        )
    inner = x2.shape[0] if x2.ndim == 1 else x2.shape[-2]
    if x1.shape[-1] != inner:
        raise ValueError(
            f"matmul: the last dimension of x1 must equal the second to last of x2; received shapes {x1.shape} and {x2.shape} "
            f"({x1.shape[-1]} against {inner})"
        )
    kind = dtypes.result_type(x1.dtype, x2.dtype)
    if x1.dtype == "int8" and x2.dtype == "int8":
        kind = "int32"  # as in Keras: products of int8 overflow at once
    return convert_to_tensor(x1, kind), convert_to_tensor(x2, kind)


@symbolic
def matmul(x1, x2):
    """Matrix product over the last two dims, leading dims broadcast; a 1-D operand is a row (x1) or column (x2), dropped again.

    Args:
        x1: tensor of shape (..., m, k) or (k,).
        x2: tensor of shape (..., k, n) or (k,).

    Returns a tensor of shape (..., m, n) in the promoted dtype (int8 with int8 gives int32). ValueError when the inner dims
    differ.

    >>> import kerasgpu as keras
    >>> keras.ops.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    """
    x1, x2 = _checked(convert_to_tensor(x1), convert_to_tensor(x2))
    row, column = x1.ndim == 1, x2.ndim == 1
    if row:
        x1 = ops.reshape(x1, (1, x1.shape[0]))
    if column:
        x2 = ops.reshape(x2, (x2.shape[0], 1))
    out = _batched(x1, x2)
    if row or column:
        shape = list(out.shape)
        if column:
            shape.pop()
        if row:
            shape.pop(-1 if column else -2)
        out = ops.reshape(out, tuple(shape))
    return out


def _batched(x1, x2):
    lead1, lead2 = x1.shape[:-2], x2.shape[:-2]
    if lead1 == lead2:
        return product(x1, x2)
    m, k, n = x1.shape[-2], x1.shape[-1], x2.shape[-1]
    if not lead2:  # one matrix for all rows of x1: a single product
        flat = ops.reshape(x1, (-1 if k else _count(lead1) * m, k))
        return ops.reshape(product(flat, x2), (*lead1, m, n))
    if not lead1:
        return product(x1, x2)
    try:
        lead = np.broadcast_shapes(lead1, lead2)
    except ValueError:
        raise ValueError(f"matmul: the leading dimensions must broadcast; received shapes {x1.shape} and {x2.shape}") from None
    if lead1 != lead:
        x1 = ops.broadcast_to(x1, (*lead, m, k))
    if lead2 != lead:
        x2 = ops.broadcast_to(x2, (*lead, k, n))
    return product(x1, x2)


def _count(shape):
    n = 1
    for d in shape:
        n *= d
    return n
