"""Launches that a library of NVIDIA does in place of a kernel of ours, and which libraries are here. None is ever needed.

Which libraries there are is said by the folder above this one, kernels/gpu/vendor, through `register`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.launch import Launch, Params


class LibraryError(RuntimeError):
    """A call of a library failed; `status` is the number that it gave."""

    def __init__(self, name: str, status: int, text: str):
        super().__init__(f"{name}: {text}")
        self.status = status


class LibraryLaunch(Launch):
    """A launch that a library does.

    Args:
        library: "cublasLt" or "cudnn".
        work: what it computes, hashable: a blaslt.Product or a cudnn.Convolution.
        workspace: bytes that it may use of the plan's scratch memory.
    """

    __slots__ = ("library", "work", "workspace")

    def __init__(self, library: str, work, params: Params, workspace: int):
        super().__init__(library, "library", {}, 132, 1024, params)
        self.library = library
        self.work = work
        self.workspace = workspace


class LibraryCall:
    """A LibraryLaunch made ready on one GPU: what a driver keeps in place of a kernel."""

    workspace = 0  # bytes that it uses

    def start(self, params, stream: int) -> None:
        """On a stream, with the addresses of the launch's parameters."""
        raise NotImplementedError


class OnGpu:
    """A library on one GPU: a handle, and what was made ready. The GPU's context is current in every thread that calls."""

    most_workspace = 0

    def __init__(self):
        self._found: dict[tuple, LibraryCall | None] = {}
        self._lock = threading.Lock()

    def ready(self, work, workspace: int) -> LibraryCall | None:
        """With at most so many bytes of workspace; None when the library has no way to compute it."""
        key = work, workspace
        with self._lock:
            if key not in self._found:
                self._found[key] = self._prepare(work, workspace)
            return self._found[key]

    def _prepare(self, work, workspace: int) -> LibraryCall | None:
        raise NotImplementedError


_libraries: dict[str, Callable[[], Any]] = {}


def register(name: str, load: Callable[[], Any]) -> None:
    """Make a library known to drivers.

    Args:
        name: what a `LibraryLaunch` calls it.
        load: imports and returns its module, which has open_library(major version of CUDA) and open_on_gpu(library, capability).
    """
    _libraries[name] = load


class Vendor:
    """The libraries of a CupyDriver."""

    def __init__(self, driver):
        self.driver = driver
        self.found: dict[str, tuple[Any, str]] = {}  # name -> (library, why there is none)
        self.on_gpu: dict[tuple[str, int], OnGpu] = {}

    def library(self, name: str) -> tuple[Any, str]:
        """(the loaded library, "") or (None, a sentence with the pip line)."""
        if name not in self.found:
            try:
                self.found[name] = _libraries[name]().open_library(self.driver.cuda.driver_version()[0]), ""
            except RuntimeError as error:
                self.found[name] = None, str(error)
        return self.found[name]

    def _on(self, name: str, index: int) -> OnGpu:
        made = self.on_gpu.get((name, index))
        if made is None:
            library, problem = self.library(name)
            if library is None:
                raise RuntimeError(problem)
            made = _libraries[name]().open_on_gpu(library, self.driver.cuda.capability(index))
            self.on_gpu[name, index] = made
        return made

    def workspace(self, work) -> int | None:
        """Bytes of workspace that a library wants for some work on the GPU that is planned for; None when it cannot do it."""
        if self.library(work.library)[1]:
            return None
        index = drivers.planned_gpu() or 0
        with self.driver.on(index):
            there = self._on(work.library, index)
            call = there.ready(work, there.most_workspace)
        return None if call is None else call.workspace

    def ready(self, launch: LibraryLaunch, index: int) -> LibraryCall:
        with self.driver.on(index):
            call = self._on(launch.library, index).ready(launch.work, launch.workspace)
        if call is None:
            raise RuntimeError(
                f"{launch.library} on gpu:{index} has no way to compute {launch.work}; where it was planned it has"
            )
        return call
