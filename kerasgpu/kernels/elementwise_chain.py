"""Encoding of the "elementwise" kernel: opcodes, broadcasting, and chains of instructions on registers.

`csrc/cpu/elementwise.cpp` documents the integers; `build` writes them into an `ElementwiseSpec`, which reads them back as a
`ChainSpec`, so that a pass can join recorded calls into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kerasgpu import _core
from kerasgpu.kernels.spec import parameters

# name -> number of arguments, in the order of csrc/common/opcodes.h: the position is the opcode.
ARITY: dict[str, int] = dict(_core.OPCODES)
OPCODES = {name: number for number, name in enumerate(ARITY)}
NAMES = list(OPCODES)

# Operations whose result is bool whatever they compare.
PREDICATES = frozenset("isnan isinf isfinite signbit logical_not eq ne lt le gt ge logical_and logical_or logical_xor".split())

FLOAT, DOUBLE, INT64, UINT64 = range(4)
MAX_REGISTERS = 64
MAX_INSTRUCTIONS = 64
MAX_OUTPUTS = 16
MAX_DIMS = 16


def compute_type(dtype) -> int:
    """The type that the kernel computes with for arrays of `dtype`: FLOAT, DOUBLE, INT64 or UINT64."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return DOUBLE if dtype.itemsize == 8 else FLOAT
    if dtype.kind in "iub":
        return UINT64 if dtype.kind == "u" and dtype.itemsize == 8 else INT64
    return FLOAT  # bfloat16 is not one of NumPy's own kinds


def broadcast(name: str, shapes: list[tuple]) -> tuple[tuple, tuple, list[tuple]]:
    """The common shape, and the fewest dims with element strides per input that walk it (0 where an input repeats)."""
    ndim = max((len(s) for s in shapes), default=0)
    shape = [1] * ndim
    for s in shapes:
        for d, n in enumerate(s, ndim - len(s)):
            if n != 1 and shape[d] != n:
                if shape[d] != 1:
                    listed = ", ".join(str(tuple(x)) for x in shapes)
                    raise ValueError(
                        f"{name}: shapes {listed} do not broadcast; sizes must match or be 1, counted from the last"
                    )
                shape[d] = n
    strides = []
    for s in shapes:
        own, step = [0] * ndim, 1
        for d in range(ndim - 1, ndim - 1 - len(s), -1):
            n = s[d - ndim + len(s)]
            own[d] = step if n != 1 else 0
            step *= n
        strides.append(own)
    keep: list[list[int]] = []  # collapsed dims, each [size, stride of input 0, stride of input 1, ...]
    for d in range(ndim):
        if shape[d] == 1:
            continue
        column = [own[d] for own in strides]
        if keep and all(before == now * shape[d] for before, now in zip(keep[-1][1:], column)):
            keep[-1] = [keep[-1][0] * shape[d], *column]
        else:
            keep.append([shape[d], *column])
    if 0 in shape:
        keep = [[0, *[0] * len(shapes)]]
    if len(keep) > MAX_DIMS:
        raise ValueError(f"{name}: more than {MAX_DIMS} dimensions that broadcast differently; reshape the inputs first")
    return tuple(shape), tuple(k[0] for k in keep), [tuple(k[1 + j] for k in keep) for j in range(len(shapes))]


@parameters("elementwise")
class ElementwiseSpec(NamedTuple):
    """One elementwise launch as the kernel reads it; `chain()` has it in parts."""

    compute: int
    program: tuple[int, ...]
    constants: tuple[float, ...]

    def chain(self) -> ChainSpec:
        return decode(self)


@dataclass
class ChainSpec:
    """One elementwise launch, decoded. Registers: inputs, then constants, then temporaries."""

    compute: int
    dims: tuple[int, ...]
    strides: list[tuple[int, ...]]
    constants: list
    outputs: list[int]
    instructions: list[tuple]  # (opcode name, destination, argument, ...)

    @property
    def n_inputs(self) -> int:
        return len(self.strides)

    def encode(self) -> ElementwiseSpec:
        """The parameters of the launch."""
        return build(len(self.strides), self.instructions, self.constants, self.outputs, self.dims, self.strides, self.compute)


def build(n_inputs, instructions, constants, outputs, dims, strides, compute=FLOAT) -> ElementwiseSpec:
    """The parameters for instructions (name, destination, arguments...) that already name their registers."""
    program = [len(dims), n_inputs, len(constants), len(outputs), len(instructions), *dims]
    for s in strides:
        program.extend(s)
    program.extend(outputs)
    for name, dst, *arguments in instructions:
        if len(arguments) != ARITY[name]:
            raise ValueError(f"elementwise: {name} takes {ARITY[name]} arguments, got {len(arguments)}")
        program.extend((OPCODES[name], dst, *arguments, *[0] * (3 - len(arguments))))
    if compute >= INT64:
        program.extend(wrap_int(c) for c in constants)
        return ElementwiseSpec(compute, tuple(program), ())
    return ElementwiseSpec(compute, tuple(program), tuple(float(c) for c in constants))


