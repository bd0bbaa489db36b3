"""Convolutions by cuDNN, NVIDIA's library, through the C interface of its graphs: an alternative to our kernels that is never needed.

A convolution is a graph of one operation on tensors x, w and y; each of the three can be the result. Pixels lie as in our arrays
(channels last), filters as (filters, taps, channels), which its fast engines want; gpu/conv.py moves them there. Engines are taken in
the order of the library's own heuristics, without those that are not deterministic, or that round float32 where TF32 is off.
"""

from __future__ import annotations

import ctypes
import math
import threading
from typing import Any, NamedTuple

from kerasgpu.kernels.gpu.driver import libraries
from kerasgpu.kernels.gpu.driver.launch import Params
from kerasgpu.kernels.gpu.driver.library_calls import LibraryCall, LibraryError, LibraryLaunch, OnGpu

FORWARD, INPUT_GRAD, FILTER_GRAD = range(3)
MOST_WORKSPACE = 256 << 20
OLDEST = 9, 0
# cudnnDataType_t
_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 9}
# cudnnBackendDescriptorType_t
_CONVOLUTION, _ENGINE, _ENGINE_CONFIG, _HEURISTICS, _PLAN = 1, 2, 3, 4, 5
_OPERATION = {FORWARD: 10, FILTER_GRAD: 11, INPUT_GRAD: 12}
_GRAPH, _PACK, _TENSOR = 15, 16, 17
# cudnnBackendAttributeType_t, and the C type of an element
_HANDLE, _DATA_TYPE, _BOOLEAN, _INT64, _FLOAT, _DOUBLE, _POINTER, _MODE, _HEURISTIC_MODE, _NOTE, _DESCRIPTOR = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 15,
)  # fmt: skip
_ELEMENTS = {
    _HANDLE: ctypes.c_void_p, _DATA_TYPE: ctypes.c_int, _BOOLEAN: ctypes.c_bool, _INT64: ctypes.c_int64, _FLOAT: ctypes.c_float,
    _DOUBLE: ctypes.c_double, _POINTER: ctypes.c_void_p, _MODE: ctypes.c_int, _HEURISTIC_MODE: ctypes.c_int, _NOTE: ctypes.c_int,
    _DESCRIPTOR: ctypes.c_void_p,
}  # fmt: skip
# Attributes of an operation: alpha, beta, convolution, x, w, y.
_OF_OPERATION = {
    FORWARD: (700, 701, 702, 704, 703, 705),
    INPUT_GRAD: (706, 707, 708, 710, 709, 711),
    FILTER_GRAD: (712, 713, 714, 716, 715, 717),
}
_CROSS_CORRELATION = 1
_MODES = (3, 2)  # CUDNN_HEUR_MODE_A, then FALLBACK
_TENSOR_CORE, _DOWN_CONVERT, _NOT_DETERMINISTIC = 0, 1, 4  # numerical notes of engines
X, W, Y = 1, 2, 3  # numbers of the tensors
ALIGNMENT = 16


class Convolution(NamedTuple):
    """y = x * w with `part` saying which of them is computed from the other two; see csrc/cpu/conv.h."""

    part: int
    dtype: str
    tf32: bool
    batch: int
    channels: int
    filters: int
    groups: int
    size: tuple[int, ...]  # pixels of x
    count: tuple[int, ...]  # type: ignore[assignment]  # pixels of y; a tuple has a method of that name
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]  # rows of zeros before x
    after: tuple[int, ...]

    @property
    def library(self) -> str:
        return "cudnn"


def launch_of(work: Convolution, workspace: int, at: int) -> LibraryLaunch:
    """Parameters: addresses of x, w, y, workspace. The filters begin the scratch memory, the workspace lies `at` bytes further."""
    params = Params()
    if work.part == FORWARD:
        params.input(0).scratch().output(0)
    elif work.part == INPUT_GRAD:
        params.output(0).scratch().input(0)
    else:
        params.input(0).scratch().input(1)
    params.scratch(at) if workspace else params.null()
    return LibraryLaunch("cudnn", work, params, workspace)


