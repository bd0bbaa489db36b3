"""Fold the bias addition and the activation that follow a matrix product or a convolution into its epilogue.

The epilogue adds and clamps the same float32 values that would have been stored and loaded again, so no bit changes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from kerasgpu.engine.passes.chain import expand
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.elementwise import decode

RELU = 1


class Epilogue(NamedTuple):
    """Where a kernel's ints (see its C++ file) say what happens to a finished sum, and the result as a matrix."""

    bias: int
    activation: int
    accumulate: int | None
    matrix: Callable  # ints -> (rows, columns); a bias has an element a column


def _gemm_matrix(ints):
    batch, m, n = ints[:3]
    return batch * m, n


def _conv_matrix(ints):
    batch, _, filters = ints[:3]
    return batch * prod(ints[9:12]), filters


def _conv_input_grad_matrix(ints):
    batch, channels = ints[:2]
    return batch * prod(ints[6:9]), channels


def _depthwise_matrix(ints):
    batch, channels = ints[:2]
    return batch * prod(ints[5:8]), channels


EPILOGUES = {
    "gemm": Epilogue(8, 9, 10, _gemm_matrix),
    "conv": Epilogue(4, 5, None, _conv_matrix),
    "conv_input_grad": Epilogue(4, 5, None, _conv_input_grad_matrix),
    "depthwise_conv": Epilogue(20, 21, None, _depthwise_matrix),
}


def fuse_epilogues(calls, wanted):
    calls = list(calls)
    again = True
    while again:
        again = False
        uses = Uses(calls)
        for k, call in enumerate(calls):
            form = EPILOGUES.get(call.kernel)
            if form is None or call.ints[form.activation] or call.outputs[0].dtype.name != "float32":
                continue
            if form.accumulate is not None and call.ints[form.accumulate]:
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
    """(position of the absorbed call, the new call) when the only reader of call k's result can become its epilogue."""
    maker = calls[k]
    form = EPILOGUES[maker.kernel]
    product = maker.outputs[0]
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
    rows, columns = form.matrix(maker.ints)
    own = next(j for j, b in enumerate(nxt.inputs) if b is product)
    if name == "relu" and len(nxt.inputs) == 1:
        ints = _with(maker.ints, form.activation, RELU)
        return reader, Call(maker.kernel, maker.inputs, list(nxt.outputs), ints, maker.floats)
    if name == "add" and len(nxt.inputs) == 2 and not maker.ints[form.bias]:
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
        ints = _with(maker.ints, form.bias, 1)
        return reader, Call(maker.kernel, [*maker.inputs, nxt.inputs[bias]], list(nxt.outputs), ints, maker.floats)
    return None


def _with(values, position, value):
    return (*values[:position], value, *values[position + 1 :])
