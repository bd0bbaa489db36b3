"""ShimDriver: a GPU made of the CPU. The sources of csrc/cuda are compiled by g++ with shim.h and run on fibers.

Its arrays are NumPy arrays of a class of their own, so that kerasgpu treats them as GPU arrays. Memory starts as NaN, ends at a
page that may not be touched, and launches run under a schedule of warps that exposes missing barriers.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from cuda_shim.queues import Late, ShimQueue

from kerasgpu.kernels import launch
from kerasgpu.kernels.gpu.driver import exchange, sources
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.interface import Driver, Graph
from kerasgpu.kernels.gpu.driver.launch import Launch

HERE = Path(__file__).parent
PAGE = mmap.PAGESIZE
FORWARD, REVERSE, RANDOM, TURNS = range(4)
FLAGS = [
    "-std=c++17",
    "-O1",
    "-g0",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-w",
]
STACKS = 1024 * (64 << 10)
SHARED_LIMIT = 227 << 10


class BarrierError(RuntimeError):
    """Threads of a block did not meet at a barrier."""


class _Device:
    id = 0

    def __eq__(self, other):
        return other == 0 or isinstance(other, _Device)


class ShimArray(np.ndarray):
    """An array "on the GPU": NumPy's functions refuse it, as they refuse a CuPy array."""

    device = _Device()

    def get(self):
        _host_looks()
        return np.array(self.view(np.ndarray))

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.ctypes.data, False),
            "strides": None,
            "version": 3,
        }

    def set(self, value):
        _host_looks()
        self.view(np.ndarray)[...] = value

    def copy(self, order="C"):
        if launch.recorder is not None:
            raise TypeError("a copy of a GPU array that a program being recorded does not see; use kernels.movement.copy")
        made = _allocate(self.shape, self.dtype)
        drivers.current().finish()
        made.view(np.ndarray)[...] = self.view(np.ndarray)
        return made

    def astype(self, dtype, order="C", copy=True):
        raise TypeError("astype of a GPU array would compile a kernel of CuPy's; use kernels.elementwise.cast")

    def __setitem__(self, key, value):
        raise TypeError("writing to parts of a GPU array would compile a kernel of CuPy's; use set() or kernels.movement")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        raise TypeError(f"NumPy's {ufunc.__name__} on a GPU array")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"NumPy's {function.__name__} on a GPU array")


def _host_looks():
    driver = drivers.current()
    if isinstance(driver, ShimDriver):
        driver.host_copies += 1
        driver.finish()


