"""What runs plans: the interface of a driver, and the one in use.

`CupyDriver` (cupy_driver.py) is the real one. Tests install another that compiles the same sources with g++ and runs them on the
CPU (tests/cuda_shim). Everything else in kerasgpu sees only this interface.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kerasgpu.kernels.gpu.driver.launch import Box, Launch
    from kerasgpu.kernels.gpu.driver.transfer import Queue


class Driver:
    """Devices, their memory, and running launches on them. `index` is the number of a GPU."""

    # Whether code for a single chain is compiled where it will run many times.
    specializes = True

    def count(self) -> tuple[int, str]:
        """How many GPUs can be used, and if none: why, in one sentence."""
        raise NotImplementedError

    def capability(self) -> tuple[int, int]:
        """Of the GPU that is planned for (`planning`); outside of that the lowest of all: what plans may count on."""
        return 9, 0

    def chip(self, index: int) -> Hashable:
        """What plans depend on: GPUs with the same answer share them."""
        return None

    # -- memory -------------------------------------------------------------------------------------------------
    def empty(self, shape, dtype, index: int):
        """An uninitialised contiguous array from the pool of a GPU."""
        raise NotImplementedError

    def put(self, array, index: int):
        """A copy of an array (host, or another GPU) on a GPU."""
        raise NotImplementedError

    def address(self, array) -> int:
        raise NotImplementedError

    def index_of(self, array) -> int:
        raise NotImplementedError

    def memory_stats(self, index: int) -> dict:
        raise NotImplementedError

    def free_memory(self, index: int) -> int:
        raise NotImplementedError

    def empty_cache(self) -> None:
        raise NotImplementedError

    # -- copies that nobody waits for (transfer.py) -------------------------------------------------------------
    def pinned(self, nbytes: int) -> np.ndarray:
        """Bytes of the host that a GPU copies from and to by itself."""
        raise NotImplementedError

    def compute_queue(self, index: int) -> Queue:
        """The queue in which kernels run."""
        raise NotImplementedError

    def copy_queue(self, index: int) -> Queue:
        """A queue for copies beside the kernels; the same one each time."""
        raise NotImplementedError

    def adopt(self, array):
        """An array of this driver's kind on the memory of a GPU array of another library; None for anything else."""
        raise NotImplementedError

    # -- kernels ------------------------------------------------------------------------------------------------
    def function(self, launch: Launch, index: int) -> Any:
        """The compiled kernel of a launch, loaded on a GPU. Compiles when it is not cached."""
        raise NotImplementedError

    def tensor_map(self, box: Box, address: int) -> bytes:
        """The 128 bytes that describe copies of boxes of the array at an address (compute capability 9.0 on)."""
        raise NotImplementedError

    def prepare(self, launches: list[Launch], index: int) -> None:
        """Compile what these launches need and is not there yet, several modules at a time."""
        for one in launches:
            self.function(one, index)

    def run(self, function, launch: Launch, params: bytearray, index: int) -> None:
        """Start a kernel after what was started before."""
        raise NotImplementedError

    def graph(self, steps: list[tuple[Any, Launch, bytearray]], index: int, after: list[tuple] | None = None) -> Graph:
        """The launches (function, launch, params) as one unit.

        after[k]: the launches, all before k, that k runs after, directly or through others. None: they run in order.
        """
        raise NotImplementedError

    def library_problem(self, name: str) -> str:
        """Why a library of NVIDIA ("cublasLt", "cudnn") cannot be used, in one sentence; empty when it can."""
        return f"{name} needs a GPU"

    def library_workspace(self, work) -> int | None:
        """Bytes of scratch memory that a library wants for a `blaslt.Product` or `cudnn.Convolution`; None: it cannot do it."""
        return None

    def synchronize(self, index: int) -> None:
        """Wait until the GPU has done all that was started."""

    def info(self) -> list[tuple[str, str]]:
        """(name, value) lines for `python -m kerasgpu info`."""
        return []


class Graph:
    """Launches frozen into one unit."""

    def update(self, k: int, params: bytearray) -> None:
        """Give launch k other parameters."""
        raise NotImplementedError

    def run(self) -> None:
        raise NotImplementedError


class _Planning(threading.local):
    index: int | None = None


_planned = _Planning()


def planned_gpu() -> int | None:
    """The number of the GPU that this thread makes a plan for."""
    return _planned.index


@contextlib.contextmanager
def planning(index: int):
    """For a `with` in which plans are made for one GPU."""
    before, _planned.index = _planned.index, index
    try:
        yield
    finally:
        _planned.index = before


_driver: Driver | None = None
_default: Callable[[], Driver] | None = None
_lock = threading.Lock()
_watchers: list[Callable[[], None]] = []


def by_default(make: Callable[[], Driver]) -> None:
    """What makes the driver that is used when none was installed. It is called when a driver is first asked for."""
    global _default
    _default = make


def current() -> Driver:
    """The driver in use; the default one (CuPy's) when none was installed."""
    global _driver
    if _driver is None:
        with _lock:
            if _driver is None:
                if _default is None:
                    raise RuntimeError("no GPU driver is there: import kerasgpu.kernels.gpu, which names the default one")
                _driver = _default()
    return _driver


def install(driver: Driver | None) -> Driver | None:
    """Use another driver (None: the default one, when next needed); returns the one before. Caches that hold its objects are cleared."""
    global _driver
    before, _driver = _driver, driver
    for forget in _watchers:
        forget()
    return before


def on_change(forget: Callable[[], None]) -> None:
    """Call `forget` whenever another driver is installed."""
    _watchers.append(forget)
