"""Give a cross-entropy the labels as they came, not by way of floats.

Losses cast the targets to floats, as Keras does, and the sparse cross-entropy casts them back. Integers of up to 32 bits come through
float32 unchanged up to 2^24. Larger ones come back at least that large, or negative: no class either way when there are no more classes than
that, and not the ignored one. So no bit changes.
"""

from __future__ import annotations

from kerasgpu.engine.passes.uses import Uses

_NARROW = frozenset({"int8", "uint8", "int16", "uint16", "int32"})
_EXACT = 1 << 24
_USERS = frozenset({"sparse_softmax_cross_entropy", "sparse_softmax_cross_entropy_grad"})


def keep_integer_labels(calls, wanted):
    uses = None
    for k, call in enumerate(calls):
        if call.kernel not in _USERS:
            continue
        if call.spec.cols > _EXACT or (call.spec.ignores and abs(call.spec.ignored) >= _EXACT):
            continue
        uses = uses or Uses(calls)
        source = _before_floats(calls, uses, k, call.inputs[1])
        if source is not None:
            call.inputs = [call.inputs[0], source, *call.inputs[2:]]
    return calls


def _before_floats(calls, uses, k, labels):
    """The integers that were cast to floats and back into the labels of call k, if they are still there."""
    floats, back = _cast(calls, uses, labels, k)
    if floats is None or floats.dtype.name not in ("float32", "float64") or labels.dtype.name not in ("int32", "int64"):
        return None
    source, first = _cast(calls, uses, floats, back)
    if source is None or source.dtype.name not in _NARROW or uses.written_between(source, first, k):
        return None
    return source


def _cast(calls, uses, result, k):
    """(operand, position) of the cast before call k that makes `result`, else (None, k)."""
    at = uses.only_writer(result)
    if at is None or at >= k or calls[at].kernel != "cast" or not result.temporary:
        return None, k
    return calls[at].inputs[0], at