def _allocate(shape, dtype) -> ShimArray:
    """Memory full of NaN that ends (up to 15 bytes) at a page without access."""
    dtype = np.dtype(dtype)
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if nbytes == 0:
        return np.empty(shape, dtype).view(ShimArray)
    usable = -(-nbytes // PAGE) * PAGE
    block = mmap.mmap(-1, usable + PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(block))
    _libc.mprotect(ctypes.c_void_p(base + usable), PAGE, 0)
    start = (usable - nbytes) // 16 * 16
    whole = np.frombuffer(block, np.uint8, usable)
    whole[start:] = 0xFF
    return whole[start : start + nbytes].view(dtype).reshape(shape).view(ShimArray)


_libc = ctypes.CDLL(None)


class Request(ctypes.Structure):
    _fields_ = [
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared_bytes", ctypes.c_int),
        ("params_bytes", ctypes.c_int),
        ("params", ctypes.c_void_p),
        ("stacks", ctypes.c_void_p),
        ("dynamic", ctypes.c_void_p),
        ("schedule", ctypes.c_int),
        ("seed", ctypes.c_uint),
        ("error", ctypes.c_char_p),
        ("error_site", ctypes.c_int),
    ]


def compiler() -> str | None:
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")


class ShimDriver(Late, Driver):
    """See the module docstring. `folder`: where compiled kernels are kept, default under the system's temporary folder."""

    def __init__(self, schedule=FORWARD, folder=None, root=None):
        super().__init__()
        self.schedule = schedule
        self.seed = 1
        self.folder = Path(folder or os.path.join(tempfile.gettempdir(), f"kerasgpu-shim-{os.getuid()}"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = Path(root or sources.root())
        self._libraries: dict = {}
        self._lock = threading.Lock()
        self._stacks = mmap.mmap(-1, STACKS)
        self._stacks_at = ctypes.addressof(ctypes.c_char.from_buffer(self._stacks))
        self._dynamic = mmap.mmap(-1, SHARED_LIMIT + PAGE)
        self._dynamic_at = ctypes.addressof(ctypes.c_char.from_buffer(self._dynamic))
        self._shim = "".join(f.read_text() for f in sorted(HERE.glob("*.h")))
        self.launches: list[Launch] = []  # what ran, for tests that look
        self.log = False
        self.order = None  # random.Random: launches of a graph run in any order that its edges allow
        self.host_copies = 0  # times that the host waited for a value, or gave one outside of the queues
        self.copies: list[tuple[str, int]] = []  # of the queues: direction, bytes
        self._queues = [ShimQueue(self, self.copies, in_order) for in_order in (True, False)]

    def count(self):
        return 1, ""

    # -- memory -------------------------------------------------------------------------------------------------
    def empty(self, shape, dtype, index):
        return self.keep(_allocate(tuple(shape), dtype))

    def put(self, array, index):
        self.host_copies += 1
        made = _allocate(array.shape, array.dtype)
        made.view(np.ndarray)[...] = np.asarray(array).view(np.ndarray)
        return self.keep(made)

    def synchronize(self, index):
        self.waits += 1
        self.finish()

    def address(self, array):
        return array.ctypes.data

    def index_of(self, array):
        return 0

    def memory_stats(self, index):
        return {"in_use": 0, "cached": 0, "peak": 0, "allocations": 0}

    def free_memory(self, index):
        return 1 << 30

    def empty_cache(self):
        pass

    # -- copies and other libraries -----------------------------------------------------------------------------
    def pinned(self, nbytes):
        return np.full(nbytes, 0xFF, np.uint8)

    def compute_queue(self, index):
        return self._queues[0]

    def copy_queue(self, index):
        return self._queues[1]

    def adopt(self, array):
        if isinstance(array, ShimArray):
            return array
        if not exchange.on_gpu(array):
            return None
        about = array.__cuda_array_interface__
        if about.get("strides") is not None:
            raise ValueError("the shim takes over row-major arrays only")
        count = int(np.prod(about["shape"]))
        memory = (ctypes.c_char * (count * np.dtype(about["typestr"]).itemsize)).from_address(about["data"][0])
        made = np.frombuffer(memory, about["typestr"]).reshape(about["shape"]).view(ShimArray)
        made.owner = array
        return made if exchange.usable(made, made.ctypes.data) else made.copy()

    # -- kernels ------------------------------------------------------------------------------------------------
    def _key(self, launch: Launch):
        # Headers are read from self.root, which a test may have changed.
        texts = "".join(self._read(name) for name in sorted(self._files(launch.source)))
        identity = repr((texts, self._shim, FLAGS, *launch.module))
        return hashlib.sha256(identity.encode()).hexdigest()[:40]

    def _files(self, source):
        return [source, *[p for p in sources.closure(source) if p != source]]

    def _read(self, name):
        found = self.root / "cuda" / name
        return (found if found.exists() else self.root / "common" / name).read_text()

    def build(self, launch: Launch) -> Path:
        key = self._key(launch)
        target = self.folder / f"{key}.so"
        if target.exists():
            return target
        work = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            if launch.text is not None:
                (work / "generated.cuh").write_text(launch.text)
            include = ["-I", str(work), "-I", str(HERE), "-I", str(self.root / "cuda")]
            defines = [f"-D{k}={v}" for k, v in launch.defines]
            command = [compiler(), *FLAGS, *include, *defines, "-x", "c++", str(self.root / "cuda" / launch.source)]
            done = subprocess.run([*command, "-o", str(work / "made.so")], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{launch.source} with {dict(launch.defines)} does not compile:\n{done.stderr[:4000]}")
            os.replace(work / "made.so", target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return target

    def prepare(self, launches, index):
        missing = {one.module: one for one in launches if one.module not in self._libraries}
        if len(missing) > 1:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(self.build, missing.values()))

    def tensor_map(self, box, address):
        """csrc of the shim: TensorMap of shim_tma.h; refuses what cuTensorMapEncodeTiled refuses."""
        item = np.dtype("uint16").itemsize if box.dtype != "float32" else 4
        good = address % 16 == 0 and all(s % 16 == 0 and 0 < s < 1 << 40 for s in box.strides)
        good = good and all(0 < s <= 1 << 32 for s in box.sizes) and all(0 < b <= 256 for b in box.box)
        if not good or box.box[0] * item > 128:
            raise ValueError(f"no tensor map of {box} at {address:#x}")
        return struct.pack("<6Q6I56x", address, *box.sizes, *box.strides, *box.box, 1, item, 3, 0x7E4507)

    def function(self, launch, index):
        library = self._libraries.get(launch.module)
        if library is None:
            library = self._libraries[launch.module] = ctypes.CDLL(str(self.build(launch)))
        return getattr(library, f"kg_run_{launch.entry}")

    def run(self, function, launch, params, index):
        if self.late:
            params = bytearray(params)
        self.start(lambda: self._run(function, launch, params))

    def _run(self, function, launch, params):
        if launch.shared > SHARED_LIMIT:
            raise RuntimeError(f"{launch} asks for {launch.shared} bytes of shared memory")
        if self.log:
            self.launches.append(launch)
        blob = (ctypes.c_char * max(1, len(params))).from_buffer(params)
        self.seed += 1
        request = Request(
            launch.grid, launch.block, launch.shared, len(params), ctypes.addressof(blob), self._stacks_at, self._dynamic_at,
            self.schedule, self.seed, None, 0,
        )  # fmt: skip
        with self._lock:  # one set of stacks
            failed = function(ctypes.byref(request))
        if failed:
            what = request.error.decode() if request.error else "failed"
            raise BarrierError(f"{launch}: {what} (line {request.error_site})")

    def graph(self, steps, index, after=None):
        return ShimGraph(self, steps, after)


class ShimGraph(Graph):
    """Runs its launches in any order that `after` allows: one that `driver.order` (a random.Random) draws at every run."""

    def __init__(self, driver, steps, after=None):
        self.driver = driver
        self.steps = [list(s) for s in steps]
        self.after = [(k - 1,) if k else () for k in range(len(steps))] if after is None else after
        assert len(self.after) == len(steps) and all(b < k for k, before in enumerate(self.after) for b in before)

    def update(self, k, params):
        self.steps[k][2] = params

    def drawn(self):
        waiting = {k: set(before) for k, before in enumerate(self.after)}
        while waiting:
            k = self.driver.order.choice([k for k, before in waiting.items() if not before])
            yield k
            del waiting[k]
            for before in waiting.values():
                before.discard(k)

    def run(self):
        for k in range(len(self.steps)) if self.driver.order is None else self.drawn():
            function, one, params = self.steps[k]
            self.driver.run(function, one, params, 0)
