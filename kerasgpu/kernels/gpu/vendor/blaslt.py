"""Matrix products by cuBLASLt, NVIDIA's library, through ctypes: an alternative to our kernels that is never needed.

    product = Product("float32", True, 1, m, n, k, ...)
    driver.library_workspace(product)      bytes of scratch memory, or None: the library cannot compute it
    launch_of(product, workspace)          in a Plan, like any launch

The library thinks in columns. A row-major (r, c) matrix is a column-major (c, r) one in the same memory, so the product C = op(A) op(B)
of rows is computed as C' = op(B)' op(A)': factors swapped, m and n swapped, transpositions as they were. A bias for the columns of C is
then one for the rows of C', which is what the library's epilogue adds.

Which algorithm it takes is asked once for each product, with the alignment that all arrays have (16 bytes). Handles, descriptors and
algorithms belong to one GPU; workspace is the plan's scratch memory, so each graph, and each branch of one, has its own.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any, NamedTuple

from kerasgpu.kernels.gpu.driver import libraries
from kerasgpu.kernels.gpu.driver.launch import Params
from kerasgpu.kernels.gpu.driver.library_calls import LibraryCall, LibraryError, LibraryLaunch, OnGpu

# cudaDataType, cublasComputeType_t
_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
_COMPUTE_32F, _COMPUTE_64F, _COMPUTE_32F_TF32 = 68, 70, 77
_OP_T = 1
# cublasLtMatmulDescAttributes_t, cublasLtMatrixLayoutAttribute_t, cublasLtMatmulPreferenceAttributes_t
_TRANS_A, _TRANS_B, _EPILOGUE, _BIAS_POINTER = 3, 4, 7, 8
_BATCH_COUNT, _BATCH_STRIDE = 5, 6
_MOST_WORKSPACE, _MIN_ALIGNMENTS = 1, (5, 6, 7, 8)
_EPILOGUES = {(False, False): 1, (False, True): 2, (True, False): 4, (True, True): 6}  # (bias, relu)
_NOT_SUPPORTED = (7, 15)  # CUBLAS_STATUS_INVALID_VALUE, CUBLAS_STATUS_NOT_SUPPORTED
ALIGNMENT = 16
OLDEST = 11, 4


class Product(NamedTuple):
    """C[b] = act(alpha op(A[b]) op(B[b]) + bias) (+ C[b]), row-major; as csrc/cuda/gemm.cu, with a bias for columns only."""

    dtype: str
    tf32: bool  # float32 factors may be rounded for tensor cores
    batch: int
    m: int
    n: int
    k: int
    trans_a: bool
    trans_b: bool
    a_stride: int
    b_stride: int
    bias: bool
    relu: bool
    accumulate: bool
    alpha: float

    @property
    def library(self) -> str:
        return "cublasLt"


def launch_of(product: Product, workspace: int) -> LibraryLaunch:
    """Parameters: addresses of A, B, bias, C, workspace."""
    params = Params().input(0).input(1)
    params.input(2) if product.bias else params.null()
    params.output(0)
    params.scratch() if workspace else params.null()
    return LibraryLaunch("cublasLt", product, params, workspace)


class _Heuristic(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""

    _fields_ = [
        ("algorithm", ctypes.c_uint64 * 8),
        ("workspace", ctypes.c_size_t),
        ("state", ctypes.c_int),
        ("waves", ctypes.c_float),
        ("reserved", ctypes.c_int * 4),
    ]


class Library:
    """The loaded library. `lib`: a ctypes.CDLL, or a stand-in in tests."""

    def __init__(self, lib: Any, path: str):
        self.lib = lib
        self.path = path
        lib.cublasLtGetVersion.restype = ctypes.c_size_t
        number = lib.cublasLtGetVersion()
        self.version = number // 10000, number % 10000 // 100, number % 100

    def call(self, name: str, *arguments) -> None:
        status = getattr(self.lib, name)(*arguments)
        if status:
            raise LibraryError(name, status, f"error {status} of cuBLASLt {'.'.join(map(str, self.version))}")


def open_library(most: int) -> Library:
    """The newest cuBLASLt here whose major version is at most `most`, that of the driver.

    Raises:
        RuntimeError: there is none; the message has the pip line.
    """
    best: Library | None = None
    for path in libraries.candidates("cublasLt", (13, 12)):
        try:
            one = Library(ctypes.CDLL(path), path)
        except (OSError, AttributeError):
            continue
        if OLDEST <= one.version[:2] and one.version[0] <= most and (best is None or one.version > best.version):
            best = one
    if best is None:
        raise RuntimeError(f"cuBLASLt was not found; run: {libraries.pip_line('cublasLt', most)}")
    return best


def open_on_gpu(library: Library, capability: tuple[int, int]) -> BlasLt:
    return BlasLt(library, 32 << 20 if capability >= (9, 0) else 4 << 20)


class BlasLt(OnGpu):
    """The library on one GPU."""

    def __init__(self, library: Library, most_workspace: int):
        super().__init__()
        self.library = library
        self.most_workspace = most_workspace
        self.handle = ctypes.c_void_p()
        library.call("cublasLtCreate", ctypes.byref(self.handle))

    def _prepare(self, product: Product, workspace: int) -> Matmul | None:
        try:
            made = Matmul(self.library, self.handle, product, workspace)
        except LibraryError as error:
            if error.status in _NOT_SUPPORTED:
                return None
            raise
        return made if made.found else None


class Matmul(LibraryCall):
    """One product, ready to start with addresses."""

    def __init__(self, library: Library, handle: ctypes.c_void_p, product: Product, workspace: int):
        self.handle, self.product = handle, product
        self.found = False
        self._call = library.call
        self._made: list[tuple[str, Any]] = []  # to be destroyed
        self._lock = threading.Lock()
        p, wide = product, product.dtype == "float64"
        scalar = ctypes.c_double if wide else ctypes.c_float
        self.alpha, self.beta = scalar(p.alpha), scalar(1.0 if p.accumulate else 0.0)
        compute = _COMPUTE_64F if wide else _COMPUTE_32F_TF32 if p.dtype == "float32" and p.tf32 else _COMPUTE_32F
        self.desc = self._new("MatmulDesc", compute, 1 if wide else 0)
        # B' is the first factor, A' the second.
        self._set("MatmulDesc", self.desc, _TRANS_A, ctypes.c_int32(_OP_T * p.trans_b))
        self._set("MatmulDesc", self.desc, _TRANS_B, ctypes.c_int32(_OP_T * p.trans_a))
        self._set("MatmulDesc", self.desc, _EPILOGUE, ctypes.c_uint32(_EPILOGUES[p.bias, p.relu]))
        if p.bias:  # so that the algorithm is chosen for its alignment
            self._set("MatmulDesc", self.desc, _BIAS_POINTER, ctypes.c_void_p(ALIGNMENT))
        self.first = self._layout(*((p.k, p.n) if p.trans_b else (p.n, p.k)), p.b_stride)
        self.second = self._layout(*((p.m, p.k) if p.trans_a else (p.k, p.m)), p.a_stride)
        self.result = self._layout(p.n, p.m, p.m * p.n)
        self._choose(workspace)

    def _new(self, what: str, *arguments) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self._call(f"cublasLt{what}Create", ctypes.byref(made), *arguments)
        self._made.append((what, made))
        return made

    def _set(self, what: str, of, attribute: int, value) -> None:
        size = ctypes.c_size_t(ctypes.sizeof(value))
        self._call(f"cublasLt{what}SetAttribute", of, attribute, ctypes.byref(value), size)

    def _layout(self, rows: int, columns: int, stride: int):
        """A column-major matrix without gaps."""
        made = self._new(
            "MatrixLayout", _TYPES[self.product.dtype], ctypes.c_uint64(rows), ctypes.c_uint64(columns), ctypes.c_int64(rows)
        )
        if self.product.batch > 1:
            self._set("MatrixLayout", made, _BATCH_COUNT, ctypes.c_int32(self.product.batch))
            self._set("MatrixLayout", made, _BATCH_STRIDE, ctypes.c_int64(stride))
        return made

    def _choose(self, workspace: int) -> None:
        preference = self._new("MatmulPreference")
        self._set("MatmulPreference", preference, _MOST_WORKSPACE, ctypes.c_uint64(workspace))
        for which in _MIN_ALIGNMENTS:
            self._set("MatmulPreference", preference, which, ctypes.c_uint32(ALIGNMENT))
        best, count = _Heuristic(), ctypes.c_int(0)
        self._call(
            "cublasLtMatmulAlgoGetHeuristic", self.handle, self.desc, self.first, self.second, self.result, self.result,
            preference, 1, ctypes.byref(best), ctypes.byref(count),
        )  # fmt: skip
        self.found = count.value > 0 and best.state == 0
        self.algorithm, self.workspace = best.algorithm, best.workspace

    def start(self, params, stream: int) -> None:
        """On a stream, with the addresses of `launch_of`'s parameters."""
        a, b, bias, c, workspace = (ctypes.c_void_p(at) for at in memoryview(params).cast("Q"))
        with self._lock:  # the descriptor holds the address of the bias until the call is over
            if self.product.bias:
                self._set("MatmulDesc", self.desc, _BIAS_POINTER, bias)
            self._call(
                "cublasLtMatmul", self.handle, self.desc, ctypes.byref(self.alpha), b, self.first, a, self.second,
                ctypes.byref(self.beta), c, self.result, c, self.result, ctypes.byref(self.algorithm), workspace,
                ctypes.c_size_t(self.workspace), ctypes.c_void_p(stream),
            )  # fmt: skip

    def __del__(self):
        for what, made in reversed(self.__dict__.get("_made", ())):
            try:
                self._call(f"cublasLt{what}Destroy", made)
            except Exception:  # the process may be ending
                pass
