"""The order of a program's calls in its graph, and their places in scratch memory.

Calls that share no memory need not follow each other. Running them side by side pays where both are large and neither fills the chip;
elsewhere a chain is better: an edge that is alone at its node costs least (graph.py). So calls are put on lanes one by one, in the
order of the program, by estimated times: at the end of the lane where it can begin first, or on a new lane where enough of its time
is hidden by what the other lanes still do.

Policies (KERASGPU_BRANCHES): "0" a chain; "auto" lanes; "all" nothing but what memory demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kerasgpu.kernels.gpu.graph.dependencies import Access, Order, data_dependencies
from kerasgpu.kernels.gpu.plans.estimate import Estimate

LANES = 4  # at most
FORK = 3.0  # microseconds that must be hidden for a new lane
JOIN = 1.5  # that an edge costs which is not alone at its node
SLOTS = 4  # places in scratch memory that may be in use at the same time
_MOST_SCRATCH = 256 << 20  # bytes of all places, except that the first one has what it needs
_ALIGNMENT = 256


class Work(NamedTuple):
    """What is known of a call."""

    accesses: Sequence[Access]
    estimate: Estimate
    scratch: int  # bytes


class Scratch:
    """Places in the program's scratch memory. Calls that may run side by side never have the same."""

    def __init__(self):
        self.sizes: list[int] = []

    def fit(self, slot: int, need: int) -> None:
        self.sizes[slot] = max(self.sizes[slot], -(-need // _ALIGNMENT) * _ALIGNMENT)

    def offset(self, slot: int) -> int:
        return sum(self.sizes[:slot])

    @property
    def total(self) -> int:
        return sum(self.sizes)

    def allows(self, need: int) -> bool:
        return not self.sizes or (len(self.sizes) < SLOTS and self.total + need <= _MOST_SCRATCH)


class Arranged(NamedTuple):
    after: list[tuple[int, ...]]  # of each call, those that it follows
    slots: list[int]  # of each call, its place in scratch memory

    @property
    def is_chain(self) -> bool:
        return all(before == ((k - 1,) if k else ()) for k, before in enumerate(self.after))


def arrange(work: Sequence[Work], policy: str, scratch: Scratch) -> Arranged:
    """The order of the calls of one graph. `scratch` is shared by the graphs of a program, which run one after the other."""
    needed = [0] * len(work) if policy == "0" else data_dependencies([w.accesses for w in work])
    order, lanes = Order(), _Lanes()
    last_user: list[int] = []  # of each place, within this graph; -1: none
    found = Arranged([], [])
    for k, one in enumerate(work):
        if policy == "0":
            after: tuple = (k - 1,) if k else ()
        elif policy == "all":
            after = order.needed(needed[k])
        else:
            after = lanes.choose(order, needed[k], one.estimate)
        slot = 0
        if one.scratch:
            last_user += [-1] * (len(scratch.sizes) - len(last_user))
            before = 0
            for p in after:
                before |= order.before[p] | 1 << p
            slot = _slot(scratch, last_user, before, one.scratch)
            if last_user[slot] >= 0:
                after = order.needed(before | 1 << last_user[slot])
            last_user[slot] = k
        order.add(after)
        lanes.add(k, after, one.estimate)
        found.after.append(after)
        found.slots.append(slot)
    return found


def end(work: Sequence[Work], arranged: Arranged) -> float:
    """When the last call ends, by the estimates."""
    ends: list[float] = []
    for one, after in zip(work, arranged.after):
        ends.append(max((ends[k] for k in after), default=0.0) + JOIN * max(0, len(after) - 1) + one.estimate.microseconds)
    return max(ends, default=0.0)


def _slot(scratch: Scratch, last_user: list[int], before: int, need: int) -> int:
    """A place whose last user comes before this call anyway; else a new one; else the one that was used longest ago."""
    free = [s for s, user in enumerate(last_user) if user < 0 or before >> user & 1]
    if free:
        slot = max(free, key=lambda s: (min(scratch.sizes[s], need), -s))
    elif scratch.allows(need):
        slot = len(scratch.sizes)
        scratch.sizes.append(0)
        last_user.append(-1)
    else:
        slot = min(range(len(last_user)), key=last_user.__getitem__)
    scratch.fit(slot, need)
    return slot


class _Lanes:
    """Calls that nothing follows yet, and the time at which each call ends."""

    def __init__(self):
        self.ends: list[float] = []
        self.shares: list[float] = []
        self.open: list[int] = []

    def start(self, after) -> float:
        return max((self.ends[p] for p in after), default=0.0)

    def choose(self, order: Order, needed: int, estimate: Estimate) -> tuple[int, ...]:
        if not self.open:
            return ()
        options = [order.needed(needed | 1 << lane) for lane in self.open]
        best = min(options, key=lambda after: (self.start(after) + JOIN * (len(after) - 1), -after[-1]))
        own = order.needed(needed)
        if len(self.open) < LANES and not set(own) & set(self.open):
            begin = self.start(own)
            running = [lane for lane in self.open if self.ends[lane] > begin]
            room = 2 - estimate.share - max((self.shares[lane] for lane in running), default=2.0)
            hidden = min(self.start(best) - begin, estimate.microseconds) * min(1.0, room)
            if hidden - JOIN * max(0, len(own) - 1) >= FORK:
                return own
        return best

    def add(self, k: int, after, estimate: Estimate) -> None:
        self.ends.append(self.start(after) + estimate.microseconds)
        self.shares.append(estimate.share)
        self.open = [lane for lane in self.open if lane not in after] + [k]
