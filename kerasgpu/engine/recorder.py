"""Recorder: listens to every kernel launch of one step and writes down a list of calls over numbered buffers."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from kerasgpu.config.installed import cuda
from kerasgpu.engine import forks
from kerasgpu.kernels import launch
from kerasgpu.kernels import spec as specs
from kerasgpu.kernels.spec import NOTHING

_one_at_a_time = forks.Lock()  # another thread's recording is waited for


@dataclass(eq=False)
class Buffer:
    """One piece of device memory. `temporary` ones were allocated by the step itself and can be placed anywhere."""

    array: Any
    temporary: bool

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def dtype(self):
        return self.array.dtype


@dataclass(eq=False)
class Call:
    """One launch: the name of a kernel, or a host function, with its operands and parameters."""

    kernel: Any
    inputs: list
    outputs: list
    spec: Any = NOTHING  # its parameters: the named tuple of the kernel
    arrays: tuple = field(default=(), repr=False)  # of a host call: the arrays as passed, with their shapes

    def __repr__(self):
        name = self.kernel if isinstance(self.kernel, str) else getattr(self.kernel, "__name__", "host")
        return f"{name}({len(self.inputs)} -> {len(self.outputs)})"


def address(array) -> int:
    """Where an array's memory begins: the identity of its buffer, since tensors never hold parts of buffers."""
    if launch.is_host(array):
        return array.ctypes.data
    return cuda.address(array)


class Recorder:
    """Context manager: the kernels that run inside are executed and written down.

    `reason` says why the step cannot be replayed (it read a value on the host, say), or is None. Every array seen is kept alive, so
    that no two buffers of the step share an address. Launches of other threads are not recorded.
    """

    def __init__(self):
        self.calls: list[Call] = []
        self.buffers: dict[int, Buffer] = {}
        self.variables: dict[int, Any] = {}
        self.reason: str | None = None
        self._alive: list = []
        self._thread = threading.get_ident()
        forks.renewed(self)

    def after_fork(self):
        """In a forked process the thread that records may be gone."""
        if launch.recorder is self and self._thread != threading.get_ident():
            launch.recorder = None

    def __enter__(self):
        if launch.recorder is not None and launch.recorder._thread == self._thread:
            raise RuntimeError("a program is already being recorded")
        _one_at_a_time.acquire()
        launch.recorder = self
        return self

    def __exit__(self, *exc):
        launch.recorder = None
        _one_at_a_time.release()

    def buffer(self, array, temporary=False) -> Buffer:
        where = address(array)
        found = self.buffers.get(where)
        if found is None:
            found = self.buffers[where] = Buffer(array, temporary)
        self._alive.append(array)
        return found

    # -- what the engine tells -----------------------------------------------------------------------------------
    def __call__(self, kernel, inputs, outputs, spec):
        if threading.get_ident() != self._thread:
            return
        call = Call(kernel, [self.buffer(a) for a in inputs], [self.buffer(a) for a in outputs], spec)
        if not isinstance(kernel, str):
            call.arrays = (tuple(inputs), tuple(outputs))
            if any(a.dtype.kind == "c" for a in (*inputs, *outputs)):
                self.refuse("it uses complex numbers, which a program has no buffers for")
        else:
            specs.check(kernel, spec)
        self.calls.append(call)

    def allocated(self, array):
        if threading.get_ident() == self._thread:
            self.buffer(array, temporary=True)

    def writes(self, variable):
        if threading.get_ident() == self._thread:
            self.variables[id(variable)] = variable

    def host_read(self):
        if threading.get_ident() == self._thread:
            self.refuse("it reads the value of a tensor in Python (float(x), if x:, np.asarray(x), print)")

    def refuse(self, reason: str):
        if self.reason is None and threading.get_ident() == self._thread:
            self.reason = reason
