"""Planners of elementwise and cast: the interpreter for what is small or new, generated code for chains (csrc/cuda/elementwise_chain.cu)."""

from __future__ import annotations

from kerasgpu.kernels.elementwise_chain import (
    ARITY,
    DOUBLE,
    FLOAT,
    INT64,
    MAX_DIMS,
    MAX_INSTRUCTIONS,
    MAX_OUTPUTS,
    MAX_REGISTERS,
    NAMES,
    OPCODES,
    UINT64,
    ChainSpec,
)
from kerasgpu.kernels.gpu.driver.launch import FREE, OPTIONS, Launch, Params
from kerasgpu.kernels.gpu.driver.structs import Input, Output
from kerasgpu.kernels.gpu.plans.plan import DTYPES, LIMIT, Call, Plan, ceil_div, grid_for, planner

TYPES = ("float", "double", "int64_t", "uint64_t")
# Limits of elementwise.cu.
INPUTS, OUTPUTS, STEPS, CONSTANTS, DIMS = 4, 2, 4, 4, 8
HEADER = 5  # numbers at the head of a program
# From this size on, code for just this chain is worth compiling even when it runs once.
LARGE = 1 << 20

INTEGER_ONLY = frozenset("bitwise_not bitwise_and bitwise_or bitwise_xor left_shift right_shift".split())
_INTEGERS = frozenset(
    """copy neg abs sign square relu relu6 floor ceil round trunc isnan isinf isfinite signbit logical_not bitwise_not add sub
    mul div fmod mod floor_div pow max min fmax fmin eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or
    bitwise_xor left_shift right_shift squared_difference relu_grad where clip muladd""".split()
)


def has_instruction(name: str, compute: int) -> bool:
    return name in _INTEGERS if compute >= INT64 else name not in INTEGER_ONLY


def _can_load(compute, dtype):
    if compute == FLOAT:
        return dtype != "float64"
    if compute == DOUBLE:
        return True
    if compute == INT64:
        return dtype != "uint64" and "float" not in dtype
    return dtype in ("uint64", "bool")


def _can_store(compute, dtype):
    if compute == FLOAT:
        return dtype in ("bool", "float32", "float16", "bfloat16")
    if compute == DOUBLE:
        return dtype in ("bool", "float64")
    return _can_load(compute, dtype)


def read(call: Call) -> ChainSpec:
    """The call's program, checked as csrc/cpu/elementwise_plan.cpp does."""
    compute = call.choice("compute", FLOAT, UINT64, "compute type")
    ints, constants = call.spec.program, call.spec.constants
    if len(ints) < HEADER:
        call.fail("number of integer parameters", len(ints), HEADER)
    ndim, n_in, n_const, n_out, n_instr = ints[:HEADER]
    limits = (
        ("number of dimensions", ndim, 0, MAX_DIMS),
        ("inputs", n_in, 0, MAX_REGISTERS),
        ("constants", n_const, 0, MAX_REGISTERS - n_in),
        ("outputs", n_out, 1, MAX_OUTPUTS),
        ("instructions", n_instr, 0, MAX_INSTRUCTIONS),
    )
    for what, n, low, high in limits:
        if not low <= n <= high:
            call.fail(what, n, f"{low} to {high}")
    need = HEADER + ndim * (1 + n_in) + n_out + 5 * n_instr + (n_const if compute >= INT64 else 0)
    if len(ints) != need:
        call.fail("number of integer parameters", len(ints), need)
    call.expect(n_in, n_out)
    if compute < INT64 and len(constants) < n_const:
        call.fail("number of float parameters", len(constants), n_const)
    at = HEADER + ndim
    dims = ints[HEADER:at]
    strides = [ints[at + k * ndim : at + (k + 1) * ndim] for k in range(n_in)]
    at += n_in * ndim
    outputs = list(ints[at : at + n_out])
    at += n_out
    size = call.product(*dims)
    instructions = []
    written = (1 << n_in + n_const) - 1
    for k in range(at, at + 5 * n_instr, 5):
        if not 0 <= ints[k] < len(NAMES):
            call.fail("opcode", ints[k], f"0 to {len(NAMES) - 1}")
        name = NAMES[ints[k]]
        if not has_instruction(name, compute):
            call.message(f"instruction {name} is not defined for this compute type")
        dst, arguments = ints[k + 1], ints[k + 2 : k + 2 + ARITY[name]]
        if not n_in + n_const <= dst < MAX_REGISTERS:
            call.fail("destination register", dst, f"{n_in + n_const} to {MAX_REGISTERS - 1}")
        for a in arguments:
            if not 0 <= a < MAX_REGISTERS or not written >> a & 1:
                call.fail("register read before it is written", a, dst)
        written |= 1 << dst
        instructions.append((name, dst, *arguments))
    at += 5 * n_instr
    for k, register in enumerate(outputs):
        if not _can_store(compute, call.out[k].dtype):
            call.fail(f"dtype of output {k}", call.out[k].dtype, f"one of compute type {TYPES[compute]}")
        if not 0 <= register < MAX_REGISTERS or not written >> register & 1:
            call.fail("output register never written", register, "a register that is")
        call.output(k, size)
    if size:
        for k, s in enumerate(strides):
            if not _can_load(compute, call.inp[k].dtype):
                call.fail(f"dtype of input {k}", call.inp[k].dtype, f"one of compute type {TYPES[compute]}")
            if any(step < 0 or step > LIMIT for step in s):
                call.fail("input stride", s, "strides from 0")
            call.input(k, 1 + sum((d - 1) * step for d, step in zip(dims, s)))
    numbers = list(ints[at : at + n_const]) if compute >= INT64 else list(constants[:n_const])
    return ChainSpec(compute, tuple(dims), strides, numbers, outputs, instructions)


