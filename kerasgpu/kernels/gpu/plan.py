"""Planners: from the name, operands and parameters of a kernel call to the launches that do it.

A planner is a function of a `Call` (dtypes and bytes of the operands, ints, floats; no addresses), checks it as the C++ kernel of
csrc/cpu does, and returns a `Plan`. It is pure Python without a GPU, and plans are cached by signature, so it runs once for each
shape. Addresses are filled in at every launch.

    @planner("copy")
    def _copy(call):
        call.expect(1, 1, 0, 0)
        n = call.output_count(0)
        params = Params().input(0).output(0).i64(n)
        return Plan([Launch("copy.cu", "copy", {"T": call.out[0].type}, grid_for(n), 256, params)])
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

# name -> (bytes, type in dev.cuh and types.cuh, number in csrc/cpu/kernel.h)
DTYPES = {
    "bool": (1, "bool", 0),
    "uint8": (1, "uint8_t", 1),
    "int8": (1, "int8_t", 2),
    "uint16": (2, "uint16_t", 3),
    "int16": (2, "int16_t", 4),
    "uint32": (4, "uint32_t", 5),
    "int32": (4, "int32_t", 6),
    "uint64": (8, "uint64_t", 7),
    "int64": (8, "int64_t", 8),
    "float16": (2, "f16", 9),
    "bfloat16": (2, "bf16", 10),
    "float32": (4, "float", 11),
    "float64": (8, "double", 12),
}
WORDS = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t"}
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
MAX_GRID = (1 << 31) - 1
LIMIT = (1 << 63) - 1  # sizes are int64 in the kernels
IN, OUT, SCRATCH = range(3)
FREE, IDLE = "free", "idle"
# Compiler options of every kernel that rounds as the CPU does (a product and a sum are never joined), or that may be in a group.
OPTIONS = ("-fmad=false",)


@dataclass(frozen=True)
class Operand:
    """What a plan may know of an array."""

    dtype: str
    nbytes: int

    @property
    def item(self) -> int:
        return DTYPES[self.dtype][0]

    @property
    def count(self) -> int:
        return self.nbytes // DTYPES[self.dtype][0]

    @property
    def type(self) -> str:
        """The C++ type."""
        return DTYPES[self.dtype][1]

    @property
    def word(self) -> str:
        """The unsigned integer of the same size."""
        return WORDS[DTYPES[self.dtype][0]]


class Box(NamedTuple):
    """Boxes of an array of three dims, the last contiguous, that are copied to shared memory swizzled by 128 bytes."""

    dtype: str
    sizes: tuple[int, int, int]  # of the array, the contiguous dim first
    strides: tuple[int, int]  # bytes from one element to the next of the second and third dim, multiples of 16
    box: tuple[int, int]  # elements of the first and second dim


class Params:
    """Builds the parameter struct of a kernel field by field, with C's natural alignment."""

    def __init__(self):
        self.data = bytearray()
        self.pointers: list[tuple[int, int, int, int]] = []  # offset in the struct, IN/OUT/SCRATCH, number, bytes to add
        self.maps: list[tuple[int, int, Box]] = []  # offset in the struct, number of the input, what is copied from it

    def _add(self, code: str, value) -> Params:
        size = struct.calcsize(code)
        self.data.extend(bytes(-len(self.data) % size))
        self.data.extend(struct.pack("<" + code, value))
        return self

    def _pointer(self, kind, k, offset=0):
        self._add("Q", 0)
        self.pointers.append((len(self.data) - 8, kind, k, offset))
        return self

    def input(self, k: int, offset: int = 0) -> Params:
        return self._pointer(IN, k, offset)

    def output(self, k: int, offset: int = 0) -> Params:
        return self._pointer(OUT, k, offset)

    def scratch(self, offset: int = 0) -> Params:
        return self._pointer(SCRATCH, 0, offset)

    def tensor_map(self, k: int, box: Box) -> Params:
        """128 bytes, aligned to 64, by which the GPU copies boxes of input k (csrc/cuda/tma.cuh)."""
        self.data.extend(bytes(-len(self.data) % 64))
        self.maps.append((len(self.data), k, box))
        self.data.extend(bytes(128))
        return self

    def null(self) -> Params:
        return self._add("Q", 0)

    def i64(self, *values) -> Params:
        for v in values:
            self._add("q", v)
        return self

    def u64(self, *values) -> Params:
        for v in values:
            self._add("Q", v & (1 << 64) - 1)
        return self

    def i32(self, *values) -> Params:
        for v in values:
            self._add("i", v)
        return self

    def u32(self, *values) -> Params:
        for v in values:
            self._add("I", v)
        return self

    def f64(self, *values) -> Params:
        for v in values:
            self._add("d", v)
        return self

    def f32(self, *values) -> Params:
        for v in values:
            self._add("f", v)
        return self

    def finish(self) -> bytes:
        size = 64 if self.maps else 8 if self.pointers or len(self.data) > 4 else 4
        return bytes(self.data) + bytes(-len(self.data) % size)


