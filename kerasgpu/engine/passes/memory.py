"""Give every temporary of a program a place in one block; buffers that are never alive together share memory.

First fit over lifetimes in order of decreasing size, which for chains is within a few percent of the best possible.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.kernels import launch

ALIGNMENT = 64


def lifetimes(calls, pinned):
    """{id(buffer): (buffer, first position, last position)} of the temporaries that are not pinned."""
    spans: dict[int, list] = {}
    for k, call in enumerate(calls):
        for b in (*call.inputs, *call.outputs):
            if b.temporary and id(b) not in pinned:
                span = spans.setdefault(id(b), [b, k, k])
                span[2] = k
    return spans


def place_temporaries(calls, pinned, apart=0):
    """({id(buffer): array}, block): where each temporary lives, and the block that holds them all.

    Those of at most `apart` bytes share with none, so that their calls need not wait for others because of memory alone.
    """
    spans = sorted(lifetimes(calls, pinned).values(), key=lambda s: (-s[0].nbytes, s[1]))
    spans = [(b, 0, len(calls)) if b.nbytes <= apart else (b, first, last) for b, first, last in spans]
    placed: list[tuple[int, int, int, int]] = []  # begin, end, first, last
    offsets = []
    total = 0
    for buffer, first, last in spans:
        size = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        at = 0
        for begin, end, _, _ in sorted(p for p in placed if p[2] <= last and first <= p[3]):
            if begin - at >= size:
                break
            at = max(at, end)
        placed.append((at, at + size, first, last))
        offsets.append(at)
        total = max(total, at + size)
    if not spans:
        return {}, None
    like = spans[0][0].array
    block = launch.empty((total,), np.uint8, like=like)
    return {id(buffer): block[at : at + buffer.nbytes].view(buffer.dtype) for (buffer, _, _), at in zip(spans, offsets)}, block
