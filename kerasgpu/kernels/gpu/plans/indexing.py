"""Planners of the kernels that read or write by index (csrc/cuda/gather.cu, gather_rows.cu, onehot.cu, scatter.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import FREE, OPTIONS, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.movement import fill_launch, read_ndim
from kerasgpu.kernels.gpu.plans.plan import DTYPES, INTEGERS, Call, Plan, grid_for, planner
from kerasgpu.kernels.gpu.plans.sorting import MOST, Pairs

MISSING = {"float16": 0x7E00, "bfloat16": 0x7FC0, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}


@planner("take", "take_along_axis")
def _take(call: Call) -> Plan:
    if not 1 <= len(call.out) <= 2:
        call.fail("number of outputs", len(call.out), 1)
    call.expect(2, len(call.out))
    outer, n, inner, count, _ = call.spec
    mode = call.choice("mode", 0, 2)
    size = call.product(outer, count, inner)
    y = call.out[0]
    call.input(0, call.product(outer, n, inner), y.dtype)
    call.output(0, size)
    own = call.product(count) if call.name == "take" else size
    indices = call.input(1, own, "int32", "int64")
    launches = []
    if len(call.out) == 2:
        call.output(1, 1, "int32")
        params: dict = {"indices": Input(1), "bad": Output(1), "count": own, "n": n}
        launches.append(Launch("gather.cu", "count_outside", {"I": indices.type, "PART": 1}, 1, 256, params))
    if size:
        params = {
            "x": Input(0), "indices": Input(1), "y": Output(0), "size": size, "n": n, "inner": inner, "count": count,
            "missing": MISSING.get(y.dtype, 0), "mode": mode,
        }  # fmt: skip
        entry = "take" if call.name == "take" else "take_along"
        defines = {"W": y.word, "I": indices.type, "PART": 0}
        launches.append(Launch("gather.cu", entry, defines, grid_for(size), 256, params, options=OPTIONS, member=FREE))
    return Plan(launches)


@planner("ravel_indices")
def _ravel_indices(call: Call) -> Plan:
    call.expect(1, 1)
    count = call.product(call.spec.count)
    ndim, dims = read_ndim(call, "dims"), call.spec.dims
    call.product(*dims)
    call.output(0, count, "int64")
    indices = call.input(0, call.product(count, ndim), "int32", "int64")
    if count == 0:
        return Plan()
    whole = [*dims, *(1,) * (16 - ndim)]
    params = {"indices": Input(0), "flat": Output(0), "count": count, "dims": whole, "ndim": ndim}
    return Plan([Launch("gather.cu", "ravel_indices", {"I": indices.type, "PART": 1}, grid_for(count), 256, params)])


@planner("one_hot")
def _one_hot(call: Call) -> Plan:
    call.expect(1, 1)
    outer, depth, inner = call.spec
    size = call.product(outer, depth, inner)
    indices, y = call.input(0, call.product(outer, inner), *INTEGERS), call.output(0, size)
    if size == 0:
        return Plan()
    dtype = DTYPES[indices.dtype][2]
    params = {"indices": Input(0), "y": Output(0), "size": size, "depth": depth, "inner": inner, "dtype": dtype}
    return Plan([Launch("onehot.cu", "one_hot", {"T": y.type}, grid_for(size), 256, params, options=OPTIONS, member=FREE)])


@planner("gather_rows")
def _gather_rows(call: Call) -> Plan:
    call.expect(3, 1)
    rows, inner, total, batch = call.spec
    data, y = call.input(0, call.product(rows, inner)), call.output(0, call.product(batch, inner))
    call.input(1, call.product(total), "int64")
    call.input(2, 1, "int64")
    if data.dtype != y.dtype:
        call.input(0, 0, "uint8", "int32", "int64", "float32", "float64")
        call.output(0, 0, "float32", "int32", "int64")
    if batch * inner == 0:
        return Plan()
    params = {
        "data": Input(0), "perm": Input(1), "cursor": Input(2), "y": Output(0), "rows": rows, "inner": inner, "total": total,
        "batch": batch,
    }  # fmt: skip
    defines = {"FROM": data.type, "T": y.type}
    return Plan(
        [Launch("gather_rows.cu", "gather_rows", defines, grid_for(batch * inner), 256, params, options=OPTIONS, member=FREE)]
    )


@planner("store_rows")
def _store_rows(call: Call) -> Plan:
    call.expect(2, 1)
    rows, inner, batch = call.spec
    y = call.output(0, call.product(rows, inner))
    call.input(0, call.product(batch, inner), y.dtype)
    call.input(1, 1, "int64")
    if batch * inner == 0:
        return Plan()
    params = {
        "data": Input(0), "perm": None, "cursor": Input(1), "y": Output(0), "rows": rows, "inner": inner, "total": 0,
        "batch": batch,
    }  # fmt: skip
    defines = {"FROM": y.type, "T": y.type}
    return Plan(
        [Launch("gather_rows.cu", "store_rows", defines, grid_for(batch * inner), 256, params, options=OPTIONS, member=FREE)]
    )


def _ordered(call: Call, rows: int, count: int, per_row: int, wrap: bool) -> tuple[Pairs, list[Launch]]:
    """The updates sorted by the row that they go to. `per_row`: values of a row of bincount, else 0."""
    if count >= MOST:
        call.fail("number of updates", count, MOST - 1)
    destinations = rows * (count // per_row if per_row else 1)
    pairs = Pairs(1, count, "uint64_t" if destinations >= (1 << 32) - 1 else "uint32_t")
    params = {
        "indices": Input(0), "keys": Scratch(), "numbers": Scratch(pairs.numbers_at), "pairs": pairs.count, "count": count,
        "rows": rows, "n": per_row, "dtype": DTYPES[call.inp[0].dtype][2], "wrap": wrap,
    }  # fmt: skip
    defines = {"K": pairs.key, "PART": 0}
    return pairs, [Launch("scatter.cu", "scatter_keys", defines, grid_for(pairs.count), 256, params), *pairs.sort()]


def _fold(pairs: Pairs, op: str, type: str, updates: int | None, count: int, inner: int) -> Launch:
    params = {
        "keys": Scratch(), "numbers": Scratch(pairs.numbers_at), "updates": None if updates is None else Input(updates),
        "out": Output(0), "count": count, "inner": inner,
    }  # fmt: skip
    defines = {"K": pairs.key, "T": type, "OP": op, "PART": 1}
    return Launch("scatter.cu", "scatter_runs", defines, grid_for(count * inner), 256, params)


@planner("scatter_add", "scatter_update", "scatter_max", "scatter_min")
def _scatter(call: Call) -> Plan:
    call.expect(2, 1)
    rows, inner, count, zero_first = call.spec
    items = call.product(rows, inner)
    y = call.output(0, items)
    call.input(0, call.product(count), "int32", "int64")
    call.input(1, call.product(count, inner), y.dtype)
    launches = []
    if call.name == "scatter_add" and zero_first and items:
        launches.append(fill_launch(y, 0, items, 0))
    if items == 0 or count == 0:
        return Plan(launches)
    op = {"scatter_add": "add", "scatter_update": "update", "scatter_max": "maximum", "scatter_min": "minimum"}[call.name]
    pairs, ordered = _ordered(call, rows, count, 0, True)
    type = y.word if op == "update" else y.type
    return Plan([*launches, *ordered, _fold(pairs, op, type, 1, count, inner)], pairs.bytes)


@planner("bincount")
def _bincount(call: Call) -> Plan:
    if not 1 <= len(call.inp) <= 2:
        call.fail("number of inputs", len(call.inp), 1)
    call.expect(len(call.inp), 1)
    rows, n, length = call.spec
    items = call.product(rows, n)
    y = call.output(0, call.product(rows, length), "int32", "int64", "float32", "float64")
    call.input(0, items, *INTEGERS)
    weights = 1 if len(call.inp) == 2 else None
    if weights:
        call.input(1, items, y.dtype)
    if rows * length == 0:
        return Plan()
    launches = [fill_launch(y, 0, rows * length, 0)]
    if items == 0:
        return Plan(launches)
    pairs, ordered = _ordered(call, length, items, n, False)
    return Plan([*launches, *ordered, _fold(pairs, "add", y.type, weights, items, 1)], pairs.bytes)