def wrap_int(value) -> int:
    """A Python number as a signed 64-bit integer; numbers above 2^63 keep their bits, as uint64 needs."""
    whole = int(value)
    if whole != value or not -(2**63) <= whole < 2**64:
        raise ValueError(f"elementwise: {value!r} is not a 64-bit integer; cast the array to a float dtype first")
    return whole - 2**64 if whole >= 2**63 else whole


def decode(spec: ElementwiseSpec) -> ChainSpec:
    """Read a launch back: the inverse of `build`."""
    compute, program, floats = spec
    ndim, n_in, n_const, n_out, n_instr = program[:5]
    at = 5 + ndim
    dims = tuple(program[5:at])
    strides = [tuple(program[at + k * ndim : at + (k + 1) * ndim]) for k in range(n_in)]
    at += n_in * ndim
    outputs = list(program[at : at + n_out])
    at += n_out
    instructions = []
    for k in range(at, at + 5 * n_instr, 5):
        name = NAMES[program[k]]
        instructions.append((name, program[k + 1], *program[k + 2 : k + 2 + ARITY[name]]))
    at += 5 * n_instr
    constants = list(program[at : at + n_const]) if compute >= INT64 else list(floats)
    return ChainSpec(compute, dims, strides, constants, outputs, instructions)


class Chain:
    """Builds a program step by step; temporaries share registers where their lives do not overlap.

    Example:
        chain = Chain(n_inputs=2)
        y = chain.op("relu", chain.op("add", chain.input(0), chain.input(1)))
        launch("elementwise", (a, b), (out,), chain.build([y], dims=(1000,), strides=[(1,), (1,)]))
    """

    def __init__(self, n_inputs: int):
        self.n_inputs = n_inputs
        self.constants: list = []
        self.steps: list[tuple] = []  # (name, values); values are ("in", k), ("const", k) or ("step", k)

    def input(self, k: int) -> tuple:
        if not 0 <= k < self.n_inputs:
            raise IndexError(f"Chain: there is no input {k}; it has {self.n_inputs}")
        return ("in", k)

    def const(self, value) -> tuple:
        for k, known in enumerate(self.constants):
            if type(known) is type(value) and repr(known) == repr(value):
                return ("const", k)
        self.constants.append(value)
        return ("const", len(self.constants) - 1)

    def op(self, name: str, *values) -> tuple:
        """Append an instruction; arguments are earlier results or Python numbers."""
        if name not in ARITY:
            raise ValueError(f"Chain: unknown operation {name!r}")
        if len(values) != ARITY[name]:
            raise ValueError(f"Chain: {name} takes {ARITY[name]} arguments, got {len(values)}")
        self.steps.append((name, tuple(v if type(v) is tuple else self.const(v) for v in values)))
        return ("step", len(self.steps) - 1)

    def build(self, outputs, dims, strides, compute=FLOAT) -> ElementwiseSpec:
        """The parameters of the launch. Raises ValueError when a limit of the kernel is exceeded."""
        if len(self.steps) > MAX_INSTRUCTIONS or len(outputs) > MAX_OUTPUTS:
            raise ValueError(f"Chain: at most {MAX_INSTRUCTIONS} instructions and {MAX_OUTPUTS} outputs fit in one launch")
        last_use = {}
        for k, (_, values) in enumerate(self.steps):
            for v in values:
                last_use[v] = k
        for v in outputs:
            last_use[v] = len(self.steps)
        first = self.n_inputs + len(self.constants)
        register = {("in", k): k for k in range(self.n_inputs)}
        register |= {("const", k): self.n_inputs + k for k in range(len(self.constants))}
        free: list[int] = []
        top = first
        instructions = []
        for k, (name, values) in enumerate(self.steps):
            arguments = [register[v] for v in values]
            for v in set(values):
                if v[0] == "step" and last_use[v] == k:
                    free.append(register[v])
            if free:
                dst = free.pop()
            else:
                dst, top = top, top + 1
            register[("step", k)] = dst
            if ("step", k) not in last_use:
                free.append(dst)
            instructions.append((name, dst, *arguments))
        if top > MAX_REGISTERS:
            raise ValueError(f"Chain: needs {top} registers, the kernel has {MAX_REGISTERS}; split the chain")
        return build(self.n_inputs, instructions, self.constants, [register[v] for v in outputs], dims, strides, compute)
