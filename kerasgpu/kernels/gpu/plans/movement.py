"""Planners of the kernels that move elements (csrc/cuda/copy.cu, concatenate.cu, transpose.cu, pad.cu, tri_mask.cu)."""

from __future__ import annotations

import struct

from kerasgpu.kernels.gpu.driver.launch import FREE, IDLE, OPTIONS, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output
from kerasgpu.kernels.gpu.plans.plan import LIMIT, Call, Operand, Plan, ceil_div, grid_for, planner

MAX_DIMS = 16
_CODES = {"float16": "e", "float32": "f", "float64": "d"}


def read_ndim(call: Call, *lists: str) -> int:
    """The number of dimensions of a call, after checking that these fields have as many."""
    ndim = call.choice("ndim", 0, MAX_DIMS, "number of dimensions")
    for field in lists:
        if len(getattr(call.spec, field)) != ndim:
            call.fail(f"length of {field}", len(getattr(call.spec, field)), ndim)
    return ndim


def same_dtype(call: Call, n_in: int, n_out: int) -> Operand:
    """Output 0 of a call whose operands all have its dtype."""
    call.expect(n_in, n_out)
    return call.out[0]


def value_bits(x: Operand, value: float | int, exact: bool = False) -> int:
    """The bits of a number in a dtype, converted as csrc/cpu/numeric.h does (`exact`: an integer that wraps)."""
    size, dtype = x.item, x.dtype
    mask = (1 << 8 * size) - 1
    if dtype == "bool":
        return int(value != 0)
    if dtype in _CODES:
        if dtype == "float64":
            return struct.unpack("<Q", struct.pack("<d", float(value)))[0]
        import numpy as np

        with np.errstate(over="ignore"):
            return int(np.array(np.float32(value)).astype(dtype).view(f"u{size}"))
    if dtype == "bfloat16":
        import numpy as np

        with np.errstate(over="ignore"):
            bits = int(np.array(np.float32(value)).view("u4"))
        if bits & 0x7FFFFFFF > 0x7F800000:
            return bits >> 16 | 0x40
        return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & mask
    if exact:
        return int(value) & mask
    if value != value:
        return 0
    signed = dtype.startswith("int")
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, mask)
    return (low if value <= low else high if value >= high else int(value)) & mask


@planner("copy")
def _copy(call: Call) -> Plan:
    call.expect(1, 1)
    x, y = call.inp[0], call.out[0]
    if x.nbytes != y.nbytes:
        call.fail("input bytes", x.nbytes, y.nbytes)
    call.input(0, y.count, y.dtype)
    if not y.nbytes:
        return Plan()
    params = {"x": Input(0), "y": Output(0), "bytes": y.nbytes}
    return Plan(
        [Launch("copy.cu", "copy", {"PART": 0}, grid_for(ceil_div(y.nbytes, 16)), 256, params, options=OPTIONS, member=FREE)]
    )


def fill_launch(out: Operand, k: int, count: int, bits: int) -> Launch:
    """Sets `count` elements of output k."""
    params = {"y": Output(k), "n": count, "bits": bits}
    return Launch("copy.cu", "fill", {"PART": 1, "W": out.word}, grid_for(count), 256, params, options=OPTIONS, member=FREE)


@planner("fill")
def _fill(call: Call) -> Plan:
    call.expect(0, 1)
    s = call.spec
    y = call.out[0]
    if not y.count:
        return Plan()
    return Plan([fill_launch(y, 0, y.count, value_bits(y, s.integer if s.exact else s.number, s.exact))])


@planner("advance")
def _advance(call: Call) -> Plan:
    if len(call.inp) > 1 or len(call.out) != 1:
        call.fail("number of outputs", len(call.out), 1)
    y = call.output(0, 1, "int32", "uint32", "int64", "uint64")
    params = {"counter": Output(0), "step": call.spec.step, "wide": y.item == 8}
    return Plan([Launch("copy.cu", "advance", {"PART": 0}, 1, 32, params, options=OPTIONS, member=IDLE)])


@planner("advance_seed")
def _advance_seed(call: Call) -> Plan:
    if len(call.inp) > 1:
        call.fail("number of inputs", len(call.inp), 1)
    if not 1 <= len(call.out) <= 2:
        call.fail("number of outputs", len(call.out), 1)
    for k in range(len(call.out)):
        call.output(k, 2, "uint32")
    saved = Output(1) if len(call.out) == 2 else None
    params = {"state": Output(0), "saved": saved, "unordered": call.spec.unordered}
    return Plan([Launch("copy.cu", "advance_seed", {"PART": 0}, 1, 32, params, options=OPTIONS, member=IDLE)])


