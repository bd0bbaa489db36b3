"""Fold the bias addition and the activation that follow a matrix product into its epilogue.

The epilogue adds and clamps the same float32 values that would have been stored and loaded again, so no bit changes.
"""

from __future__ import annotations

from kerasgpu.engine.passes.chain import expand
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.elementwise import decode

# Positions in the ints of kernel "gemm" (csrc/cpu/gemm.cpp).
BATCH, M, N, K, TRANS_A, TRANS_B, STRIDE_A, STRIDE_B, BIAS, ACTIVATION, ACCUMULATE = range(11)
RELU = 1


def fuse_epilogues(calls, wanted):
    calls = list(calls)
    again = True
    while again:
        again = False
        uses = Uses(calls)
        for k, call in enumerate(calls):
            if (
                call.kernel != "gemm"
                or call.ints[ACTIVATION]
                or call.ints[ACCUMULATE]
                or call.outputs[0].dtype.name != "float32"
            ):
                continue
            fused = _with_next(calls, uses, k, wanted)
            if fused:
                position, replacement = fused
                calls[k] = replacement
                del calls[position]
                again = True
                break
    return calls


def _with_next(calls, uses, k, wanted):
    """(position of the absorbed call, the new gemm) when the only reader of gemm k's result can become its epilogue."""
    gemm = calls[k]
    product = gemm.outputs[0]
    reader = uses.only_reader(product)
    if not product.temporary or id(product) in wanted or reader is None or uses.only_writer(product) != k:
        return None
    nxt = calls[reader]
    if (
        nxt.kernel != "elementwise"
        or len(nxt.outputs) != 1
        or not nxt.outputs[0].temporary
        or sum(b is product for b in nxt.inputs) != 1
    ):
        return None
    if uses.only_writer(nxt.outputs[0]) != reader:
        return None
    chain = decode(nxt.ints, nxt.floats)
    if len(chain.instructions) != 1 or nxt.outputs[0].dtype != product.dtype:
        return None
    name, _, *operands = chain.instructions[0]
    rows, columns = gemm.ints[BATCH] * gemm.ints[M], gemm.ints[N]
    own = next(j for j, b in enumerate(nxt.inputs) if b is product)
    if name == "relu" and len(nxt.inputs) == 1:
        ints = _with(gemm.ints, ACTIVATION, RELU)
        return reader, Call("gemm", gemm.inputs, list(nxt.outputs), ints, gemm.floats)
    if name == "add" and len(nxt.inputs) == 2 and not gemm.ints[BIAS]:
        bias = 1 - own
        if (
            set(operands[:2]) != {0, 1}
            or nxt.inputs[bias].dtype != product.dtype
            or uses.written_between(nxt.inputs[bias], k, reader)
        ):
            return None
        strides = expand(chain.dims, chain.strides, (rows, columns))
        if strides is None or strides[own] != (columns, 1) or strides[bias] != (0, 1):
            return None
        return reader, Call("gemm", [*gemm.inputs, nxt.inputs[bias]], list(nxt.outputs), _with(gemm.ints, BIAS, 1), gemm.floats)
    return None


def _with(values, position, value):
    return (*values[:position], value, *values[position + 1 :])
