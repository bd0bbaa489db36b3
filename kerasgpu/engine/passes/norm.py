"""Let batch normalization do what follows it: add another tensor, clamp at 0, and in the backward pass mask the gradient.

The kernel adds and clamps the values that would have been stored and loaded again, and its gradient computes again from x, with the same
bits, which of them were positive. Only for float32 and float64, whose results are not rounded on the way.
"""

from __future__ import annotations

from kerasgpu.engine.passes.chain import contiguous_strides
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call

FORWARD = ("batch_norm", "batch_norm_apply")
FLOATS = ("float32", "float64")


def fuse_normalization(calls, wanted):
    calls = list(calls)
    again = True
    while again:
        again = False
        uses = Uses(calls)
        for k, call in enumerate(calls):
            if call.kernel in FORWARD:
                again = _absorb_next(calls, uses, k, wanted)
            elif call.kernel == "batch_norm_grad":
                again = _absorb_mask(calls, uses, k, wanted)
            if again:
                break
    return calls


def whole_operation(call, name, dtypes=FLOATS):
    """The elementwise call of one operation `name` on whole arrays of one of `dtypes`, decoded, or None."""
    if call.kernel != "elementwise" or len(call.outputs) != 1 or call.outputs[0].dtype.name not in dtypes:
        return None
    spec = call.spec.chain()
    if len(spec.instructions) != 1 or spec.instructions[0][0] != name or spec.constants:
        return None
    whole = contiguous_strides(spec.dims)
    if any(b.dtype != call.outputs[0].dtype or s != whole for b, s in zip(call.inputs, spec.strides)):
        return None
    return spec


def _absorb_next(calls, uses, k, wanted) -> bool:
    """Make the only reader of normalization k's result, an addition or a clamp, part of it."""
    call = calls[k]
    result = call.outputs[0]
    reader = uses.only_reader(result)
    if reader is None or reader < k or not result.temporary or id(result) in wanted or uses.only_writer(result) != k:
        return False
    if call.spec.relu:  # clamped already
        return False
    follower = calls[reader]
    inputs = list(call.inputs)
    if whole_operation(follower, "relu"):
        spec = call.spec._replace(relu=True)
    elif whole_operation(follower, "add") and not call.spec.addend and len(follower.inputs) == 2:
        others = [b for b in follower.inputs if b is not result]
        # The other summand must be there when the normalization runs, and still be what it is at the addition.
        if len(others) != 1 or any(w >= k for w in uses.writers.get(id(others[0]), ()) if w < reader):
            return False
        inputs.append(others[0])
        spec = call.spec._replace(addend=True)
    else:
        return False
    target = follower.outputs[0]
    # Between the two, nobody may see the target before it would have been written.
    if uses.touched_between(target, k, reader) or target.nbytes != result.nbytes or any(b is target for b in call.inputs):
        return False
    calls[k] = Call(call.kernel, inputs, [target, *call.outputs[1:]], spec)
    del calls[reader]
    return True


def _absorb_mask(calls, uses, k, wanted) -> bool:
    """Let batch_norm_grad k mask its incoming gradient, where that is all that `relu_grad` was for."""
    call = calls[k]
    x, g, mean, saved, *weights = call.inputs
    if call.spec.relu or call.spec.beta:
        return False
    w, f = uses.only_writer(g), uses.only_writer(saved)
    if w is None or f is None or not f < w < k or uses.readers.get(id(g)) != [k] or not g.temporary or id(g) in wanted:
        return False
    mask, forward = calls[w], calls[f]
    spec = whole_operation(mask, "relu_grad")
    if spec is None or forward.kernel != "batch_norm" or spec.instructions[0][2:] != (0, 1) or len(mask.inputs) != 2:
        return False
    incoming, clamped = mask.inputs
    made = forward.spec
    same = (
        forward.outputs[0] is clamped and forward.outputs[1] is mean and forward.outputs[3] is saved and forward.inputs[0] is x
    )
    if not same or not made.relu or made.addend or _sizes(made) != _sizes(call.spec) or bool(weights) != made.gamma:
        return False
    given = forward.inputs[1 : 1 + made.gamma + made.beta]
    if made.gamma and given[0] is not weights[0]:
        return False
    # y is computed again from these: they must not have changed since, nor the gradient since it was masked.
    if any(uses.written_between(b, f, k) for b in (x, *given)) or uses.only_writer(clamped) != f:
        return False
    if uses.written_between(incoming, w, k):
        return False
    spec = call.spec._replace(beta=made.beta, relu=True)
    calls[k] = Call(call.kernel, [x, incoming, mean, saved, *given], call.outputs, spec)
    del calls[w]
    return True


def _sizes(spec):
    return spec.samples, spec.rows, spec.channels, spec.inner, spec.group