class Library:
    """The loaded library. `lib`: a ctypes.CDLL, or a stand-in in tests."""

    def __init__(self, lib: Any, path: str):
        self.lib = lib
        self.path = path
        lib.cudnnGetVersion.restype = ctypes.c_size_t
        number = lib.cudnnGetVersion()
        unit = 10000 if number >= 90000 else 1000  # 9.5.1 is 90501, 8.9.7 is 8907
        self.version = number // unit, number % unit // 100, number % 100

    def call(self, name: str, *arguments) -> None:
        status = getattr(self.lib, name)(*arguments)
        if status:
            raise LibraryError(name, status, f"error {status} of cuDNN {'.'.join(map(str, self.version))}")


def open_library(most: int) -> Library:
    """A cuDNN from 9.0 on.

    Raises:
        RuntimeError: there is none; the message has the pip line.
    """
    for path in libraries.candidates("cudnn", (9,)):
        try:
            one = Library(ctypes.CDLL(path), path)
        except (OSError, AttributeError):
            continue
        if one.version[:2] >= OLDEST:
            return one
    raise RuntimeError(f"cuDNN was not found; run: {libraries.pip_line('cudnn', most)}")


def open_on_gpu(library: Library, capability: tuple[int, int]) -> Cudnn:
    return Cudnn(library)


class Cudnn(OnGpu):
    """The library on one GPU."""

    most_workspace = MOST_WORKSPACE

    def __init__(self, library: Library):
        super().__init__()
        self.library = library
        self.handle = ctypes.c_void_p()
        self.using = threading.Lock()  # the handle has one stream at a time
        library.call("cudnnCreate", ctypes.byref(self.handle))

    def _prepare(self, work: Convolution, workspace: int) -> Execution | None:
        try:
            made = Execution(self.library, self.handle, self.using, work)
            return made if made.choose(workspace) else None
        except LibraryError as error:
            if 2000 <= error.status < 4000:  # bad parameters, or not supported
                return None
            raise


class Descriptor:
    """One descriptor of the library, destroyed with this object."""

    def __init__(self, library: Library, kind: int):
        self.library = library
        self.at = ctypes.c_void_p()
        library.call("cudnnBackendCreateDescriptor", kind, ctypes.byref(self.at))
        self._holds: list = []  # what it refers to must outlive it

    def set(self, attribute: int, kind: int, *values) -> Descriptor:
        if kind == _DESCRIPTOR:
            self._holds += values
            values = tuple(v.at.value for v in values)
        array = (_ELEMENTS[kind] * len(values))(*values)
        self.library.call("cudnnBackendSetAttribute", self.at, attribute, kind, ctypes.c_int64(len(values)), array)
        return self

    def finish(self) -> Descriptor:
        self.library.call("cudnnBackendFinalize", self.at)
        return self

    def get(self, attribute: int, kind: int, most: int) -> list:
        """Values of a finished descriptor."""
        array, count = (_ELEMENTS[kind] * most)(), ctypes.c_int64()
        self.library.call(
            "cudnnBackendGetAttribute", self.at, attribute, kind, ctypes.c_int64(most), ctypes.byref(count), array
        )
        return list(array)[: count.value]

    def fill(self, attribute: int, into: list[Descriptor]) -> int:
        """Lets the library fill descriptors that were made for it; how many there are."""
        array, count = (ctypes.c_void_p * len(into))(*(d.at.value for d in into)), ctypes.c_int64()
        self.library.call(
            "cudnnBackendGetAttribute", self.at, attribute, _DESCRIPTOR, ctypes.c_int64(len(into)), ctypes.byref(count),
            array if into else None,
        )  # fmt: skip
        return count.value

    def __del__(self):
        try:
            if self.at:
                self.library.call("cudnnBackendDestroyDescriptor", self.at)
        except Exception:  # the process may be ending
            pass


