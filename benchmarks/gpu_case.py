"""A case of cases.py on a GPU: the launches that it makes on the CPU are written down, planned for the GPU and timed as CUDA graphs.

Times are the GPU's own (events around a graph of many launches), so neither Python nor starting a graph is in them.

Warm: the same operands again and again; what fits the L2 cache is read from there. Cold: as many copies of the operands in turn as are
twice the L2 cache together, so that each launch reads memory; only for cases that reach this with at most MOST_LAUNCHES launches.
"""

from __future__ import annotations

import numpy as np

from kerasgpu.engine.recorder import Recorder
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.plans.plan import HostPlan

MOST_LAUNCHES = 256  # of one graph
L2_CACHE = 38  # CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE


class OnHost(Exception):
    """Part of the case has no kernel on the GPU."""


def l2_bytes() -> int:
    library = getattr(drivers.current(), "cuda", None)
    return library.attribute(0, L2_CACHE) if library is not None else 1 << 20


def seconds(run, launches: int) -> float:
    """Of one launch, of `launches` that `run` starts."""
    queue = drivers.current().compute_queue(0)
    begin = queue.record(timed=True)
    run()
    end = queue.record(timed=True)
    end.wait()
    return end.since(begin) / launches


class OnDevice:
    """The launches of a case. `calls`: what the case ran on the CPU."""

    def __init__(self, case):
        self.driver = drivers.current()
        recorder = Recorder()
        with recorder:
            case.ours()
        self.calls = recorder.calls
        self._plans = []
        for call in self.calls:
            name = call.kernel if isinstance(call.kernel, str) else getattr(call.kernel, "__name__", "a host function")
            if name is not call.kernel:
                raise OnHost(name)
            inputs, outputs = ([b.array for b in side] for side in (call.inputs, call.outputs))
            plan = cuda.plan_for(name, cuda.signature(inputs), cuda.signature(outputs), call.spec, repeated=True)
            if type(plan) is HostPlan:
                raise OnHost(name)
            self._plans.append(plan)
        self.driver.prepare([one for p in self._plans for one in p.launches], 0)
        need = max([1, *(p.scratch for p in self._plans)])
        self._scratch = self.driver.empty((need,), np.dtype("uint8"), 0)
        buffers = {id(b): b for c in self.calls for b in (*c.inputs, *c.outputs)}
        self._hosts = {k: b.array for k, b in buffers.items()}
        self.bytes = sum(a.nbytes for a in self._hosts.values())
        self.launches = sum(len(p.launches) for p in self._plans)

    def inputs(self):
        """The arrays that the first kernel read, on the CPU."""
        return [b.array for b in self.calls[0].inputs]

    def _once(self):
        """(function, launch, parameters) of one run on a fresh copy of the operands, and the copy."""
        copies = {k: self.driver.put(a, 0) for k, a in self._hosts.items()}
        at = {k: self.driver.address(a) for k, a in copies.items()}
        found = []
        for call, plan in zip(self.calls, self._plans):
            ins, outs = [at[id(b)] for b in call.inputs], [at[id(b)] for b in call.outputs]
            for function, one in zip(cuda.functions(self.driver, plan, 0), plan.launches):
                found.append((function, one, one.fill(ins, outs, self.driver.address(self._scratch))))
        return found, copies

    def warm(self, budget: float):
        """(graph.run, runs of the case in it): about `budget` seconds of work."""
        once, self._kept = self._once()
        took = seconds(self.driver.graph(once, 0).run, 1)
        took = min(took, seconds(self.driver.graph(once, 0).run, 1))  # the first one loads the kernels
        runs = max(1, min(MOST_LAUNCHES // max(1, self.launches), int(budget / max(took, 1e-7))))
        return self.driver.graph(once * runs, 0).run, runs

    def cold(self, l2: int):
        """The same with copies of the operands in turn; None for cases too small to leave the cache."""
        runs = max(2, -(-2 * l2 // max(self.bytes, 1)))
        if runs * self.launches > MOST_LAUNCHES:
            return None
        sets = [self._once() for _ in range(runs)]
        self._cold_kept = [copies for _, copies in sets]
        return self.driver.graph([one for launches, _ in sets for one in launches], 0).run, runs