class Launch:
    """One kernel launch without addresses.

    Args:
        source: file of csrc/cuda.
        entry: the name given to KG_KERNEL.
        defines: {X: value}: macros KG_X that specialise the source; part of what is compiled and cached.
        grid, block: blocks and threads, numbers or tuples.
        params: a `Params` with the fields of the kernel's struct in order.
        shared: bytes of dynamic shared memory.
        text: generated code that the source includes as "generated.cuh", or None.
        options: more options for the compiler, such as "-fmad=false".
        member: how its work may be done by one block, together with other launches (group.py): FREE, any number of blocks and
            threads gives the same bits; IDLE, one block, in which more threads than it uses may stand idle; "": as it is.
    """

    __slots__ = (
        "block",
        "defines",
        "entry",
        "grid",
        "maps",
        "member",
        "options",
        "params",
        "pointers",
        "shared",
        "source",
        "text",
    )

    def __init__(self, source, entry, defines, grid, block, params: Params, shared=0, text=None, options=(), member=""):
        self.source = source
        self.entry = entry
        self.defines = tuple(sorted((f"KG_{k}", str(v)) for k, v in defines.items()))
        self.grid = _three(grid)
        self.block = _three(block)
        threads = self.block[0] * self.block[1] * self.block[2]
        if threads % 32 or not 32 <= threads <= 1024:
            raise ValueError(f"{source}: a block of {threads} threads; needs a multiple of 32 up to 1024")
        if not 0 < self.grid[0] <= MAX_GRID or not 0 < self.grid[1] <= 65535 or not 0 < self.grid[2] <= 65535:
            raise ValueError(f"{source}: a grid of {self.grid} blocks is beyond what a GPU can start")
        self.params = params.finish()
        self.pointers = tuple(params.pointers)
        self.maps = tuple(params.maps)
        self.shared = shared
        self.text = text
        self.options = tuple(options)
        self.member = member

    @property
    def module(self) -> tuple:
        """What is compiled: launches with equal modules share it."""
        return self.source, self.defines, self.text, self.options

    def fill(self, inputs, outputs, scratch: int) -> bytearray:
        """The parameter struct with addresses in place."""
        data = bytearray(self.params)
        for at, kind, k, offset in self.pointers:
            base = inputs[k] if kind == IN else outputs[k] if kind == OUT else scratch
            _pack_address(data, at, base + offset)
        if self.maps:
            from kerasgpu.kernels.gpu import driver

            for at, k, box in self.maps:
                data[at : at + 128] = driver.current().tensor_map(box, inputs[k])
        return data

    def __repr__(self):
        return f"<Launch {self.entry} {dict(self.defines)} grid={self.grid} block={self.block}>"


_pack_address = struct.Struct("<Q").pack_into


def _three(x) -> tuple[int, int, int]:
    x = tuple(x) if isinstance(x, (tuple, list)) else (x,)
    return (*x, *(1,) * (3 - len(x)))


class Plan:
    """Launches in order, and the bytes of scratch memory that they share (256-byte aligned, not cleared)."""

    __slots__ = ("launches", "prepared", "scratch")

    def __init__(self, launches: Iterable[Launch] = (), scratch: int = 0):
        self.launches = tuple(launches)
        self.scratch = scratch
        self.prepared: Any = None  # what a driver keeps with a plan: loaded functions


class HostPlan(Plan):
    """A call that has no kernel on the GPU: its operands are copied to the host, where the CPU kernel runs."""