def strided(out: Operand, view, in_first: int = 0, out_first: int = 0) -> Plan:
    """A copy between two strided views: view has (size, stride in the input, stride in the output) per dimension, in elements."""
    dims: list[list[int]] = []
    size = 1
    for n, i, o in view:
        size *= n
        if n == 1:
            continue
        if dims and dims[-1][1] == i * n and dims[-1][2] == o * n:
            dims[-1] = [dims[-1][0] * n, i, o]
        else:
            dims.append([n, i, o])
    dims = dims or [[1, 1, 1]]
    item = out.item
    if len(dims) == 1 and dims[0][1] == dims[0][2] == 1 and in_first == out_first == 0:
        params: dict = {"x": Input(0), "y": Output(0), "bytes": size * item}
        return Plan(
            [
                Launch(
                    "copy.cu",
                    "copy",
                    {"PART": 0},
                    grid_for(ceil_div(size * item, 16)),
                    256,
                    params,
                    options=OPTIONS,
                    member=FREE,
                )
            ]
        )
    entry, grid = "strided", grid_for(size)
    if len(dims) > 1 and dims[-1][2] == 1 and dims[-1][1] != 1:
        for d in range(len(dims) - 1):
            if dims[d][1] == 1 and dims[d][0] >= 8 and dims[-1][0] >= 8:
                j = dims.pop(d)
                dims.insert(len(dims) - 1, j)
                entry = "transpose_tiles"
                outer = size // (dims[-1][0] * dims[-2][0])
                grid = outer * ceil_div(dims[-1][0], 32) * ceil_div(dims[-2][0], 32)
                break
    sizes, into, out_of = _columns(dims)
    params = {
        "x": Input(0, in_first * item), "y": Output(0, out_first * item), "size": size, "dims": sizes, "in": into, "out": out_of,
        "ndim": len(dims),
    }  # fmt: skip
    defines = {"W": out.word, "INDEX": "uint32_t" if size < 1 << 31 else "int64_t"}
    member = FREE if entry == "strided" else ""
    return Plan([Launch("transpose.cu", entry, defines, grid, 256, params, options=OPTIONS, member=member)])


def _columns(rows) -> list[list[int]]:
    """Three lists of MAX_DIMS numbers, filled up with 1."""
    return [[row[k] for row in rows] + [1] * (MAX_DIMS - len(rows)) for k in range(3)]


def row_strides(dims) -> list[int]:
    strides, step = [], 1
    for n in reversed(dims):
        strides.append(step)
        step *= n
    return strides[::-1]


@planner("transpose")
def _transpose(call: Call) -> Plan:
    out = same_dtype(call, 1, 1)
    ndim, dims, perm = read_ndim(call, "dims", "perm"), call.spec.dims, call.spec.perm
    count = call.product(*dims)
    call.input(0, count, out.dtype)
    call.output(0, count)
    if sorted(perm) != list(range(ndim)):
        call.message("perm is not a permutation of the dimensions")
    if count == 0:
        return Plan()
    strides, shape = row_strides(dims), [dims[p] for p in perm]
    return strided(out, [(dims[p], strides[p], o) for p, o in zip(perm, row_strides(shape))])


@planner("broadcast_to")
def _broadcast_to(call: Call) -> Plan:
    out = same_dtype(call, 1, 1)
    read_ndim(call, "dims", "shape")
    dims, shape = call.spec.dims, call.spec.shape
    count = call.product(*shape)
    call.input(0, call.product(*dims), out.dtype)
    call.output(0, count)
    for n, m in zip(dims, shape):
        if n != m and n != 1:
            call.fail("dimension to repeat", n, m)
    if count == 0:
        return Plan()
    return strided(out, [(m, 0 if n == 1 else i, o) for n, m, i, o in zip(dims, shape, row_strides(dims), row_strides(shape))])


def _read_block(call: Call):
    """(items of the whole, items of the block, first item, (size, stride in the whole, stride in the block) per dimension)."""
    call.expect(1, 1)
    read_ndim(call, "dims", "starts", "steps", "sizes")
    _, dims, starts, steps, block = call.spec
    whole, items = call.product(*dims), call.product(*block)
    first, view = 0, []
    if items:
        for n, start, step, size, stride, own in zip(dims, starts, steps, block, row_strides(dims), row_strides(block)):
            if step == 0:
                call.message("steps must not be 0")
            last = start + step * (size - 1)
            if abs(step * (size - 1)) > LIMIT:
                call.fail("step", step, 1)
            if not 0 <= start < n:
                call.fail("start of a dimension", start, f"0 to {n - 1}")
            if not 0 <= last < n:
                call.fail("end of a dimension", last, f"0 to {n - 1}")
            first += start * stride
            view.append((size, stride if size == 1 else step * stride, own))
    return whole, items, first, view


@planner("slice")
def _slice(call: Call) -> Plan:
    whole, items, first, view = _read_block(call)
    out = call.out[0]
    call.input(0, whole, out.dtype)
    call.output(0, items)
    return strided(out, view, in_first=first) if items else Plan()