def _packed(dims, strides) -> bool:
    """Whether an input is laid out as the output."""
    expected = 1
    for d, s in zip(reversed(dims), reversed(strides)):
        if d != 1 and s != expected:
            return False
        expected *= d
    return True


@planner("elementwise")
def _elementwise(call: Call) -> Plan:
    spec = read(call)
    size = 1
    for d in spec.dims:
        size *= d
    if size == 0:
        return Plan()
    small = (
        spec.n_inputs <= INPUTS
        and len(spec.outputs) <= OUTPUTS
        and len(spec.instructions) <= STEPS
        and len(spec.constants) <= CONSTANTS
        and len(spec.dims) <= DIMS
        and all(d < INPUTS + CONSTANTS + STEPS for _, d, *_ in spec.instructions)
    )
    if small and not call.repeated and size < LARGE:
        return Plan([interpreted(call, spec, size)])
    return Plan([compiled(call, spec, size)])


def interpreted(call: Call, spec: ChainSpec, size: int) -> Launch:
    def whole(values, n, rest=0):
        return [*values, *(rest,) * (n - len(values))]

    n_in, n_out, ndim = spec.n_inputs, len(spec.outputs), len(spec.dims)
    steps = [(OPCODES[name], dst, *whole(given, 3, given[0])) for name, dst, *given in spec.instructions]
    params = {
        "in": whole([Input(k) for k in range(n_in)], INPUTS, None), "out": whole([Output(k) for k in range(n_out)], OUTPUTS, None),
        "size": size, "dims": whole(spec.dims, DIMS, 1),
        "strides": whole([whole(s, DIMS) for s in spec.strides], INPUTS, [0] * DIMS),
        "constants": whole(rounded(spec.compute, spec.constants), CONSTANTS), "ndim": ndim, "n_in": n_in,
        "n_const": len(spec.constants), "n_out": n_out, "n_steps": len(steps),
        "packed": sum(1 << k for k, s in enumerate(spec.strides) if _packed(spec.dims, s)),
        "in_dtype": whole([DTYPES[x.dtype][2] for x in call.inp], INPUTS),
        "out_dtype": whole([DTYPES[x.dtype][2] for x in call.out], OUTPUTS), "out_register": whole(spec.outputs, OUTPUTS),
        "step": whole(steps, STEPS, [0] * 5),
    }  # fmt: skip
    text = _cases(spec.compute)
    defines = {"T": TYPES[spec.compute], **({"INTEGER": 1} if spec.compute >= INT64 else {})}
    return Launch("elementwise.cu", "elementwise", defines, grid_for(size), 256, params, text=text, options=OPTIONS)


def _cases(compute: int) -> str:
    listed = [f"X({n}, {ARITY[n]}, {OPCODES[n]})" for n in NAMES if has_instruction(n, compute)]
    return "#define KG_CASES(X) \\\n  " + " \\\n  ".join(listed) + "\n"


def rounded(compute: int, constants) -> list:
    """Constants in the compute type."""
    return [_float32(c) for c in constants] if compute == FLOAT else list(constants)


def add_constants(params: Params, compute: int, constants) -> None:
    code = "fdqQ"[compute]
    for c in rounded(compute, constants):
        params.number(code, c)


def _float32(x: float) -> float:
    import numpy as np

    with np.errstate(over="ignore"):
        return float(np.float32(x))


def compiled(call: Call, spec: ChainSpec, size: int) -> Launch:
    """One kernel for just this chain. Sizes, strides and constants are parameters: other shapes of the same layout share it."""
    text, params, vector = generate(call, spec, size)
    defines = {"INTEGER": 1} if spec.compute >= INT64 else {}
    grid = grid_for(ceil_div(size, vector))
    return Launch("elementwise_chain.cu", "chain_kernel", defines, grid, 256, params, text=text, options=OPTIONS, member=FREE)


