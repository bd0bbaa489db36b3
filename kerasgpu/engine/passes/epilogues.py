"""Fold what follows a matrix product or a convolution into its epilogue: the addition of a bias, relu, or the gradient through a relu.

The epilogue adds and clamps the same float32 values that would have been stored and loaded again, so no bit changes. A gradient through
a relu keeps or drops values, which may also have been rounded to a smaller dtype before.
"""

from __future__ import annotations

from math import prod

from kerasgpu.engine.passes.chain import expand
from kerasgpu.engine.passes.norm import whole_operation
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.gemm import RELU, RELU_GRAD

MASKED = ("gemm", "conv_input_grad")  # kernels that know RELU_GRAD
FLOATS = ("float32", "float64", "float16", "bfloat16")


def _gemm_matrix(spec):
    return spec.batch * spec.m, spec.n


def _conv_matrix(spec):
    return spec.batch * prod(spec.window.count), spec.filters


def _conv_input_grad_matrix(spec):
    return spec.batch * prod(spec.window.size), spec.channels


def _depthwise_matrix(spec):
    return spec.batch * prod(spec.window.count), spec.channels


# The result of each kernel as a matrix, (rows, columns); a bias has an element a column.
MATRICES = {
    "gemm": _gemm_matrix,
    "conv": _conv_matrix,
    "conv_input_grad": _conv_input_grad_matrix,
    "depthwise_conv": _depthwise_matrix,
}


def _is_plain(spec) -> bool:
    """Whether nothing happens to a finished sum but the addition of a bias."""
    return not spec.activation and not getattr(spec, "accumulate", False)


def _bias(spec) -> str:
    """The field that says whether there is a bias: 1 for one element a column."""
    return "bias_kind" if hasattr(spec, "bias_kind") else "bias"


def fuse_epilogues(calls, wanted):
    calls = list(calls)
    again = True
    while again:
        again = False
        uses = Uses(calls)
        for k, call in enumerate(calls):
            if call.kernel not in MATRICES or call.outputs[0].dtype.name != "float32" or not _is_plain(call.spec):
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
    chain = nxt.spec.chain()
    if len(chain.instructions) != 1 or nxt.outputs[0].dtype != product.dtype:
        return None
    name, _, *operands = chain.instructions[0]
    rows, columns = MATRICES[maker.kernel](maker.spec)
    own = next(j for j, b in enumerate(nxt.inputs) if b is product)
    if name == "relu" and len(nxt.inputs) == 1:
        return reader, Call(maker.kernel, maker.inputs, list(nxt.outputs), maker.spec._replace(activation=RELU))
    if name == "add" and len(nxt.inputs) == 2 and not getattr(maker.spec, _bias(maker.spec)):
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
        spec = maker.spec._replace(**{_bias(maker.spec): 1})
        return reader, Call(maker.kernel, [*maker.inputs, nxt.inputs[bias]], list(nxt.outputs), spec)
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
    product = maker.outputs[0]
    if not _is_plain(maker.spec):
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
    calls[k] = Call(maker.kernel, [*maker.inputs, y], [target], maker.spec._replace(activation=RELU_GRAD))
    return reader