def _packed(dims: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of (batch or filters, channels, pixels...) where channels lie innermost."""
    pixels = [dims[1] * math.prod(dims[k + 1 :]) for k in range(2, len(dims))]
    return dims[1] * math.prod(dims[2:]), 1, *pixels


class Execution(LibraryCall):
    """One convolution, ready to start with addresses."""

    def __init__(self, library: Library, handle: ctypes.c_void_p, using, work: Convolution):
        self.library, self.handle, self.using, self.work = library, handle, using, work
        wide = work.dtype == "float64"
        compute, scalar = (1, _DOUBLE) if wide else (0, _FLOAT)
        tensors = (
            self._tensor(X, (work.batch, work.channels, *work.size)),
            self._tensor(W, (work.filters, work.channels // work.groups, *work.kernel)),
            self._tensor(Y, (work.batch, work.filters, *work.count)),
        )
        convolution = self._new(_CONVOLUTION).set(100, _DATA_TYPE, compute).set(101, _MODE, _CROSS_CORRELATION)
        convolution.set(106, _INT64, len(work.kernel)).set(102, _INT64, *work.dilation).set(103, _INT64, *work.stride)
        convolution.set(105, _INT64, *work.before).set(104, _INT64, *work.after).finish()
        alpha, beta, of, *places = _OF_OPERATION[work.part]
        self.operation = self._new(_OPERATION[work.part]).set(alpha, scalar, 1.0).set(beta, scalar, 0.0)
        self.operation.set(of, _DESCRIPTOR, convolution)
        for place, tensor in zip(places, tensors):
            self.operation.set(place, _DESCRIPTOR, tensor)
        self.operation.finish()

    def _new(self, kind: int) -> Descriptor:
        return Descriptor(self.library, kind)

    def _tensor(self, number: int, dims: tuple[int, ...]) -> Descriptor:
        made = self._new(_TENSOR).set(901, _DATA_TYPE, _TYPES[self.work.dtype]).set(902, _INT64, *dims)
        made.set(903, _INT64, *_packed(dims)).set(906, _INT64, number).set(900, _INT64, ALIGNMENT)
        return made.finish()

    def choose(self, workspace: int) -> bool:
        """Takes the first engine that is allowed and makes a plan with so much workspace."""
        graph = self.graph = (
            self._new(_GRAPH).set(800, _HANDLE, self.handle.value).set(801, _DESCRIPTOR, self.operation).finish()
        )
        for mode in _MODES:
            try:
                heuristics = self._new(_HEURISTICS).set(201, _DESCRIPTOR, graph).set(200, _HEURISTIC_MODE, mode).finish()
            except LibraryError:
                continue
            configurations = [self._new(_ENGINE_CONFIG) for _ in range(heuristics.fill(202, []))]
            heuristics.fill(202, configurations)
            for one in configurations:
                if self._allowed(one) and self._plan(one, workspace):
                    return True
        return False

    def _allowed(self, configuration: Descriptor) -> bool:
        engine = self._new(_ENGINE)
        configuration.fill(300, [engine])
        notes = engine.get(1303, _NOTE, 16)
        exact = self.work.dtype == "float32" and not self.work.tf32
        return _NOT_DETERMINISTIC not in notes and not (exact and (_TENSOR_CORE in notes or _DOWN_CONVERT in notes))

    def _plan(self, configuration: Descriptor, workspace: int) -> bool:
        try:
            plan = self._new(_PLAN).set(400, _HANDLE, self.handle.value).set(401, _DESCRIPTOR, configuration).finish()
        except LibraryError:
            return False
        (need,) = plan.get(402, _INT64, 1)
        if need > workspace:
            return False
        self.plan, self.workspace = plan, need
        return True

    def start(self, params, stream: int) -> None:
        x, w, y, workspace = memoryview(params).cast("Q")
        pack = self._new(_PACK).set(1000, _INT64, X, W, Y).set(1001, _POINTER, x, w, y).set(1003, _POINTER, workspace)
        pack.finish()
        with self.using:
            self.library.call("cudnnSetStream", self.handle, ctypes.c_void_p(stream))
            self.library.call("cudnnBackendExecute", self.handle, self.plan.at, pack.at)
