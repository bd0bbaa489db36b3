"""Which calls of a program must follow which: from the memory that each reads and writes, whatever buffers it lies in.

Sets of calls are the bits of Python integers: bit k stands for call k.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Access(NamedTuple):
    """The bytes [begin, end) that a call reads, or writes (and may read)."""

    begin: int
    end: int
    write: bool


def data_dependencies(calls: Sequence[Iterable[Access]]) -> list[int]:
    """Of each call the set of earlier calls that it must follow: one of the two writes what the other touches.

    Left out are calls that a member of the set must follow itself: the set and its predecessors hold every conflict.
    """
    calls = [[a for a in accesses if a.end > a.begin] for accesses in calls]
    # Memory is cut at every begin and end, so that an access is a run of whole pieces.
    cuts = sorted({at for accesses in calls for a in accesses for at in (a.begin, a.end)})
    writer = [0] * len(cuts)  # of each piece: the set of who wrote it last, and who read it since
    readers = [0] * len(cuts)
    found = []
    for k, accesses in enumerate(calls):
        needed = 0
        pieces = [(range(bisect_left(cuts, a.begin), bisect_left(cuts, a.end)), a.write) for a in accesses]
        for run, write in pieces:
            for piece in run:
                # Whoever read since has followed the writer.
                needed |= (readers[piece] or writer[piece]) if write else writer[piece]
        me = 1 << k
        for run, write in pieces:
            for piece in run:
                if write:
                    writer[piece], readers[piece] = me, 0
                elif writer[piece] != me:
                    readers[piece] |= me
        found.append(needed & ~me)
    return found


class Order:
    """Calls with their predecessors, filled one by one; answers what follows what."""

    def __init__(self):
        self.before: list[int] = []  # of each call all that run before it, also through others

    def needed(self, calls: int) -> tuple[int, ...]:
        """A set without those that precede another member of it, as numbers in ascending order."""
        kept = []
        while calls:
            last = calls.bit_length() - 1
            kept.append(last)
            calls &= ~(self.before[last] | 1 << last)
        return tuple(reversed(kept))

    def add(self, after: Iterable[int]) -> int:
        """The next call, which runs after these; its number."""
        before = 0
        for k in after:
            before |= self.before[k] | 1 << k
        self.before.append(before)
        return len(self.before) - 1
