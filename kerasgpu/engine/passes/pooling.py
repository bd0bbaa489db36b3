"""Mask the gradient of a maximum before it is spread over its windows rather than after, where it is several times smaller.

A convolution with relu and then max pooling has, backwards, `relu_grad(max_pool_grad(dp), y)` with p = max_pool(y). The gradient of an
element of p goes to one element of y, which has p's value, so the sign of y there is the sign of p: the mask may be taken from p and
laid over dp. An element of y that several windows chose has the value of each, so all of its terms are kept or none. No bit changes,
and y is not read again.
"""

from __future__ import annotations

from kerasgpu.engine.passes.norm import whole_operation
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Buffer, Call
from kerasgpu.kernels.elementwise import ChainSpec


def mask_before_spreading(calls, wanted):
    calls = list(calls)
    for k in range(len(calls)):
        if calls[k].kernel == "max_pool_grad":
            _swap(calls, Uses(calls), k, wanted)
    return calls


def _swap(calls, uses, k, wanted) -> None:
    spread = calls[k]
    (incoming, taps), (result,) = spread.inputs, spread.outputs
    m, f = uses.only_reader(result), uses.only_writer(taps)
    if m is None or f is None or not f < k < m or not result.temporary or id(result) in wanted or uses.only_writer(result) != k:
        return
    mask, forward = calls[m], calls[f]
    spec = whole_operation(mask, "relu_grad")
    if spec is None or spec.instructions[0][2:] != (0, 1) or len(mask.inputs) != 2 or mask.inputs[0] is not result:
        return
    x = mask.inputs[1]
    if forward.kernel != "max_pool" or forward.inputs[0] is not x or forward.spec != spread.spec or len(forward.outputs) != 2:
        return
    largest, target = forward.outputs[0], mask.outputs[0]
    # The pooled values and what they were taken from are still those; the operands of the gradient do not change until the mask.
    if any(uses.written_between(b, f, m) for b in (x, largest)) or any(uses.written_between(b, k, m) for b in (incoming, taps)):
        return
    if target in (incoming, taps, largest) or largest.dtype != incoming.dtype or largest.nbytes != incoming.nbytes:
        return
    count = largest.nbytes // largest.dtype.itemsize
    if result.nbytes < largest.nbytes:  # a larger array than the windows' input: there is no memory of its size at hand
        return
    masked = Buffer(result.array.reshape(-1)[:count], temporary=True)
    chain = ChainSpec(spec.compute, (count,), [(1,), (1,)], [], spec.outputs, spec.instructions)
    calls[k] = Call("elementwise", [incoming, largest], [masked], chain.encode())
    calls[m] = Call("max_pool_grad", [masked, taps], [target], spread.spec)
