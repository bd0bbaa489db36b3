"""Planners: from the name, operands and parameters of a kernel call to the launches that do it.

A planner is a function of a `Call` (dtypes and bytes of the operands, the spec; no addresses), checks it as the C++ kernel of
csrc/cpu does, and returns a `Plan`. It is pure Python without a GPU, and plans are cached by signature, so it runs once for each
shape. Addresses are filled in at every launch.

    @planner("copy")
    def _copy(call):
        call.expect(1, 1)
        n = call.output_count(0)
        params = {"x": Input(0), "y": Output(0), "n": n}
        return Plan([Launch("copy.cu", "copy", {"T": call.out[0].type}, grid_for(n), 256, params)])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerasgpu import _core
from kerasgpu.kernels import spec as specs
from kerasgpu.kernels.gpu.driver.launch import Launch

# The types of dev.cuh and numeric.cuh that are not called as the dtype with "_t" behind it.
_CUDA_TYPES = {"bool": "bool", "float16": "f16", "bfloat16": "bf16", "float32": "float", "float64": "double"}
# name -> (bytes, type in CUDA, number in csrc/cpu/kernel.h)
DTYPES = {name: (size, _CUDA_TYPES.get(name, f"{name}_t"), number) for number, (name, size) in enumerate(_core.DTYPES)}
WORDS = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t"}
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = tuple(name for name in DTYPES if name not in FLOATS)
LIMIT = (1 << 63) - 1  # sizes are int64 in the kernels


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

    def __init__(self, name: str, inputs, outputs, spec, repeated: bool = False):
        specs.check(name, spec)
        self.name = name
        self.repeated = repeated  # it will run many times: code for just this call is worth compiling
        self.inp = [Operand(*x) for x in inputs]
        self.out = [Operand(*x) for x in outputs]
        self.spec: Any = spec  # the named tuple of the kernel

    def fail(self, what: str, got, need) -> None:
        raise ValueError(f"{self.name}: {what} is {got}, needs {need}")

    def message(self, text: str) -> None:
        raise ValueError(f"{self.name}: {text}")

    def expect(self, n_in: int, n_out: int) -> None:
        if len(self.inp) != n_in:
            self.fail("number of inputs", len(self.inp), n_in)
        if len(self.out) != n_out:
            self.fail("number of outputs", len(self.out), n_out)

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

    def choice(self, field: str, low: int, high: int, what: str | None = None) -> int:
        """A field of the spec, after checking its range; `what`: its name in messages."""
        value = getattr(self.spec, field)
        if not low <= value <= high:
            self.fail(what or field, value, f"{low} to {high}")
        return value


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

        importlib.import_module(f"kerasgpu.kernels.gpu.plans.{_family_of[name]}")
    return name in _planners


def make_plan(name: str, inputs: tuple, outputs: tuple, spec: tuple, repeated: bool = False) -> Plan:
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
    return _planners[name](Call(name, inputs, outputs, spec, repeated))
