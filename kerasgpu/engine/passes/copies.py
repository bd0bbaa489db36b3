"""Let the producer of a value write straight into the variable that the value is then copied to."""

from __future__ import annotations

from kerasgpu.engine.passes.chain import contiguous_strides
from kerasgpu.engine.passes.uses import Uses


def write_in_place(calls, wanted):
    calls = list(calls)
    again = True
    while again:
        again = False
        uses = Uses(calls)
        for k, call in enumerate(calls):
            if call is not None and call.kernel == "copy" and _redirect(calls, uses, k, wanted):
                calls[k] = None
                again = True
                break
        calls = [c for c in calls if c is not None]
    return calls


def _redirect(calls, uses, k, wanted):
    """Make the writer of copy k's source write into its target; True when that is safe and done."""
    (source,), (target,) = calls[k].inputs, calls[k].outputs
    if not source.temporary or id(source) in wanted or target.temporary or source.nbytes != target.nbytes:
        return False
    w = uses.only_writer(source)
    if w is None or w >= k or source.dtype != target.dtype or not isinstance(calls[w].kernel, str):
        return False
    # Between the two, nobody may want the target's old value or write a new one; nor may anyone after the copy see a
    # target that was written again while still reading the source.
    if uses.touched_between(target, w, k):
        return False
    last_read = max(uses.readers.get(id(source), [k]))
    if uses.written_between(target, k, last_read + 1):
        return False
    writer = calls[w]
    if sum(b is source for b in writer.outputs) != 1 or any(b is target for b in writer.outputs):
        return False
    if any(b is target for b in writer.inputs) and not _elementwise_on(writer, target):
        return False
    for c in calls:
        if c is not None:
            c.inputs = [target if b is source else b for b in c.inputs]
    writer.outputs = [target if b is source else b for b in writer.outputs]
    return True


def _elementwise_on(call, buffer):
    """Whether an elementwise call reads the buffer at the same index that it writes, so that it may be its own target."""
    if call.kernel != "elementwise":
        return False
    spec = call.spec.chain()
    full = contiguous_strides(spec.dims)
    return all(spec.strides[j] == full for j, b in enumerate(call.inputs) if b is buffer)
