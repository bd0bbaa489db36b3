"""The real driver: memory and streams from CuPy, kernels by NVRTC, launches and graphs by the CUDA driver library."""

from __future__ import annotations

import ctypes
import functools
import gc
import threading

import numpy as np

from kerasgpu import config
from kerasgpu.kernels.gpu.driver import diagnosis, exchange, libcuda, nvrtc, transfer
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.cuda_graph import CudaGraph
from kerasgpu.kernels.gpu.driver.interface import Driver
from kerasgpu.kernels.gpu.driver.library_calls import LibraryLaunch, Vendor
from kerasgpu.kernels.gpu.driver.modules import Modules

OLDEST_DRIVER = 12, 0
OLDEST_CAPABILITY = 7, 5
EDGE_DATA_DRIVER = 12, 3  # the first whose graphs have programmatic edges


class CupyDriver(Driver):
    """See the module docstring. CuPy and libcuda are loaded when a GPU is first asked for."""

    def __init__(self, open_library=libcuda.open_library):
        self._open = open_library
        self._modules: dict[int, Modules] = {}
        self._maps: dict = {}  # (Box, address) -> bytes
        self._pools: dict = {}
        self._peak: dict[int, int] = {}
        self._total: dict[int, int] = {}
        self._allocations: dict[int, int] = {}
        self._copies: dict[int, transfer.CupyQueue] = {}
        self._threads = threading.local()
        self._early: dict[int, tuple[bool, str]] = {}
        self.vendor = Vendor(self)

    @functools.cached_property
    def cuda(self) -> libcuda.LibCuda:
        cuda = libcuda.LibCuda(self._open())
        cuda.initialize()
        return cuda

    @functools.cached_property
    def cupy(self):
        import cupy

        return cupy

    @functools.cached_property
    def _count(self) -> tuple[int, str]:
        try:
            cuda = self.cuda
            version = cuda.driver_version()
        except OSError:
            return 0, "no NVIDIA driver is installed (libcuda was not found)"
        except libcuda.CudaError as error:
            return 0, f"the NVIDIA driver does not start ({error})"
        if version < OLDEST_DRIVER:
            return 0, (
                f"the NVIDIA driver is too old: it runs CUDA {version[0]}.{version[1]}, needed is {OLDEST_DRIVER[0]}."
                f"{OLDEST_DRIVER[1]} or newer; update the driver"
            )
        try:
            count = cuda.device_count()
        except libcuda.CudaError as error:
            return 0, f"the driver lists no GPU ({error})"
        if not count:
            return 0, "the driver lists no GPU"
        if cuda.capability(0) < OLDEST_CAPABILITY:
            return (
                0,
                f"{cuda.device_name(0)} is too old: compute capability {cuda.capability(0)}, needed is {OLDEST_CAPABILITY}",
            )
        return self._with_libraries(count, version)

    def _with_libraries(self, count, version):
        try:
            cupy = self.cupy
            built = cupy.cuda.runtime.runtimeGetVersion() // 1000
        except ImportError:
            return 0, f"CuPy is not installed; run: {diagnosis.install_line(version[0])}"
        except Exception as error:  # a broken CuPy raises many things
            return 0, f"CuPy does not work here ({error}); run: {diagnosis.install_line(version[0])}"
        if built > version[0]:
            return 0, (
                f"CuPy is built for CUDA {built}, the driver runs CUDA {version[0]}.{version[1]}; run: pip uninstall -y "
                f"cupy-cuda{built}x && {diagnosis.install_line(version[0])}"
            )
        if int(cupy.__version__.split(".")[0]) < 14:
            return 0, f"CuPy {cupy.__version__} is too old, needed is 14 or newer; run: {diagnosis.install_line(version[0])}"
        try:
            nvrtc.load(version[0])
        except RuntimeError as error:
            return 0, str(error)
        return count, ""

    def count(self):
        return self._count

    @functools.cached_property
    def _chips(self) -> list[tuple[tuple[int, int], str]]:
        return [(self.cuda.capability(k), self.cuda.device_name(k)) for k in range(self.count()[0])]

    def chip(self, index):
        return self._chips[index]

    def capability(self):
        planned = drivers.planned_gpu()
        if planned is not None:
            return self._chips[planned][0]
        return min((capability for capability, _ in self._chips), default=super().capability())

    # -- memory -------------------------------------------------------------------------------------------------
    def _pool(self, index):
        pool = self._pools.get(index)
        if pool is None:
            pool = self._pools[index] = self.cupy.cuda.MemoryPool()
        return pool

    def empty(self, shape, dtype, index):
        cupy = self.cupy
        dtype = np.dtype(dtype)
        nbytes = dtype.itemsize
        for n in shape:
            nbytes *= n
        pool = self._pool(index)
        with cupy.cuda.Device(index):
            try:
                memory = pool.malloc(nbytes)
            except cupy.cuda.memory.OutOfMemoryError:
                memory = self._after_emptying(pool, nbytes, shape, dtype, index)
            self._peak[index] = max(self._peak.get(index, 0), pool.used_bytes())
            total = pool.total_bytes()
            if total > self._total.get(index, 0):  # the pool asked the system
                self._allocations[index] = self._allocations.get(index, 0) + 1
            self._total[index] = total
            return cupy.ndarray(shape, dtype, memptr=memory)

    def _after_emptying(self, pool, nbytes, shape, dtype, index):
        gc.collect()  # tensors in cycles of references
        pool.free_all_blocks()
        self.cupy.get_default_memory_pool().free_all_blocks()
        try:
            return pool.malloc(nbytes)
        except self.cupy.cuda.memory.OutOfMemoryError:
            free, total = self.cuda.memory()
            held = pool.used_bytes()
            raise MemoryError(
                f"gpu:{index} is out of memory: an array of shape {tuple(shape)}, {dtype}, needs {nbytes} bytes; {free} of {total} "
                f"bytes are free, {held} are held by kerasgpu's tensors. Use a smaller batch or model, or free other programs' memory"
            ) from None

    def put(self, array, index):
        made = self.empty(array.shape, array.dtype, index)
        with self.cupy.cuda.Device(index):
            if isinstance(array, np.ndarray):
                made.set(np.ascontiguousarray(array).reshape(array.shape))
            elif array.nbytes:
                whole = array if array.flags.c_contiguous else array.copy(order="C")
                made.data.copy_from_device_async(whole.data, whole.nbytes, self.cupy.cuda.get_current_stream())
        return made

    def address(self, array):
        return array.data.ptr

    def index_of(self, array):
        return array.device.id

    def memory_stats(self, index):
        pool = self._pool(index)
        used, total = pool.used_bytes(), pool.total_bytes()
        return {
            "in_use": used,
            "cached": total - used,
            "peak": max(used, self._peak.get(index, 0)),
            "allocations": self._allocations.get(index, 0),
        }

    def free_memory(self, index):
        with self.cupy.cuda.Device(index):
            self.cupy.cuda.runtime.free(0)
            return self.cuda.memory()[0] + self._pool(index).free_bytes()

    def empty_cache(self):
        for index, pool in self._pools.items():
            with self.cupy.cuda.Device(index):
                pool.free_all_blocks()
            self._total[index] = pool.total_bytes()
        if self._pools:
            self.cupy.get_default_pinned_memory_pool().free_all_blocks()

    # -- copies and other libraries -----------------------------------------------------------------------------
    def pinned(self, nbytes):
        return transfer.cupy_pinned(self.cupy, nbytes)

    def compute_queue(self, index):
        return transfer.CupyQueue(self.cupy, index)

    def copy_queue(self, index):
        found = self._copies.get(index)
        if found is None:
            found = self._copies[index] = transfer.cupy_copy_queue(self.cupy, index)
        return found

    def adopt(self, array):
        return exchange.cupy_array(self.cupy, array)

    # -- kernels ------------------------------------------------------------------------------------------------
    def modules(self, index) -> Modules:
        found = self._modules.get(index)
        if found is None:
            compiler = nvrtc.load(self.cuda.driver_version()[0])
            found = self._modules[index] = Modules(self.cuda, compiler, compiler.target(self.cuda.capability(index)))
        return found

    def prepare(self, launches, index):
        self.modules(index).compile_all([one for one in launches if not isinstance(one, LibraryLaunch)])

    def library_problem(self, name):
        return self.vendor.library(name)[1]

    def library_workspace(self, work):
        return self.vendor.workspace(work)

    def on(self, index):
        """A GPU and its context, current in this thread for a `with`."""
        self._enter(index)
        return self.cupy.cuda.Device(index)

    def tensor_map(self, box, address):
        found = self._maps.get((box, address))
        if found is None:
            if len(self._maps) >= 1024:
                self._maps.clear()
            found = self._maps[box, address] = self.cuda.tensor_map(box, address)
        return found

    def _enter(self, index):
        """Make a GPU's context current in this thread, once: modules, launches and graphs belong to it."""
        ready = self._threads.__dict__.setdefault("ready", set())
        if index not in ready:
            with self.cupy.cuda.Device(index):
                self.cupy.cuda.runtime.free(0)
            ready.add(index)

    def function(self, launch, index):
        self._enter(index)
        if isinstance(launch, LibraryLaunch):
            return self.vendor.ready(launch, index)
        with self.cupy.cuda.Device(index):
            return self.modules(index).function(launch)

    def stream(self) -> int:
        return self.cupy.cuda.get_current_stream().ptr

    def run(self, function, launch, params, index):
        self._enter(index)
        if index == self.cupy.cuda.runtime.getDevice():
            self._start(function, launch, params)
        else:
            with self.cupy.cuda.Device(index):
                self._start(function, launch, params)

    def _start(self, function, launch, params):
        if isinstance(launch, LibraryLaunch):
            function.start(params, self.stream())
        else:
            buffer = (ctypes.c_char * len(params)).from_buffer(params)
            self.cuda.launch(function, launch.grid, launch.block, launch.shared, self.stream(), buffer)

    def graph(self, steps, index, after=None):
        self._enter(index)
        with self.cupy.cuda.Device(index):
            return CudaGraph(self, steps, index, after)

    def start(self, executable: int, index: int) -> None:
        """Start a graph on the current stream of its GPU."""
        self._enter(index)
        if index == self.cupy.cuda.runtime.getDevice():
            self.cuda.run_graph(executable, self.stream())
        else:
            with self.cupy.cuda.Device(index):
                self.cuda.run_graph(executable, self.stream())

    def early_launch(self, index: int) -> tuple[bool, str]:
        """Whether kernels of graphs may be placed before the kernel before them has ended, and if not: why."""
        found = self._early.get(index)
        if found is None:
            found = self._early[index] = self._early_launch(index)
        return found

    def _early_launch(self, index):
        if not config.early_launch():
            return False, "KERASGPU_PDL=0"
        version = self.cuda.driver_version()
        if version < EDGE_DATA_DRIVER or not self.cuda.has("cuGraphAddDependencies_v2"):
            return (
                False,
                f"the driver runs CUDA {version[0]}.{version[1]}, needed is {EDGE_DATA_DRIVER[0]}.{EDGE_DATA_DRIVER[1]}",
            )
        arch = self.modules(index).arch
        if int("".join(c for c in arch if c.isdigit())) < 90:
            return False, f"kernels compiled for {arch} cannot wait for each other, from 9.0 on they can"
        return True, ""

    def forbid_early_launch(self, index: int, why: str) -> None:
        self._early[index] = False, why

    def synchronize(self, index):
        with self.cupy.cuda.Device(index):
            self.cupy.cuda.get_current_stream().synchronize()

    def info(self):
        return diagnosis.describe(self)
