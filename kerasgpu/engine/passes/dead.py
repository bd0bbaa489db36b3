"""Drop calls whose results nobody reads: saved activations without a consumer, snapshots of variables, unused gradients."""

from __future__ import annotations


def drop_dead(calls, wanted):
    needed = set(wanted)
    kept = []
    for call in reversed(calls):
        if not any(not b.temporary or id(b) in needed for b in call.outputs):
            continue
        # A temporary stays needed above its writer: the writer may only add to it.
        needed.update(id(b) for b in call.inputs)
        needed.update(id(b) for b in call.outputs)
        kept.append(call)
    kept.reverse()
    return kept
