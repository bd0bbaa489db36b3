"""The CUDA driver library through ctypes: what a driver needs and CuPy does not offer (exact cubins, graphs built node by node)."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

from kerasgpu.kernels.gpu.driver.launch import Box

MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
MULTIPROCESSORS = 16
NON_BLOCKING, RELAXED = 1, 2  # CU_STREAM_NON_BLOCKING, CU_STREAM_CAPTURE_MODE_RELAXED: a library may load its kernels meanwhile
NO_MEMORY, NO_DEVICE, NO_IMAGE = 2, 100, 209


TENSOR_MAP_TYPES = {"float16": 6, "float32": 7, "bfloat16": 9}  # CUtensorMapDataType


class CudaError(RuntimeError):
    """A call of the driver failed."""

    def __init__(self, name, status, text):
        super().__init__(f"{name}: {text}")
        self.status = status


class KernelNode(ctypes.Structure):
    """CUDA_KERNEL_NODE_PARAMS_v2."""

    _fields_ = [
        ("function", ctypes.c_void_p),
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared", ctypes.c_uint),
        ("params", ctypes.POINTER(ctypes.c_void_p)),
        ("extra", ctypes.c_void_p),
        ("kernel", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    ]


class EdgeData(ctypes.Structure):
    """CUgraphEdgeData: of the node before, which moment is waited for."""

    _fields_ = [
        ("from_port", ctypes.c_ubyte),
        ("to_port", ctypes.c_ubyte),
        ("type", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte * 5),
    ]


# CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC, CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC: all blocks have let dependents come, or ended.
PROGRAMMATIC = EdgeData(1, 0, 1)


def open_library() -> Any:
    """libcuda. Raises OSError where no driver is installed."""
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


class LibCuda:
    """Calls of the driver with errors as exceptions. `lib`: the library, or a stand-in in tests."""

    def __init__(self, lib):
        self.lib = lib

    def call(self, name: str, *arguments) -> None:
        status = getattr(self.lib, name)(*arguments)
        if status:
            raise CudaError(name, status, self.text(status))

    def has(self, name: str) -> bool:
        """Whether this driver has a function; those of newer drivers are looked up before they are used."""
        try:
            return getattr(self.lib, name) is not None
        except AttributeError:
            return False

    def text(self, status: int) -> str:
        text = ctypes.c_char_p()
        if self.lib.cuGetErrorString(status, ctypes.byref(text)) or not text.value:
            return f"error {status}"
        return text.value.decode()

    def initialize(self) -> None:
        self.call("cuInit", 0)

    def driver_version(self) -> tuple[int, int]:
        """The newest CUDA that the driver runs."""
        n = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(n))
        return n.value // 1000, n.value % 1000 // 10

    def device_count(self) -> int:
        n = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(n))
        return n.value

    def attribute(self, index: int, which: int) -> int:
        n = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(n), which, index)
        return n.value

    def capability(self, index: int) -> tuple[int, int]:
        return self.attribute(index, CAPABILITY_MAJOR), self.attribute(index, CAPABILITY_MINOR)

    def device_name(self, index: int) -> str:
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, 256, index)
        return name.value.decode(errors="replace")

    def memory(self) -> tuple[int, int]:
        """(free, total) bytes of the current context's GPU."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    # -- modules and launches -----------------------------------------------------------------------------------
    def load_module(self, image: bytes) -> int:
        module = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), image)
        return module.value or 0

    def function(self, module: int, name: str, shared: int) -> int:
        """A kernel of a module, allowed `shared` bytes of dynamic shared memory."""
        found = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(found), ctypes.c_void_p(module), name.encode())
        if shared > 48 << 10:
            self.call("cuFuncSetAttribute", found, MAX_DYNAMIC_SHARED, shared)
        return found.value or 0

    def launch(self, function: int, grid, block, shared: int, stream: int, params) -> None:
        """`params`: a ctypes buffer, the kernel's only argument."""
        argument = (ctypes.c_void_p * 1)(ctypes.addressof(params))
        self.call(
            "cuLaunchKernel", ctypes.c_void_p(function), *grid, *block, shared, ctypes.c_void_p(stream), argument, None
        )  # fmt: skip

    def tensor_map(self, box: Box, address: int) -> bytes:
        """A CUtensorMap. It must lie at a multiple of 64 bytes while it is made, and where the GPU reads it."""
        room = ctypes.create_string_buffer(128 + 64)
        at = -(-ctypes.addressof(room) // 64) * 64
        sizes, strides = (ctypes.c_uint64 * 3)(*box.sizes), (ctypes.c_uint64 * 2)(*box.strides)
        shape, steps = (ctypes.c_uint32 * 3)(*box.box, 1), (ctypes.c_uint32 * 3)(1, 1, 1)
        # 3 dims; no interleaving, swizzle of 128 bytes, 256 bytes at a time to L2, zeros outside
        self.call(
            "cuTensorMapEncodeTiled", ctypes.c_void_p(at), TENSOR_MAP_TYPES[box.dtype], 3, ctypes.c_void_p(address), sizes, strides,
            shape, steps, 0, 3, 3, 0,
        )  # fmt: skip
        return ctypes.string_at(at, 128)

    # -- graphs -------------------------------------------------------------------------------------------------
    def new_graph(self) -> int:
        graph = ctypes.c_void_p()
        self.call("cuGraphCreate", ctypes.byref(graph), 0)
        return graph.value or 0

    def add_kernel(self, graph: int, after: list[int], node: KernelNode) -> int:
        """Append a kernel node that runs after the given ones; the parameters are copied."""
        made = ctypes.c_void_p()
        before = (ctypes.c_void_p * max(1, len(after)))(*after)
        self.call(
            "cuGraphAddKernelNode_v2", ctypes.byref(made), ctypes.c_void_p(graph), before, ctypes.c_size_t(len(after)),
            ctypes.byref(node),
        )  # fmt: skip
        return made.value or 0

    def add_programmatic_edge(self, graph: int, before: int, after: int) -> None:
        """Kernel node `after` may be placed early and waits for `before` itself. One edge a call: given several edges at once, drivers
        took the data of the first for all of them."""
        self.call(
            "cuGraphAddDependencies_v2", ctypes.c_void_p(graph), ctypes.byref(ctypes.c_void_p(before)),
            ctypes.byref(ctypes.c_void_p(after)), ctypes.byref(PROGRAMMATIC), ctypes.c_size_t(1),
        )  # fmt: skip

    def capture(self, start: Callable[[int], None]) -> int:
        """What a library does on a stream, as a graph of its own; `start` gets the stream."""
        stream, graph = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(stream), NON_BLOCKING)
        try:
            self.call("cuStreamBeginCapture_v2", stream, RELAXED)
            try:
                start(stream.value or 0)
            except BaseException:
                self.lib.cuStreamEndCapture(stream, ctypes.byref(graph))
                raise
            self.call("cuStreamEndCapture", stream, ctypes.byref(graph))
        finally:
            self.call("cuStreamDestroy_v2", stream)
        return graph.value or 0

    def add_child(self, graph: int, after: list[int], child: int) -> int:
        """Append a node that is a copy of a graph."""
        made = ctypes.c_void_p()
        before = (ctypes.c_void_p * max(1, len(after)))(*after)
        self.call(
            "cuGraphAddChildGraphNode", ctypes.byref(made), ctypes.c_void_p(graph), before, ctypes.c_size_t(len(after)),
            ctypes.c_void_p(child),
        )  # fmt: skip
        return made.value or 0

    def update_child(self, executable: int, made: int, child: int) -> None:
        """The node gets the parameters of a graph of the same form."""
        self.call(
            "cuGraphExecChildGraphNodeSetParams", ctypes.c_void_p(executable), ctypes.c_void_p(made), ctypes.c_void_p(child)
        )

    def instantiate(self, graph: int) -> int:
        executable = ctypes.c_void_p()
        self.call("cuGraphInstantiateWithFlags", ctypes.byref(executable), ctypes.c_void_p(graph), ctypes.c_ulonglong(0))
        return executable.value or 0

    def update_kernel(self, executable: int, made: int, node: KernelNode) -> None:
        self.call("cuGraphExecKernelNodeSetParams_v2", ctypes.c_void_p(executable), ctypes.c_void_p(made), ctypes.byref(node))

    def run_graph(self, executable: int, stream: int) -> None:
        self.call("cuGraphLaunch", ctypes.c_void_p(executable), ctypes.c_void_p(stream))

    def destroy(self, graph: int, executable: int) -> None:
        if executable:
            self.call("cuGraphExecDestroy", ctypes.c_void_p(executable))
        if graph:
            self.call("cuGraphDestroy", ctypes.c_void_p(graph))


def kernel_node(function: int, launch, params) -> tuple[KernelNode, Any]:
    """The node of a launch, and what must stay alive while it is used."""
    argument = (ctypes.c_void_p * 1)(ctypes.addressof(params))
    node = KernelNode(function=function, shared=launch.shared, params=argument)
    node.grid[:] = launch.grid
    node.block[:] = launch.block
    return node, (argument, params)
