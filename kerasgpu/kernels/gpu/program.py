"""A recorded step on a GPU: planned launches in CUDA graphs. The same interface as `_core.Program`, the C++ one of the CPU.

Calls between two host calls form one graph, built when the program first runs. A rebound array changes the parameters of the launches
that use it; when a launch itself changes (another size), its graph is built again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu import driver as drivers
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
        self._scratch = None
        self._scratch_bytes = 0

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
        missing = [one for _, plan in plans for one in plan.launches]
        self.driver.prepare(missing, self.index)
        need = max([self._scratch_bytes, *[plan.scratch for _, plan in plans]])
        if need > self._scratch_bytes:
            self._scratch = self.driver.empty((need,), np.dtype("uint8"), self.index)
            self._scratch_bytes = need
            plans = [(s, self._plan(s)) for s in self._steps if s.host is None]
        for step, plan in plans:
            if plan is not step.plan:
                step.plan = plan
                self._segments = None
            self._fill(step)
        self._unrolled = None
        if self._segments is None:
            self._segments = self._build(self._steps)
        else:
            for graph, first in self._graphs():
                for step, _ in plans:
                    for j, at in enumerate(first.get(id(step), ())):
                        graph.update(at, step.launches[j][2])
        self._stale.clear()

    def _fill(self, step: _Step) -> None:
        address = self.driver.address
        ins, outs = [address(self._buffers[k]) for k in step.ins], [address(self._buffers[k]) for k in step.outs]
        scratch = address(self._scratch) if step.plan.scratch else 0
        ready = cuda.functions(self.driver, step.plan, self.index)
        step.launches = [(f, one, one.fill(ins, outs, scratch)) for f, one in zip(ready, step.plan.launches)]

    # -- graphs -------------------------------------------------------------------------------------------------
    def _build(self, steps) -> list:
        segments: list = []
        launches: list = []
        places: dict[int, list[int]] = {}

        def close():
            nonlocal launches, places
            if launches:
                segments.append((self.driver.graph(launches, self.index), places))
            launches, places = [], {}

        for step in steps:
            if step.host is not None:
                close()
                segments.append(step.host)
            elif type(step.plan) is HostPlan:
                close()
                segments.append(self._on_host(step))
            else:
                for one in step.launches:
                    places.setdefault(id(step), []).append(len(launches))
                    launches.append(one)
        close()
        return segments

    def _on_host(self, step):
        def run():
            ins, outs = tuple(self._buffers[k] for k in step.ins), tuple(self._buffers[k] for k in step.outs)
            cuda.on_host(step.name, ins, outs, step.ints, step.floats)

        return run

    def _graphs(self):
        return [s for s in self._segments or () if isinstance(s, tuple)]

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, steps: int = 1) -> None:
        """Start `steps` replays; the GPU works on them while Python goes on."""
        self._update()
        segments = self._segments or []
        if steps >= UNROLL and len(segments) == 1 and isinstance(segments[0], tuple):
            if self._unrolled is None:
                launches = [one for step in self._steps for one in step.launches]
                self._unrolled = self.driver.graph(launches * UNROLL, self.index)
            while steps >= UNROLL:
                self._unrolled.run()
                steps -= UNROLL
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
