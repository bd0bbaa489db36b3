"""Fold what follows a matrix product or a convolution into its epilogue: the addition of a bias, relu, or the gradient through a relu.

The epilogue adds and clamps the same float32 values that would have been stored and loaded again, so no bit changes. A gradient through
a relu keeps or drops values, which may also have been rounded to a smaller dtype before.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from kerasgpu.engine.passes.chain import expand
from kerasgpu.engine.passes.norm import whole_operation
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.elementwise import decode

RELU, RELU_GRAD = 1, 2
MASKED = ("gemm", "conv_input_grad")  # kernels that know RELU_GRAD
FLOATS = ("float32", "float64", "float16", "bfloat16")


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


def fuse_masks(calls, wanted):
    """Let the product that makes a gradient also lead it through a relu, where nobody else wants it.

    After the passes that do without reading the relu's output (norm.py) or lay a smaller mask (pooling.py).
    """
    calls = list(calls)
    k = 0
    while k < len(calls):
        if calls[k].kernel in MASKED:
            reader = _masked_by(calls, Uses(calls), k, wanted)
            if reader is not None:
                del calls[reader]
        k += 1
    return calls


def _masked_by(calls, uses, k, wanted):
    """The position of the relu_grad that product k now does itself, or None."""
    maker = calls[k]
    form, product = EPILOGUES[maker.kernel], maker.outputs[0]
    if maker.ints[form.activation] or (form.accumulate is not None and maker.ints[form.accumulate]):
        return None
    reader = uses.only_reader(product)
    if reader is None or reader < k or not product.temporary or id(product) in wanted or uses.only_writer(product) != k:
        return None
    spec = whole_operation(calls[reader], "relu_grad", FLOATS)
    if spec is None or spec.instructions[0][2:] != (0, 1) or len(calls[reader].inputs) != 2:
        return None
    (gradient, y), (target,) = calls[reader].inputs, calls[reader].outputs
    if (
        gradient is not product
        or not y.dtype == target.dtype == product.dtype
        or not y.nbytes == target.nbytes == product.nbytes
    ):
        return None
    # The mask is read, and the target written, where the product is: nothing may depend on their being later.
    if uses.written_between(y, k, reader) or uses.touched_between(target, k, reader):
        return None
    if any(b is target for b in (*maker.inputs, y)):
        return None
    ints = _with(maker.ints, form.activation, RELU_GRAD)
    calls[k] = Call(maker.kernel, [*maker.inputs, y], [target], ints, maker.floats)
    return reader


def _with(values, position, value):
    return (*values[:position], value, *values[position + 1 :])
