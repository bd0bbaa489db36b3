"""Let a kernel that touches a gradient anyway also make its column sums, the gradient of a bias.

On a GPU that is the one that makes the weights' gradient of it, where the sums need no launch of their own
(kernels/gpu/plans/column_sums.py); else, and on the CPU, the one that makes the gradient itself, while each part of it is in the cache. Both add
up the chunks that `reduce` would, in its order: no bit changes.
"""

from __future__ import annotations

from math import prod

from kerasgpu.engine import device
from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call

SUM = 0  # of the operations of "reduce"
# Kernels that take a second output for the sums of their first one, of which `channels` is the number of columns.
MAKERS = frozenset({"max_pool_grad"})


def _right_side(call):
    """(rows, columns) of the second input of a kernel that may have its column sums as a second output, else None."""
    if call.kernel == "gemm":
        return None if call.spec.batch != 1 or call.spec.transpose_b else (call.spec.k, call.spec.n)
    if call.kernel == "conv_filter_grad":
        return call.spec.batch * prod(call.spec.window.count), call.spec.filters
    return None


def fuse_column_sums(calls, wanted):
    calls = list(calls)
    k = 0
    while k < len(calls):
        if calls[k].kernel != "reduce":
            k += 1
            continue
        uses = Uses(calls)
        if _absorb_by_reader(calls, uses, k) or _absorb(calls, uses, k):
            del calls[k]
        else:
            k += 1
    return calls


def _absorb_by_reader(calls, uses, k) -> bool:
    """Let a weight gradient that reads what call k sums do that as well; True when done."""
    (x,), (sums,) = calls[k].inputs, calls[k].outputs
    op, outer, rows, columns = calls[k].spec
    if op != SUM or outer != 1 or columns < 2 or x.dtype != sums.dtype or device.of_array(x.array) == "cpu:0":
        return False
    for r in uses.readers.get(id(x), ()):
        call = calls[r]
        if _right_side(call) != (rows, columns) or call.inputs[1] is not x or len(call.outputs) != 1:
            continue
        # The sums are made at r instead: in between nobody may change what is summed, or look at the place where they go.
        low, high = min(r, k), max(r, k)
        if uses.written_between(x, low, high) or uses.touched_between(sums, low, high):
            continue
        if any(b is sums for b in (*call.inputs, *call.outputs)) or x.dtype != call.outputs[0].dtype:
            continue
        calls[r] = Call(call.kernel, call.inputs, [*call.outputs, sums], call.spec)
        return True
    return False


def _absorb(calls, uses, k) -> bool:
    """Let the maker of what call k sums do that as well; True when done."""
    (x,), (sums,) = calls[k].inputs, calls[k].outputs
    op, outer, rows, columns = calls[k].spec
    w = uses.only_writer(x)
    if op != SUM or outer != 1 or w is None or w >= k or x.dtype != sums.dtype:
        return False
    maker = calls[w]
    if maker.kernel not in MAKERS or len(maker.outputs) != 1 or maker.spec.channels != columns:
        return False
    if rows * columns * x.dtype.itemsize != x.nbytes:
        return False
    # The sums are now made earlier: until then nobody may look at the place where they go.
    if uses.touched_between(sums, w, k) or any(b is sums for b in (*maker.inputs, x)):
        return False
    calls[w] = Call(maker.kernel, maker.inputs, [x, sums], maker.spec)
    return True
