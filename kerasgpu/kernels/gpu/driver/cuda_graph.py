"""A CUDA graph built node by node: nothing is captured from a stream that others use, so nothing can disturb it. What a library does
is a graph of its own inside.

Edges are given (`after`), or make a chain. Where the driver can (CUDA 12.3) and the chip can (9.0), an edge between two kernels is
*programmatic*: the blocks of the second are placed as soon as every block of the first has begun, and wait for its end themselves.
That hides the time between two kernels, about a microsecond.

Why this is safe. Every kernel begins with `begin_kernel()` of csrc/cuda/dev.cuh: all its threads wait until the kernels before it, by
programmatic edges, have ended and their stores can be seen, and only then touch global memory. So a kernel that has ended has waited
for its predecessors' end; they, having ended, had waited for theirs; and so on to the root, by induction along the edges. Whoever waits
for one kernel has waited for all that come before it in the graph, whatever mixture of plain and programmatic edges leads there: the
order of memory accesses is the one that plain edges give. A dependent is let in only after the wait, so at most the next kernel of
each lane is waiting on the chip, and only once all blocks of the one before are running: it cannot keep them from a place. (With
KERASGPU_PDL=2 it is let in before the wait: several kernels in a row may be waiting, each with all blocks of the one before in place, so
the first of them that still runs needs nothing that they hold.)

Only an edge that is the single one into its node is programmatic, and only between our kernels: a library's kernels need not wait.
"""

from __future__ import annotations

import ctypes

from kerasgpu.kernels.gpu.driver import libcuda
from kerasgpu.kernels.gpu.driver.interface import Graph
from kerasgpu.kernels.gpu.driver.library_calls import LibraryCall


class CudaGraph(Graph):
    """See the module docstring.

    Args:
        driver: a CupyDriver; the GPU's context is current.
        steps: (function, launch, params) of each launch.
        after: of each launch the numbers of those that it runs after; None: each runs after the one before.
    """

    def __init__(self, driver, steps, index: int, after=None):
        self.driver = driver
        self.index = index
        self.cuda = driver.cuda
        self.steps = [list(step) for step in steps]
        self.after = [(k - 1,) if k else () for k in range(len(steps))] if after is None else after
        self.graph = self.executable = 0
        self.nodes: list[int] = []
        self._build()

    def _build(self) -> None:
        if self.driver.early_launch(self.index)[0]:
            try:
                return self._build_with(True)
            except libcuda.CudaError as error:  # a driver that has the function and refuses the edges
                self.driver.forbid_early_launch(self.index, f"the driver refuses programmatic edges ({error})")
        return self._build_with(False)

    def _build_with(self, early: bool) -> None:
        self._destroy()
        self.graph = self.cuda.new_graph()
        self.nodes = []
        for k, before in enumerate(self.after):
            nodes = [self.nodes[b] for b in before]
            programmatic = early and len(before) == 1 and not self._by_library(k) and not self._by_library(before[0])
            self.nodes.append(self._add(k, [] if programmatic else nodes))
            if programmatic:
                self.cuda.add_programmatic_edge(self.graph, nodes[0], self.nodes[-1])
        self.executable = self.cuda.instantiate(self.graph)

    def _by_library(self, k: int) -> bool:
        return isinstance(self.steps[k][0], LibraryCall)

    def _capture(self, k: int) -> int:
        """What a library does, as a graph: on a stream that no one else has."""
        call, _, params = self.steps[k]
        return self.cuda.capture(lambda stream: call.start(params, stream))

    def _add(self, k: int, before: list[int]) -> int:
        if self._by_library(k):
            child = self._capture(k)
            try:
                return self.cuda.add_child(self.graph, before, child)
            finally:
                self.cuda.destroy(child, 0)
        node, _alive = self._node(k)
        return self.cuda.add_kernel(self.graph, before, node)

    def _node(self, k: int):
        function, launch, params = self.steps[k]
        return libcuda.kernel_node(function, launch, (ctypes.c_char * len(params)).from_buffer(params))

    def update(self, k, params):
        self.steps[k][2] = params
        if self._by_library(k):
            return self._update_child(k)
        node, _alive = self._node(k)
        self.cuda.update_kernel(self.executable, self.nodes[k], node)

    def _update_child(self, k: int) -> None:
        child = self._capture(k)
        try:
            self.cuda.update_child(self.executable, self.nodes[k], child)
        except libcuda.CudaError:  # the library started other kernels this time
            self._build()
        finally:
            self.cuda.destroy(child, 0)

    def run(self):
        self.driver.start(self.executable, self.index)

    def _destroy(self) -> None:
        graph, executable, self.graph, self.executable = self.graph, self.executable, 0, 0
        self.cuda.destroy(graph, executable)

    def __del__(self):
        try:
            self._destroy()
        except Exception:  # the process may be ending
            pass
