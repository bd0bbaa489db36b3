"""A recorded step on a GPU: planned launches in CUDA graphs. The same interface as `_core.Program`, the C++ one of the CPU.

Calls between two host calls form one graph, built when the program first runs. A rebound array changes the parameters of the launches
that use it; when a launch itself changes (another size), its graph is built again. branches.py decides which calls follow which.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kerasgpu import config
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu import branches
from kerasgpu.kernels.gpu import driver as drivers
from kerasgpu.kernels.gpu.dependencies import Access
from kerasgpu.kernels.gpu.estimate import estimate
from kerasgpu.kernels.gpu.plan import HostPlan, Plan

# Steps that one graph holds when many are run at once: hides the time that Python takes to start a graph.
UNROLL = 8


class _Step:
    """One call of the program: a kernel with its plan, or a host function."""

    def __init__(self, name=None, ins=(), outs=(), ints=(), floats=(), host: Callable | None = None):
        self.name, self.ins, self.outs, self.ints, self.floats = name, ins, outs, ints, floats
        self.host = host
        self.plan = Plan()
        self.launches: list = []  # (function, launch, params)
        self.scratch_at = 0  # its place in the program's scratch memory


class Program:
    """See the module docstring. `index`: the GPU that all buffers are on."""

    def __init__(self, index: int):
        self.index = index
        self.driver = drivers.current()
        self._buffers: list = []
        self._released: set[int] = set()
        self._steps: list[_Step] = []
        self._uses: dict[int, list[_Step]] = {}
        self._stale: dict[int, _Step] = {}  # steps whose operands changed
        self._segments: list | None = None  # graphs and host functions in order
        self._unrolled: drivers.Graph | None = None
        self._together = UNROLL  # how many steps that is
        self._scratch = None
        self._scratch_bytes = 0
        self._chain = True  # whether every graph is one
        self._after: list[tuple] | None = None  # of the last graph: what its launches run after; None: it is a chain
        self._rebound: set[int] = set()  # since the graphs were built or checked
        self._ranges = np.zeros((0, 2), "int64")  # the bytes of every buffer, where a graph is no chain

    # -- building -----------------------------------------------------------------------------------------------
    def add_buffer(self, array) -> int:
        self._buffers.append(array)
        return len(self._buffers) - 1

    def rebind(self, k: int, array) -> None:
        """Buffer k is another array from now on, of the same dtype. An empty host array releases it: running then raises."""
        if array.dtype != self._buffers[k].dtype:
            raise ValueError(f"Program.rebind: buffer has dtype {self._buffers[k].dtype}, got {array.dtype}")
        if type(array) is np.ndarray:
            if array.size:
                raise ValueError(
                    f"Program.rebind: an array of shape {array.shape} is on the CPU, the program on gpu:{self.index}"
                )
            self._released.add(k)
        else:
            self._released.discard(k)
        self._buffers[k] = array
        self._rebound.add(k)
        for step in self._uses.get(k, ()):
            self._stale[id(step)] = step

    def add_call(self, name: str, ins, outs, ints, floats) -> None:
        step = _Step(name, tuple(ins), tuple(outs), ints, floats)
        for k in {*ins, *outs}:
            self._uses.setdefault(k, []).append(step)
        self._add(step)

    def add_host_call(self, function: Callable) -> None:
        self._add(_Step(host=function))

    def _add(self, step):
        self._steps.append(step)
        self._stale[id(step)] = step
        self._segments = self._unrolled = None

    def __len__(self):
        return len(self._steps)

    # -- planning -----------------------------------------------------------------------------------------------
    def _plan(self, step: _Step) -> Plan:
        ins, outs = [self._buffers[k] for k in step.ins], [self._buffers[k] for k in step.outs]
        cuda.check(step.name, (*ins, *outs), self.driver, self.index)
        return cuda.plan_for(step.name, cuda.signature(ins), cuda.signature(outs), step.ints, step.floats, repeated=True)

    def _update(self) -> None:
        """Plans and parameters of the steps whose operands changed."""
        if self._released:
            raise ValueError("this program was released from its inputs; bind others before running it")
        stale = [s for s in self._stale.values() if s.host is None]
        if not stale and self._segments is not None:
            return
        plans = [(s, self._plan(s)) for s in stale]
        self.driver.prepare([one for _, plan in plans for one in plan.launches], self.index)
        for step, plan in plans:
            if plan is not step.plan:
                step.plan = plan
                self._segments = None
        self._unrolled = None
        if self._segments is None or self._overlaps_changed():
            self._segments = None
            self._segments = self._build()
        else:
            for step, _ in plans:
                self._fill(step)
            for graph, first in self._graphs():
                for step, _ in plans:
                    for j, at in enumerate(first.get(id(step), ())):
                        graph.update(at, step.launches[j][2])
        self._stale.clear()
        self._rebound.clear()

    def _range(self, k: int) -> tuple[int, int]:
        """The bytes of buffer k."""
        array = self._buffers[k]
        at = self.driver.address(array)
        return at, at + array.nbytes

    def _overlaps_changed(self) -> bool:
        """Whether a rebound array shares memory with another buffer, or no longer does: the order of calls may be wrong then."""
        if self._chain or not self._rebound:
            return False
        before = self._ranges
        after = before.copy()
        for k in self._rebound:
            after[k] = self._range(k)
        self._ranges = after

        def overlaps(ranges, k):
            return (ranges[:, 0] < ranges[k, 1]) & (ranges[:, 1] > ranges[k, 0])

        return any((overlaps(before, k) != overlaps(after, k)).any() for k in self._rebound)

    def _work(self, step: _Step) -> branches.Work:
        ins, outs = [self._buffers[k] for k in step.ins], [self._buffers[k] for k in step.outs]
        accesses = [Access(*self._range(k), False) for k in step.ins] + [Access(*self._range(k), True) for k in step.outs]
        guess = estimate(step.name, cuda.signature(ins), cuda.signature(outs), step.ints, step.plan)
        return branches.Work(accesses, guess, step.plan.scratch)

    def _fill(self, step: _Step) -> None:
        address = self.driver.address
        ins, outs = [address(self._buffers[k]) for k in step.ins], [address(self._buffers[k]) for k in step.outs]
        scratch = address(self._scratch) + step.scratch_at if step.plan.scratch else 0
        ready = cuda.functions(self.driver, step.plan, self.index)
        step.launches = [(f, one, one.fill(ins, outs, scratch)) for f, one in zip(ready, step.plan.launches)]

    # -- graphs -------------------------------------------------------------------------------------------------
    def _build(self) -> list:
        """Graphs and host functions in order; every step gets its place in scratch memory and its parameters."""
        parts: list = []  # lists of steps, and host functions
        for step in self._steps:
            step.launches = []
            if step.host is not None:
                parts.append(step.host)
            elif type(step.plan) is HostPlan:
                parts.append(self._on_host(step))
            elif step.plan.launches:
                if not parts or not isinstance(parts[-1], list):
                    parts.append([])
                parts[-1].append(step)
        policy, scratch = config.branches(), branches.Scratch()
        found = {
            k: branches.arrange([self._work(s) for s in part], policy, scratch)
            for k, part in enumerate(parts)
            if isinstance(part, list)
        }
        if scratch.total > self._scratch_bytes:
            self._scratch = self.driver.empty((scratch.total,), np.dtype("uint8"), self.index)
            self._scratch_bytes = scratch.total
        self._chain = all(arranged.is_chain for arranged in found.values())
        if not self._chain:
            self._ranges = np.array([self._range(k) for k in range(len(self._buffers))], "int64").reshape(-1, 2)
        return [self._graph(part, found[k], scratch) if k in found else part for k, part in enumerate(parts)]

    def _graph(self, steps, arranged: branches.Arranged, scratch: branches.Scratch):
        """(graph, {id of a step: numbers of its launches})."""
        launches: list = []
        places: dict[int, list[int]] = {}
        after: list[tuple] = []
        for step, before, slot in zip(steps, arranged.after, arranged.slots):
            step.scratch_at = scratch.offset(slot)
            self._fill(step)
            places[id(step)] = list(range(len(launches), len(launches) + len(step.launches)))
            after.append(tuple(places[id(steps[k])][-1] for k in before))
            after += [(k,) for k in places[id(step)][:-1]]
            launches += step.launches
        self._after = None if arranged.is_chain else after
        return self.driver.graph(launches, self.index, self._after), places

    def _unroll(self, steps: int):
        """A graph of this many steps: each begins when the one before has ended."""
        launches = [one for step in self._steps for one in step.launches]
        after, n = self._after, len(launches)
        if after is not None:
            last = sorted(set(range(n)) - {k for before in after for k in before})
            after = [
                tuple(k + n * copy for k in before) if before or not copy else tuple(k + n * (copy - 1) for k in last)
                for copy in range(steps)
                for before in after
            ]
        return self.driver.graph(launches * steps, self.index, after)

    def _on_host(self, step):
        def run():
            ins, outs = tuple(self._buffers[k] for k in step.ins), tuple(self._buffers[k] for k in step.outs)
            cuda.on_host(step.name, ins, outs, step.ints, step.floats)

        return run

    def _graphs(self):
        return [s for s in self._segments or () if isinstance(s, tuple)]

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, steps: int = 1, together: int = 1) -> None:
        """Start `steps` replays; the GPU works on them while Python goes on. `together`: steps of one graph, if more than one."""
        self._update()
        segments = self._segments or []
        together = together if together > 1 else UNROLL
        if steps >= together and len(segments) == 1 and isinstance(segments[0], tuple):
            if self._unrolled is None or self._together != together:
                self._unrolled, self._together = self._unroll(together), together
            while steps >= together:
                self._unrolled.run()
                steps -= together
        for _ in range(steps):
            for segment in segments:
                if isinstance(segment, tuple):
                    segment[0].run()
                else:
                    segment()

    def profile(self) -> list[float]:
        """Run one step call by call; the seconds that each took, starting and waiting included."""
        self._update()
        found = []
        for step in self._steps:
            begin = time.perf_counter()
            if step.host is not None:
                step.host()
            elif type(step.plan) is HostPlan:
                self._on_host(step)()
            for function, one, params in step.launches:
                self.driver.run(function, one, params, self.index)
            self.driver.synchronize(self.index)
            found.append(time.perf_counter() - begin)
        return found
