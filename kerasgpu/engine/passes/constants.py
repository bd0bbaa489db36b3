"""Leave out what gives the same in every step: filled arrays, and what is computed from nothing else.

The recorded step has computed it, and its memory stays. Only small arrays, because theirs is then shared with nothing.
"""

from __future__ import annotations

import collections

MOST_BYTES = 1 << 16
PURE = frozenset({"fill", "elementwise", "broadcast_to", "cast", "copy", "reduce"})


def keep_constants(calls, wanted):
    writes = collections.Counter(id(b) for call in calls for b in call.outputs)
    constant: set[int] = set()
    found = []
    for call in calls:
        if call.kernel in PURE and _gives_the_same(call, constant, writes, wanted):
            for b in call.outputs:
                constant.add(id(b))
                b.temporary = False
        else:
            found.append(call)
    return found


def _gives_the_same(call, constant, writes, wanted) -> bool:
    """Whether all that is read is constant, and what is written is small, written nowhere else, and no result of the step."""
    return all(id(b) in constant for b in call.inputs) and all(
        b.temporary and writes[id(b)] == 1 and id(b) not in wanted and b.nbytes <= MOST_BYTES for b in call.outputs
    )
