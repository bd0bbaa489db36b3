"""NVRTC, NVIDIA's run-time compiler, through ctypes: CUDA C++ to a cubin for one chip. Needs no GPU and no CuPy."""

from __future__ import annotations

import ctypes
import functools
from typing import NamedTuple

from kerasgpu import config
from kerasgpu.kernels.gpu.driver import libraries, sources

# Flags that every module is compiled with. Nothing is fused that the source does not fuse where -fmad=false is added.
COMMON = ("--std=c++17", "-default-device", "--ptxas-options=-v", "--diag-suppress=177,186")


def common() -> tuple[str, ...]:
    """COMMON, and what the environment adds."""
    return (*COMMON, "-DKG_EAGER") if config.early_launch() == 2 else COMMON


class CompileError(RuntimeError):
    """A kernel does not compile; the message holds the compiler's log."""


class Compiled(NamedTuple):
    image: bytes  # a cubin, or PTX where NVRTC does not know the chip
    log: str  # registers, spills and warnings
    ptx: str


class Nvrtc:
    """One loaded library."""

    def __init__(self, path: str):
        self.path = path
        self.lib = ctypes.CDLL(path)
        self.lib.nvrtcGetErrorString.restype = ctypes.c_char_p
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.version = major.value, minor.value
        count = ctypes.c_int()
        self._call("nvrtcGetNumSupportedArchs", ctypes.byref(count))
        archs = (ctypes.c_int * count.value)()
        self._call("nvrtcGetSupportedArchs", archs)
        self.archs = tuple(archs)

    def _call(self, name, *arguments):
        status = getattr(self.lib, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: {self.lib.nvrtcGetErrorString(status).decode()}")

    def _bytes(self, what, program) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        data = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", program, data)
        return data.raw

    def target(self, capability: tuple[int, int]) -> str:
        """The -arch value for a chip: with its own instructions from 9.0 on; PTX for an older chip where it is unknown."""
        number = 10 * capability[0] + capability[1]
        if number in self.archs:
            return f"sm_{number}a" if number in (90, 100) else f"sm_{number}"
        known = [a for a in self.archs if a <= number]
        if not known:
            raise RuntimeError(
                f"NVRTC {self.version[0]}.{self.version[1]} no longer supports chips of compute capability "
                f"{capability[0]}.{capability[1]}; install an older one, such as nvidia-cuda-nvrtc-cu12"
            )
        return f"compute_{max(known)}"

    def compile(self, source: str, defines: tuple, text: str | None, options: tuple, arch: str) -> Compiled:
        """Compile a file of csrc/cuda. `arch`: "sm_90a" gives a cubin, "compute_90" PTX."""
        headers = {name: content for name, content in sources.closure(source).items() if name != source}
        headers.update(sources.SYSTEM_HEADERS)
        if text is not None:
            headers["generated.cuh"] = text
        names = (ctypes.c_char_p * len(headers))(*[n.encode() for n in headers])
        texts = (ctypes.c_char_p * len(headers))(*[t.encode() for t in headers.values()])
        program = ctypes.c_void_p()
        main = sources.closure(source)[source].encode()
        self._call("nvrtcCreateProgram", ctypes.byref(program), main, source.encode(), len(headers), texts, names)
        try:
            flags = [*common(), f"-arch={arch}", *[f"-D{k}={v}" for k, v in defines], *options]
            flags_c = (ctypes.c_char_p * len(flags))(*[f.encode() for f in flags])
            status = self.lib.nvrtcCompileProgram(program, len(flags), flags_c)
            log = self._bytes("ProgramLog", program).rstrip(b"\0").decode(errors="replace")
            if status:
                why = self.lib.nvrtcGetErrorString(status).decode()
                raise CompileError(f"{source} does not compile for {arch} ({why}) with {' '.join(flags)}:\n{log}")
            ptx = self._bytes("PTX", program).rstrip(b"\0").decode(errors="replace")
            image = self._bytes("CUBIN", program) if arch.startswith("sm_") else ptx.encode() + b"\0"
            return Compiled(image, log, ptx)
        finally:
            self.lib.nvrtcDestroyProgram(ctypes.byref(program))


@functools.lru_cache(None)
def load(most: int = 99) -> Nvrtc:
    """The newest NVRTC here whose major version is at most `most`, that of the driver.

    Raises:
        RuntimeError: there is none; the message has the pip line.
    """
    best: Nvrtc | None = None
    for path in libraries.candidates("nvrtc", (13, 12)):
        try:
            one = Nvrtc(path)
        except (OSError, RuntimeError, AttributeError):
            continue
        if one.version[0] <= most and (best is None or one.version > best.version):
            best = one
    if best is None:
        line = libraries.pip_line("nvrtc", 12 if most == 99 else most)
        raise RuntimeError(f"NVRTC, NVIDIA's run-time compiler, was not found; run: {line}")
    return best
