"""The calls between two host functions of a program as one graph: their order, places in scratch memory, groups and parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from kerasgpu import config
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.graph import branches, group, group_source

_unusable: set = set()  # modules of groups that could not be made
drivers.on_change(_unusable.clear)


class Unit:
    """One call, or a group of calls that a single launch does."""

    def __init__(self, calls: list, work: branches.Work, merged: Launch | None = None):
        self.calls = calls
        self.work = work
        self.merged = merged
        self.scratch_at = 0
        self.first = 0  # number of its first launch in the graph

    @property
    def wanted(self) -> list[Launch]:
        return [self.merged] if self.merged is not None else [one for call in self.calls for one in call.plan.launches]

    def params(self, addresses: Callable, scratch: int) -> list[bytearray]:
        """Of each of its launches, with the addresses as they are now."""
        filled = []
        for call in self.calls:
            ins, outs = addresses(call)
            filled += [one.fill(ins, outs, scratch + self.scratch_at) for one in call.plan.launches]
        return filled if self.merged is None else [group_source.join(filled)]


class Segment:
    """See the module docstring.

    Args:
        calls: steps of a program, in order; the same one may appear again.
        work_of: what branches.py wants to know of a call.
        scratch: shared by the segments of a program; `build` comes when all have taken their places.

    `addresses` of methods: call -> (addresses of its inputs, of its outputs). Not kept, so that a program that nobody holds ends at once.
    """

    def __init__(self, driver, index: int, calls: Sequence, work_of: Callable, scratch: branches.Scratch):
        self.driver = driver
        self.index = index
        self.scratch = scratch
        self.graph: drivers.Graph | None = None
        self.memory = None
        policy = config.branches()
        known = {id(call): work_of(call) for call in calls}
        work = [known[id(call)] for call in calls]
        lists = [[k] for k in range(len(calls))]
        if config.grouping():
            lists = group.schedule(work, [call.plan for call in calls], policy)
        self.reordered = any(found != [k] for k, found in enumerate(lists))
        self.units = [unit for found in lists for unit in self._units([calls[k] for k in found], [work[k] for k in found])]
        self.driver.prepare([one for unit in self.units for one in unit.wanted], index)
        self.arranged = branches.arrange([unit.work for unit in self.units], policy, scratch)

    @property
    def is_chain(self) -> bool:
        """Whether every call follows the one before it in the program."""
        return self.arranged.is_chain and not self.reordered

    def _units(self, calls, work) -> list[Unit]:
        apart = [Unit([call], one) for call, one in zip(calls, work)]
        if sum(len(call.plan.launches) for call in calls) < 2 or not all(group.is_small(call.plan) for call in calls):
            return apart
        merged = group.combined([call.plan for call in calls], work)
        if not self._usable(merged):
            return apart
        return [Unit(calls, group.together(work, [call.plan for call in calls]), merged)]

    def _usable(self, merged: Launch) -> bool:
        """Whether a group compiles: kernels that do are no reason for a step to fail."""
        if merged.module in _unusable:
            return False
        try:
            self.driver.function(merged, self.index)
        except Exception as error:
            _unusable.add(merged.module)
            if config.debug() >= 1:
                first = (str(error).splitlines() or [type(error).__name__])[0]
                print(
                    f"kerasgpu: a group of small kernels does not compile, they are started one by one: {first}",
                    file=sys.stderr,
                )
            return False
        return True

    def build(self, memory, addresses: Callable) -> Segment:
        """Make the graph. `memory`: the program's scratch memory, kept as long as this."""
        self.memory = memory
        launches: list = []
        after: list[tuple] = []
        last: list[int] = []  # of each unit, its last launch
        for unit, before, slot in zip(self.units, self.arranged.after, self.arranged.slots):
            unit.scratch_at = self.scratch.offset(slot)
            unit.first = len(launches)
            launches += zip(self._functions(unit), unit.wanted, self._params(unit, addresses))
            after.append(tuple(last[k] for k in before))
            after += [(k,) for k in range(unit.first, len(launches) - 1)]
            last.append(len(launches) - 1)
        self.graph = self.driver.graph(launches, self.index, None if self.arranged.is_chain else after)
        return self

    def _functions(self, unit: Unit) -> list:
        if unit.merged is not None:
            return [self.driver.function(unit.merged, self.index)]
        return [function for call in unit.calls for function in cuda.functions(self.driver, call.plan, self.index)]

    def _params(self, unit: Unit, addresses: Callable) -> list[bytearray]:
        scratch = self.driver.address(self.memory) if unit.work.scratch else 0
        return unit.params(addresses, scratch)

    @property
    def launches(self) -> int:
        return sum(len(unit.wanted) for unit in self.units)

    def update(self, changed: set[int], addresses: Callable) -> None:
        """New parameters for the launches of these calls (their ids), whose operands lie elsewhere now."""
        assert self.graph is not None
        for unit in self.units:
            if any(id(call) in changed for call in unit.calls):
                for k, params in enumerate(self._params(unit, addresses)):
                    self.graph.update(unit.first + k, params)

    def run(self) -> None:
        assert self.graph is not None
        self.graph.run()
