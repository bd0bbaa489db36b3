"""Which small calls of a graph are done together, by one kernel of a single block, and the order of calls that this needs.

A launch costs more than a microsecond whatever it does, and many calls of a training step do next to nothing: sums of a few losses,
counters, metrics. Launches that planners marked (`Launch.member`) are put into groups; what their sources look like together is the matter
of group_source.py.

**Order.** Large calls keep theirs. A small call waits until a large one needs it, or something that needs it; then it runs in one group
with all small calls that could run by then. Calls that conflict, by the bytes that they read and write, never change places.

**What it costs.** One block does what several did. A call may be a member when the rounds in which a block goes over its work cost less
than a launch of its own (`estimate.LAUNCH`, `MEMBER`, `ROUND`). Where calls form a chain, taking members along that nobody waits for yet
costs what they would cost later, and saves a launch. Where graphs have branches, those that no large call ever waits for (metrics) get a
group of their own if, by the estimates, that ends the step earlier by what a new branch must hide (`branches.FORK`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kerasgpu.kernels.gpu.driver.launch import FREE, IDLE, OPTIONS, Launch
from kerasgpu.kernels.gpu.graph import branches, group_source
from kerasgpu.kernels.gpu.graph.dependencies import data_dependencies
from kerasgpu.kernels.gpu.plans.estimate import LAUNCH, MEMBER, ROUND, of_group, rounds
from kerasgpu.kernels.gpu.plans.plan import Plan

MOST_THREADS = 1024
MOST_MEMBERS = 64
MOST_ROUNDS = 1 + int((LAUNCH - MEMBER) / ROUND)


def threads_for(launches: Sequence[Launch]) -> int:
    """Threads of the block that does these: as many as the widest of them can use."""
    widest = max(math.prod(one.grid) * math.prod(one.block) if one.member == FREE else one.block[0] for one in launches)
    return next((n for n in (256, 512) if widest <= n), MOST_THREADS)


def is_small(plan: Plan) -> bool:
    """Whether a call may be done by one block."""
    return bool(plan.launches) and not plan.scratch and all(map(_may_join, plan.launches))


def _may_join(one: Launch) -> bool:
    if one.member not in (FREE, IDLE) or one.options != OPTIONS or one.maps or one.block[1:] != (1, 1):
        return False
    return one.grid == (1, 1, 1) if one.member == IDLE else rounds(one, MOST_THREADS) <= MOST_ROUNDS


def schedule(work: Sequence[branches.Work], plans: Sequence[Plan], policy: str) -> list[list[int]]:
    """The calls in an order that gives the same results, in lists: those of one list are to be done by one launch."""
    found = _Scheduler(work, plans, False).run()
    if policy != "0":
        apart = _Scheduler(work, plans, True).run()
        gain = _end(found, work, plans, policy) - _end(apart, work, plans, policy)
        if gain > branches.FORK * (len(apart) - len(found)):
            return apart
    return found


def _end(lists, work, plans, policy) -> float:
    """When the last call ends, by the estimates."""
    units = [together([work[k] for k in found], [plans[k] for k in found]) for found in lists]
    return branches.end(units, branches.arrange(units, policy, branches.Scratch()))


def together(work: Sequence[branches.Work], plans: Sequence[Plan]) -> branches.Work:
    """What is known of calls that are done by one launch."""
    if len(work) == 1:
        return work[0]
    launches = [one for plan in plans for one in plan.launches]
    accesses = [access for one in work for access in one.accesses]
    return branches.Work(accesses, of_group(launches, threads_for(launches)), 0)


class _Scheduler:
    """`apart`: small calls that no large one waits for do not join those that one waits for."""

    def __init__(self, work, plans, apart: bool):
        self.plans = plans
        self.apart = apart
        self.before: list[int] = []  # of each call the set (bits) of those that must precede it
        for needed in data_dependencies([w.accesses for w in work]):
            self.before.append(needed)
            while needed:
                last = needed.bit_length() - 1
                needed &= ~(1 << last)
                self.before[-1] |= self.before[last]
        self.waiting = [k for k, plan in enumerate(plans) if is_small(plan)]
        self.large = sorted(set(range(len(plans))) - set(self.waiting))
        self.awaited = 0  # by large calls
        for k in self.large:
            self.awaited |= self.before[k]
        self.done = 0
        self.found: list[list[int]] = []

    def run(self) -> list[list[int]]:
        for k in self.large:
            self._make_ready(self.before[k])
            self._emit([k])
        self._make_ready(-1)
        return self.found

    def _emit(self, calls: list[int]) -> None:
        self.found.append(calls)
        for k in calls:
            self.done |= 1 << k
        self.waiting = [k for k in self.waiting if not self.done >> k & 1]

    def _make_ready(self, needed: int) -> None:
        """Emit the small calls that are in this set, with others that they can take along."""
        while forced := [k for k in self.waiting if needed >> k & 1]:
            chosen = self._take([], forced)
            others = [k for k in self.waiting if k not in chosen]
            if self.apart:
                self._emit(self._leveled(self._take(chosen, [k for k in others if self.awaited >> k & 1])))
                others = [k for k in others if not self.awaited >> k & 1]
                if added := self._take([], others):
                    self._emit(self._leveled(added))
            else:
                self._emit(self._leveled(self._take(chosen, others)))

    def _take(self, chosen: list[int], candidates: list[int]) -> list[int]:
        """`chosen` and those of the candidates whose predecessors are done or in it, as far as one launch can hold them."""
        chosen = list(chosen)
        have = self.done
        for k in chosen:
            have |= 1 << k
        for k in candidates:
            if not self.before[k] & ~have and self._fits([*chosen, k]):
                chosen.append(k)
                have |= 1 << k
        return chosen

    def _launches(self, calls) -> list[Launch]:
        return [one for k in calls for one in self.plans[k].launches]

    def _fits(self, calls) -> bool:
        launches = self._launches(calls)
        size = sum(len(one.params) + 7 for one in launches)
        return len(calls) == 1 or (len(launches) <= MOST_MEMBERS and size <= group_source.MOST_PARAMS)

    def _leveled(self, calls: list[int]) -> list[int]:
        """In an order that needs few barriers: first what needs nothing of the group, then what needs that, and so on."""
        level: dict[int, int] = {}
        for k in sorted(calls):
            level[k] = 1 + max((level[j] for j in level if self.before[k] >> j & 1), default=0)
        return sorted(calls, key=lambda k: (level[k], k))


def combined(plans: Sequence[Plan], work: Sequence[branches.Work]) -> Launch:
    """One launch for these small calls, in order."""
    owner = [k for k, plan in enumerate(plans) for _ in plan.launches]
    launches = [one for plan in plans for one in plan.launches]
    needed = data_dependencies([w.accesses for w in work])

    def conflicts(j: int, k: int) -> bool:
        return owner[j] == owner[k] or bool(needed[owner[k]] >> owner[j] & 1)

    return group_source.combined(group_source.with_barriers(launches, conflicts), threads_for(launches))