@planner("slice_assign")
def _slice_assign(call: Call) -> Plan:
    whole, items, first, view = _read_block(call)
    out = call.out[0]
    call.input(0, items, out.dtype)
    call.output(0, whole)
    return strided(out, [(n, own, stride) for n, stride, own in view], out_first=first) if items else Plan()


@planner("pad")
def _pad(call: Call) -> Plan:
    call.expect(1, 1)
    out = call.out[0]
    read_ndim(call, "dims", "lows", "highs")
    mode = call.choice("mode", 0, 3)
    dims, lows, highs = call.spec.dims, call.spec.lows, call.spec.highs
    if any(n < 0 for n in (*lows, *highs)):
        call.fail("padding", min(*lows, *highs), 0)
    totals = [n + a + b for n, a, b in zip(dims, lows, highs)]
    if mode and any(n == 0 and total for n, total in zip(dims, totals)):
        call.message("an axis of size 0 has nothing to repeat; use mode constant")
    size = call.product(*totals)
    call.input(0, call.product(*dims), out.dtype)
    call.output(0, size)
    if size == 0:
        return Plan()
    # Neighbouring dimensions without padding are one.
    merged: list[list[int]] = []
    for n, low, total in zip(dims, lows, totals):
        if merged and n == total and merged[-1][0] == merged[-1][2]:
            merged[-1] = [merged[-1][0] * n, 0, merged[-1][2] * n]
        else:
            merged.append([n, low, total])
    sizes, before, all_of = _columns(merged)
    params = {
        "x": Input(0), "y": Output(0), "size": size, "dims": sizes, "low": before, "total": all_of,
        "blank": value_bits(out, call.spec.value), "ndim": len(merged), "mode": mode,
    }  # fmt: skip
    return Plan([Launch("pad.cu", "pad", {"W": out.word}, grid_for(size), 256, params)])


@planner("tri_mask")
def _tri_mask(call: Call) -> Plan:
    call.expect(1, 1)
    outer, rows, cols, low, high = call.spec
    size = call.product(outer, rows, cols)
    out = call.out[0]
    call.input(0, size, out.dtype)
    call.output(0, size)
    if size == 0:
        return Plan()
    low, high = max(-rows, min(low, cols)), max(-rows - 1, min(high, cols))
    params = {"x": Input(0), "y": Output(0), "size": size, "rows": rows, "cols": cols, "low": low, "high": high}
    return Plan([Launch("tri_mask.cu", "tri_mask", {"W": out.word}, grid_for(size), 256, params)])


def _widths(call: Call, parts: int) -> int:
    if len(call.spec.widths) != parts:
        call.fail("number of widths", len(call.spec.widths), parts)
    for n in call.spec.widths:
        call.product(call.spec.outer, n)
    return call.product(sum(call.spec.widths))


def _rows(item: int, rows: int, width: int, x_pitch: int, y_pitch: int, source: tuple, target: tuple) -> Launch:
    """`rows` runs of `width` elements; source and target: (operand, first element)."""
    # The widest word that all addresses are a multiple of.
    word = item
    while word < 8 and not any(n * item % (2 * word) for n in (width, x_pitch, y_pitch, source[1], target[1])):
        word *= 2
    per = word // item
    params = {
        "x": Input(source[0], source[1] * item), "y": Output(target[0], target[1] * item), "rows": rows, "width": width // per,
        "x_pitch": x_pitch // per, "y_pitch": y_pitch // per,
    }  # fmt: skip
    name = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t", 8: "uint64_t"}[word]
    defines, grid = {"W": name}, grid_for(rows * width // per)
    return Launch("concatenate.cu", "copy_rows", defines, grid, 256, params, options=OPTIONS, member=FREE)


@planner("concatenate")
def _concatenate(call: Call) -> Plan:
    call.expect(len(call.inp), 1)
    out, parts = call.out[0], len(call.inp)
    width = _widths(call, parts)
    outer = call.spec.outer
    call.output(0, call.product(outer, width))
    at, launches = 0, []
    for k in range(parts):
        own = call.spec.widths[k]
        call.input(k, outer * own, out.dtype)
        if outer * own:
            launches.append(_rows(out.item, outer, own, own, width, (k, 0), (0, at)))
        at += own
    return Plan(launches)


@planner("split")
def _split(call: Call) -> Plan:
    call.expect(1, len(call.out))
    if not call.out:
        call.fail("number of outputs", 0, 1)
    x, parts = call.inp[0], len(call.out)
    width = _widths(call, parts)
    outer = call.spec.outer
    call.input(0, call.product(outer, width), call.out[0].dtype)
    at, launches = 0, []
    for k in range(parts):
        own = call.spec.widths[k]
        call.output(k, outer * own, x.dtype)
        if outer * own:
            launches.append(_rows(x.item, outer, own, width, own, (0, at), (k, 0)))
        at += own
    return Plan(launches)