def generate(call: Call, spec: ChainSpec, size: int) -> tuple[str, Params, int]:
    """(the text of generated.cuh, the parameters, elements per thread)."""
    dims, n_in = spec.dims, spec.n_inputs
    reads = sorted({a for _, _, *rest in spec.instructions for a in rest} | set(spec.outputs))
    reads = [k for k in reads if k < n_in]
    kinds = {k: "full" if _packed(dims, spec.strides[k]) else "one" if not any(spec.strides[k]) else "walk" for k in reads}
    walk = [k for k in reads if kinds[k] == "walk"]
    vector = 4
    if walk:
        last = dims[-1]
        for k in walk:
            if spec.strides[k][-1] not in (0, 1) or (spec.strides[k][-1] == 1 and any(s % 4 for s in spec.strides[k][:-1])):
                vector = 1
        if last % 4:
            vector = 1
    wide = size >= 1 << 31 or any(x.count >= 1 << 31 for x in call.inp)
    fields, params = [], Params()
    for k in reads:
        fields.append(f"const {call.inp[k].type}* in{k};")
        params.input(k)
    for k, x in enumerate(call.out):
        fields.append(f"{x.type}* out{k};")
        params.output(k)
    fields.append("int64_t size;")
    params.i64(size)
    if walk:
        fields.append(f"int64_t dims[{len(dims)}];")
        params.i64(*dims)
        for k in walk:
            fields.append(f"int64_t strides{k}[{len(dims)}];")
            params.i64(*spec.strides[k])
    if spec.constants:
        fields.append(f"T constants[{len(spec.constants)}];")
        add_constants(params, spec.compute, spec.constants)
    lines = [f"typedef {TYPES[spec.compute]} T;", f"typedef {'int64_t' if wide else 'uint32_t'} INDEX;"]
    lines += [f"constexpr int VECTOR = {vector};", "struct Params {", *[f"  {f}" for f in fields], "};"]
    lines += ["template <int V> KG_DEVICE void chain(const Params& p, INDEX i) {"]
    if walk:
        lines += [f"  INDEX rest = i, c;{''.join(f' INDEX at{k} = 0;' for k in walk)}"]
        for d in range(len(dims) - 1, -1, -1):
            if d:
                lines += [f"  c = rest % (INDEX)p.dims[{d}]; rest /= (INDEX)p.dims[{d}];"]
            else:
                lines += ["  c = rest;"]
            lines += [f"  at{k} += c * (INDEX)p.strides{k}[{d}];" for k in walk if spec.strides[k][d]]
    for k in reads:
        if kinds[k] == "full":
            lines += [f"  const auto x{k} = *reinterpret_cast<const Pack<{call.inp[k].type}, V>*>(p.in{k} + i);"]
        elif kinds[k] == "walk" and spec.strides[k][-1] == 1 and vector > 1:
            lines += [f"  const auto x{k} = *reinterpret_cast<const Pack<{call.inp[k].type}, V>*>(p.in{k} + at{k});"]
        else:
            lines += [f"  const T x{k} = load<T>(p.in{k}, {f'at{k}' if kinds[k] == 'walk' else 0});"]
            kinds[k] = "one"
    for k, x in enumerate(call.out):
        lines += [f"  Pack<{x.type}, V> y{k};"]
    lines += ["  KG_UNROLL", "  for (int v = 0; v < V; ++v) {"]
    for k in reads:
        lines += [f"    const T r{k} = {f'x{k}' if kinds[k] == 'one' else f'load<T>(x{k}.at, v)'};"]
    for k in range(len(spec.constants)):
        lines += [f"    const T r{n_in + k} = p.constants[{k}];"]
    temporaries = sorted({d for _, d, *_ in spec.instructions})
    if temporaries:
        lines += [f"    T {', '.join(f'r{d}' for d in temporaries)};"]
    for name, dst, *arguments in spec.instructions:
        lines += [f"    r{dst} = op_{name}<T>({', '.join(f'r{a}' for a in arguments)});"]
    for k, register in enumerate(spec.outputs):
        lines += [f"    y{k}.at[v] = convert<{call.out[k].type}>(r{register});"]
    lines += ["  }"]
    for k, x in enumerate(call.out):
        lines += [f"  *reinterpret_cast<Pack<{x.type}, V>*>(p.out{k} + i) = y{k};"]
    lines += ["}"]
    return "\n".join(lines) + "\n", params, vector


@planner("cast")
def _cast(call: Call) -> Plan:
    call.expect(1, 1)
    n = call.product(call.spec.n)
    x, y = call.input(0, n), call.output(0, n)
    if n == 0:
        return Plan()
    params = {"x": Input(0), "y": Output(0), "n": n, "dtype": DTYPES[y.dtype][2]}
    return Plan(
        [Launch("elementwise_cast.cu", "cast", {"FROM": x.type}, grid_for(n), 256, params, options=OPTIONS, member=FREE)]
    )
