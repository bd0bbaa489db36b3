"""Planners of the kernels that read or write by index (csrc/cuda/gather.cu, gather_rows.cu, onehot.cu, scatter.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import FREE, OPTIONS, Launch, Params
from kerasgpu.kernels.gpu.plans.movement import fill_launch, lists_after, read_ndim
from kerasgpu.kernels.gpu.plans.plan import DTYPES, INTEGERS, Call, Plan, grid_for, planner
from kerasgpu.kernels.gpu.plans.sorting import MOST, Pairs

MISSING = {"float16": 0x7E00, "bfloat16": 0x7FC0, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}


@planner("take", "take_along_axis")
def _take(call: Call) -> Plan:
    if not 1 <= len(call.out) <= 2:
        call.fail("number of outputs", len(call.out), 1)
    call.expect(2, len(call.out), 5, 0)
    outer, n, inner, count = call.i[:4]
    mode = call.flag(4, 0, 2, "mode")
    size = call.product(outer, count, inner)
    y = call.out[0]
    call.input(0, call.product(outer, n, inner), y.dtype)
    call.output(0, size)
    own = call.product(count) if call.name == "take" else size
    indices = call.input(1, own, "int32", "int64")
    launches = []
    if len(call.out) == 2:
        call.output(1, 1, "int32")
        params = Params().input(1).output(1).i64(own, n)
        launches.append(Launch("gather.cu", "count_outside", {"I": indices.type, "PART": 1}, 1, 256, params))
    if size:
        params = Params().input(0).input(1).output(0).i64(size, n, inner, count)
        params.u64(MISSING.get(y.dtype, 0)).i32(mode)
        entry = "take" if call.name == "take" else "take_along"
        defines = {"W": y.word, "I": indices.type, "PART": 0}
        launches.append(Launch("gather.cu", entry, defines, grid_for(size), 256, params, options=OPTIONS, member=FREE))
    return Plan(launches)


@planner("ravel_indices")
def _ravel_indices(call: Call) -> Plan:
    call.expect(1, 1, 2, 0)
    count = call.product(call.i[0])
    ndim = read_ndim(call, 1, 1)
    (dims,) = lists_after(call, 2, ndim, 1)
    call.product(*dims)
    call.output(0, count, "int64")
    indices = call.input(0, call.product(count, ndim), "int32", "int64")
    if count == 0:
        return Plan()
    params = Params().input(0).output(0).i64(count, *dims, *(1,) * (16 - ndim)).i32(ndim)
    return Plan([Launch("gather.cu", "ravel_indices", {"I": indices.type, "PART": 1}, grid_for(count), 256, params)])


@planner("one_hot")
def _one_hot(call: Call) -> Plan:
    call.expect(1, 1, 3, 0)
    outer, depth, inner = call.i[:3]
    size = call.product(outer, depth, inner)
    indices, y = call.input(0, call.product(outer, inner), *INTEGERS), call.output(0, size)
    if size == 0:
        return Plan()
    params = Params().input(0).output(0).i64(size, depth, inner).i32(DTYPES[indices.dtype][2])
    return Plan([Launch("onehot.cu", "one_hot", {"T": y.type}, grid_for(size), 256, params, options=OPTIONS, member=FREE)])


@planner("gather_rows")
def _gather_rows(call: Call) -> Plan:
    call.expect(3, 1, 4, 0)
    rows, inner, total, batch = call.i[:4]
    data, y = call.input(0, call.product(rows, inner)), call.output(0, call.product(batch, inner))
    call.input(1, call.product(total), "int64")
    call.input(2, 1, "int64")
    if data.dtype != y.dtype:
        call.input(0, 0, "uint8", "int32", "int64", "float32", "float64")
        call.output(0, 0, "float32", "int32", "int64")
    if batch * inner == 0:
        return Plan()
    params = Params().input(0).input(1).input(2).output(0).i64(rows, inner, total, batch)
    defines = {"FROM": data.type, "T": y.type}
    return Plan(
        [Launch("gather_rows.cu", "gather_rows", defines, grid_for(batch * inner), 256, params, options=OPTIONS, member=FREE)]
    )


@planner("store_rows")
def _store_rows(call: Call) -> Plan:
    call.expect(2, 1, 3, 0)
    rows, inner, batch = call.i[:3]
    y = call.output(0, call.product(rows, inner))
    call.input(0, call.product(batch, inner), y.dtype)
    call.input(1, 1, "int64")
    if batch * inner == 0:
        return Plan()
    params = Params().input(0).null().input(1).output(0).i64(rows, inner, 0, batch)
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
    params = Params().input(0).scratch().scratch(pairs.numbers_at)
    params.i64(pairs.count, count, rows, per_row).i32(DTYPES[call.inp[0].dtype][2], int(wrap))
    defines = {"K": pairs.key, "PART": 0}
    return pairs, [Launch("scatter.cu", "scatter_keys", defines, grid_for(pairs.count), 256, params), *pairs.sort()]


def _fold(pairs: Pairs, op: str, type: str, updates: int | None, count: int, inner: int) -> Launch:
    params = Params().scratch().scratch(pairs.numbers_at)
    params.null() if updates is None else params.input(updates)
    params.output(0).i64(count, inner)
    defines = {"K": pairs.key, "T": type, "OP": op, "PART": 1}
    return Launch("scatter.cu", "scatter_runs", defines, grid_for(count * inner), 256, params)


@planner("scatter_add", "scatter_update", "scatter_max", "scatter_min")
def _scatter(call: Call) -> Plan:
    call.expect(2, 1, 4, 0)
    rows, inner, count = call.i[:3]
    items = call.product(rows, inner)
    y = call.output(0, items)
    call.input(0, call.product(count), "int32", "int64")
    call.input(1, call.product(count, inner), y.dtype)
    launches = []
    if call.name == "scatter_add" and call.i[3] and items:
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
    call.expect(len(call.inp), 1, 3, 0)
    rows, n, length = call.i[:3]
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
