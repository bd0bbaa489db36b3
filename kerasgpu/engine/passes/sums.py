"""Let the kernel that makes a gradient also make its column sums, the gradient of a bias, while each part of it is in the cache.

The kernel adds up the chunks that `reduce` would, in its order: no bit changes.
"""

from __future__ import annotations

from kerasgpu.engine.passes.uses import Uses
from kerasgpu.engine.recorder import Call

SUM = 0  # of the operations of "reduce"
# Kernels that take a second output for the sums of their first one: where the number of columns is among their ints.
MAKERS = {"max_pool_grad": 1}


def fuse_column_sums(calls, wanted):
    calls = list(calls)
    k = 0
    while k < len(calls):
        if calls[k].kernel == "reduce" and _absorb(calls, Uses(calls), k):
            del calls[k]
        else:
            k += 1
    return calls


def _absorb(calls, uses, k) -> bool:
    """Let the maker of what call k sums do that as well; True when done."""
    (x,), (sums,) = calls[k].inputs, calls[k].outputs
    op, outer, rows, columns = calls[k].ints
    w = uses.only_writer(x)
    if op != SUM or outer != 1 or w is None or w >= k or x.dtype != sums.dtype:
        return False
    maker = calls[w]
    at = MAKERS.get(maker.kernel)
    if at is None or len(maker.outputs) != 1 or maker.ints[at] != columns or rows * columns * x.dtype.itemsize != x.nbytes:
        return False
    # The sums are now made earlier: until then nobody may look at the place where they go.
    if uses.touched_between(sums, w, k) or any(b is sums for b in (*maker.inputs, x)):
        return False
    calls[w] = Call(maker.kernel, maker.inputs, [x, sums], maker.ints, maker.floats)
    return True
