"""A recorded step on a GPU: planned launches in CUDA graphs. The same interface as `_core.Program`, the C++ one of the CPU.

Calls between two host calls form one graph (segment.py), built when the program first runs. A rebound array changes the parameters of
the launches that use it; when a launch itself changes (another size), its graph is built again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.graph import branches
from kerasgpu.kernels.gpu.graph.dependencies import Access
from kerasgpu.kernels.gpu.graph.segment import Segment
from kerasgpu.kernels.gpu.plans.estimate import estimate
from kerasgpu.kernels.gpu.plans.plan import HostPlan, Plan
from kerasgpu.kernels.spec import NOTHING

# Steps that one graph holds when many are run at once: hides the time that Python takes to start a graph.
UNROLL = 8


class _Step:
    """One call of the program: a kernel with its plan, or a host function."""

    def __init__(self, name=None, ins=(), outs=(), spec=NOTHING, host: Callable | None = None):
        self.name, self.ins, self.outs, self.spec = name, ins, outs, spec
        self.host = host
        self.plan = Plan()


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
        self._unrolled: Segment | None = None
        self._together = UNROLL  # how many steps that is
        self._scratch = None
        self._scratch_bytes = 0
        self._chain = True  # whether calls run one after the other, in order
        self._rebound: set[int] = set()  # since the graphs were built or checked
        self._ranges = np.zeros((0, 2), "int64")  # the bytes of every buffer, where they do not

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

    def add_call(self, name: str, ins, outs, spec=NOTHING) -> None:
        step = _Step(name, tuple(ins), tuple(outs), spec)
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
        left, right = cuda.signature(ins), cuda.signature(outs)
        return cuda.plan_for(step.name, left, right, step.spec, repeated=True, index=self.index)

    def _update(self) -> None:
        """Plans and parameters of the steps whose operands changed."""
        if self._released:
            raise ValueError("this program was released from its inputs; bind others before running it")
        stale = [s for s in self._stale.values() if s.host is None]
        if not stale and self._segments is not None:
            return
        for step, plan in [(s, self._plan(s)) for s in stale]:
            if plan is not step.plan:
                step.plan = plan
                self._segments = None
        self._unrolled = None
        if self._segments is None or self._overlaps_changed():
            self._segments = None
            self._segments = self._build()
        else:
            changed = {id(step) for step in stale}
            for segment in self._graphs():
                segment.update(changed, self._addresses)
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
        guess = estimate(step.name, cuda.signature(ins), cuda.signature(outs), step.spec, step.plan)
        return branches.Work(accesses, guess, step.plan.scratch)

    def _addresses(self, step: _Step) -> tuple[list[int], list[int]]:
        address = self.driver.address
        return [address(self._buffers[k]) for k in step.ins], [address(self._buffers[k]) for k in step.outs]

    # -- graphs -------------------------------------------------------------------------------------------------
    def _build(self) -> list:
        """Graphs and host functions in order."""
        parts: list = []  # lists of steps, and host functions
        for step in self._steps:
            if step.host is not None:
                parts.append(step.host)
            elif type(step.plan) is HostPlan:
                parts.append(self._on_host(step))
            elif step.plan.launches:
                if not parts or not isinstance(parts[-1], list):
                    parts.append([])
                parts[-1].append(step)
        scratch = branches.Scratch()
        parts = [self._segment(part, scratch) if isinstance(part, list) else part for part in parts]
        self._chain = all(part.is_chain for part in parts if isinstance(part, Segment))
        if not self._chain:
            self._ranges = np.array([self._range(k) for k in range(len(self._buffers))], "int64").reshape(-1, 2)
        memory = self._memory(scratch)
        return [part.build(memory, self._addresses) if isinstance(part, Segment) else part for part in parts]

    def _segment(self, steps, scratch: branches.Scratch) -> Segment:
        return Segment(self.driver, self.index, steps, self._work, scratch)

    def _memory(self, scratch: branches.Scratch):
        """Scratch memory; that of an earlier graph is used again where it is large enough."""
        if scratch.total > self._scratch_bytes:
            self._scratch = self.driver.empty((scratch.total,), np.dtype("uint8"), self.index)
            self._scratch_bytes = scratch.total
        return self._scratch

    def _unroll(self, steps: int) -> Segment:
        """A graph of this many steps."""
        scratch = branches.Scratch()
        calls = [step for step in self._steps if step.plan.launches]
        return self._segment(calls * steps, scratch).build(self._memory(scratch), self._addresses)

    def _on_host(self, step):
        def run():
            ins, outs = tuple(self._buffers[k] for k in step.ins), tuple(self._buffers[k] for k in step.outs)
            cuda.on_host(step.name, ins, outs, step.spec)

        return run

    def _graphs(self) -> list[Segment]:
        return [s for s in self._segments or () if isinstance(s, Segment)]

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, steps: int = 1, together: int = 1) -> None:
        """Start `steps` replays; the GPU works on them while Python goes on. `together`: steps of one graph, if more than one."""
        self._update()
        segments = self._segments or []
        together = together if together > 1 else UNROLL
        if steps >= together and len(segments) == 1 and isinstance(segments[0], Segment):
            if self._unrolled is None or self._together != together:
                self._unrolled, self._together = self._unroll(together), together
            while steps >= together:
                self._unrolled.run()
                steps -= together
        for _ in range(steps):
            for segment in segments:
                if isinstance(segment, Segment):
                    segment.run()
                else:
                    segment()

    def profile(self) -> list[float]:
        """Run one step call by call, none of them in a group; the seconds that each took, starting and waiting included."""
        self._update()
        need = max((step.plan.scratch for step in self._steps), default=0)
        scratch = self.driver.empty((need,), np.dtype("uint8"), self.index) if need else None
        found = []
        for step in self._steps:
            functions = cuda.functions(self.driver, step.plan, self.index)
            begin = time.perf_counter()
            if step.host is not None:
                step.host()
            elif type(step.plan) is HostPlan:
                self._on_host(step)()
            else:
                ins, outs = self._addresses(step)
                at = self.driver.address(scratch) if scratch is not None else 0
                for function, one in zip(functions, step.plan.launches):
                    self.driver.run(function, one, one.fill(ins, outs, at), self.index)
            self.driver.synchronize(self.index)
            found.append(time.perf_counter() - begin)
        return found