class Call:
    """The signature of a kernel call, with the checks of csrc/cpu/kernel.h."""

    def __init__(self, name: str, inputs, outputs, ints, floats, repeated: bool = False):
        self.name = name
        self.repeated = repeated  # it will run many times: code for just this call is worth compiling
        self.inp = [Operand(*x) for x in inputs]
        self.out = [Operand(*x) for x in outputs]
        self.i = ints
        self.f = floats

    def fail(self, what: str, got, need) -> None:
        raise ValueError(f"{self.name}: {what} is {got}, needs {need}")

    def message(self, text: str) -> None:
        raise ValueError(f"{self.name}: {text}")

    def expect(self, n_in: int, n_out: int, n_i: int, n_f: int) -> None:
        if len(self.inp) != n_in:
            self.fail("number of inputs", len(self.inp), n_in)
        if len(self.out) != n_out:
            self.fail("number of outputs", len(self.out), n_out)
        if len(self.i) < n_i:
            self.fail("number of integer parameters", len(self.i), n_i)
        if len(self.f) < n_f:
            self.fail("number of float parameters", len(self.f), n_f)

    def product(self, *sizes: int) -> int:
        """Their product, refusing negative sizes and what int64 does not hold."""
        total = 1
        for n in sizes:
            total *= n
            if n < 0 or total > LIMIT:
                self.fail("size product", sizes, "sizes from 0 whose product fits in 63 bits")
        return total

    def _operand(self, side, what, k) -> Operand:
        if k >= len(side):
            self.fail(f"number of {what}s", len(side), k + 1)
        return side[k]

    def _checked(self, side, what, k, count, dtypes) -> Operand:
        found = self._operand(side, what, k)
        if dtypes is not None and found.dtype not in dtypes:
            raise ValueError(f"{self.name}: {what} {k} has dtype {found.dtype}, needs {' or '.join(dtypes)}")
        if count < 0 or found.count < count:
            self.fail(f"{what} elements", found.count, count)
        return found

    def input(self, k: int, count: int, *dtypes: str) -> Operand:
        """Input k, after checking that it holds `count` elements of one of the dtypes (any when none is given)."""
        return self._checked(self.inp, "input", k, count, dtypes or None)

    def output(self, k: int, count: int, *dtypes: str) -> Operand:
        return self._checked(self.out, "output", k, count, dtypes or None)

    def same(self, side_in: Iterable[int], side_out: Iterable[int], counts: Callable[[str, int], int]) -> Operand:
        """Checks operands of one dtype, that of output 0."""
        first = self._operand(self.out, "output", 0)
        for k in side_in:
            self.input(k, counts("in", k), first.dtype)
        for k in side_out:
            self.output(k, counts("out", k), first.dtype)
        return first

    def flag(self, k: int, low: int, high: int, what: str) -> int:
        if not low <= self.i[k] <= high:
            self.fail(what, self.i[k], f"{low} to {high}")
        return self.i[k]


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def grid_for(n: int, per_block: int = 256, most: int = 1 << 20) -> int:
    """Blocks for n elements when each block walks on with a stride of the whole grid."""
    return max(1, min(ceil_div(n, per_block), most))


_planners: dict[str, Callable[[Call], Plan]] = {}
# Which module plans a kernel; imported when the kernel is first used.
FAMILIES = {
    "elementwise": ("elementwise", "cast"),
    "movement": (
        "copy", "fill", "advance", "advance_seed", "transpose", "broadcast_to", "slice", "slice_assign", "pad", "concatenate",
        "split", "tri_mask",
    ),
    "indexing": (
        "take", "take_along_axis", "ravel_indices", "gather_rows", "store_rows", "scatter_add", "scatter_update", "scatter_max",
        "scatter_min", "one_hot", "bincount",
    ),
    "reduce": ("reduce", "scan"),
    "softmax": (
        "softmax", "log_softmax", "softmax_grad", "log_softmax_grad", "softmax_cross_entropy", "softmax_cross_entropy_grad",
        "sparse_softmax_cross_entropy", "sparse_softmax_cross_entropy_grad",
    ),
    "random": ("random", "dropout", "permutation"),
    "sorting": ("sort", "argsort", "top_k", "in_top_k", "searchsorted"),
    "optimizer": (
        "sgd", "rmsprop", "adam", "adamax", "nadam", "adagrad", "adadelta", "lion", "ftrl", "lamb", "multi_square_sum",
        "multi_clip", "ema_update",
    ),
    "gemm": ("gemm",),
    "norm": ("batch_norm", "batch_norm_apply", "batch_norm_grad", "moments"),
    "norm_rows": ("layer_norm", "layer_norm_grad"),
    "pooling": ("average_pool", "average_pool_grad", "max_pool", "max_pool_grad", "max_pool_take"),
    "conv": ("conv", "conv_input_grad", "conv_filter_grad"),
    "depthwise": ("depthwise_conv", "depthwise_input_grad", "depthwise_filter_grad"),
    "sampling": ("resample", "sample_map", "sample_grid"),
}  # fmt: skip
# Kernels without a CUDA version: their operands go to the host and back. There are none now.
ON_HOST: frozenset[str] = frozenset()
_family_of = {name: family for family, names in FAMILIES.items() for name in names}


def planner(*names: str):
    """Decorator: this function plans the kernels of these names."""

    def register(function):
        for name in names:
            _planners[name] = function
        return function

    return register


def has_planner(name: str) -> bool:
    """Whether a kernel has a twin on the GPU (or a planner that says to use the host)."""
    if name not in _planners and name in _family_of:
        import importlib

        importlib.import_module(f"kerasgpu.kernels.gpu.{_family_of[name]}")
    return name in _planners


def make_plan(name: str, inputs: tuple, outputs: tuple, ints: tuple, floats: tuple, repeated: bool = False) -> Plan:
    """The plan of a call. `inputs` and `outputs`: (dtype name, bytes) of every operand.

    Raises:
        ValueError: operands or parameters that the kernel does not accept.
        NotImplementedError: the kernel has no CUDA version.
    """
    if name in ON_HOST:
        return HostPlan()
    if not has_planner(name):
        raise NotImplementedError(
            f"kernel {name!r} has no CUDA version yet. Run this model on the CPU (with keras.device('cpu'):), or "
            "KERASGPU_DEVICE=cpu"
        )
    return _planners[name](Call(name, inputs, outputs, ints, floats, repeated))
