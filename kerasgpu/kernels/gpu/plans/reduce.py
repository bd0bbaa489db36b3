"""Planners of reduce and scan (csrc/cuda/reduce.cu, scan.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import FREE, IDLE, IN, OPTIONS, OUT, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Plan, ceil_div, grid_for, planner
from kerasgpu.kernels.reduce import ReduceSpec

# The order of csrc/cpu/reduce_ops.h.
OPS = ("Sum", "Mean", "Max", "Min", "Product", "Any", "All", "SquareSum", "ArgMax", "ArgMin", "LogSumExp")
SCANS = ("Sum", "Product", "Max", "Min")
MEAN, MAX, MIN, ARGMAX, ARGMIN, LOGSUMEXP = 1, 2, 3, 8, 9, 10
SHORT = 1024  # rows up to here are a warp's
CHUNK = 8192  # elements of a long row, or rows of a column times its width, that one block takes at least
BLOCKS = 1024  # more blocks than this are not made by cutting; at most SHORT, so that a warp can join a row of results


def accumulator(dtype: str) -> str:
    if dtype == "float64":
        return "double"
    if dtype in FLOATS:
        return "float"
    return "uint64_t" if dtype == "uint64" else "int64_t"


@planner("reduce")
def _reduce(call: Call) -> Plan:
    call.expect(1, 1)
    op = call.choice("op", 0, len(OPS) - 1, "operation")
    _, outer, n, inner = call.spec
    results = call.product(outer, inner)
    x, y = call.input(0, call.product(outer, n, inner)), call.output(0, results)
    if results == 0:
        return Plan()
    if n == 0 and op in (MAX, MIN, ARGMAX, ARGMIN):
        call.message("max, min, argmax and argmin need at least one element along the axis; it has size 0")
    if op in (ARGMAX, ARGMIN):
        call.output(0, results, "int32", "int64")
        if y.dtype == "int32" and n > 0x7FFFFFFF:
            call.fail("reduced size for int32 indices", n, 0x7FFFFFFF)
    if op in (MEAN, LOGSUMEXP) and x.dtype not in FLOATS:
        call.message(f"{OPS[op]} needs floats, got {x.dtype}; cast the integers first")
    if op == LOGSUMEXP:
        call.output(0, results, x.dtype)
    a = accumulator(x.dtype)
    size = {ARGMAX: 16, ARGMIN: 16, LOGSUMEXP: 16 if a == "double" else 8}.get(op, 4 if a == "float" else 8)
    defines = {"X": x.type, "Y": y.type, "A": a, "OP": OPS[op]}
    if n == 0:
        params = _params(Input(0), Output(0), outer, 0, inner, 1, 0, 0, 1, True)
        grid = grid_for(results)
        launch = Launch("reduce.cu", "reduce_nothing", {**defines, "PART": 3}, grid, 256, params, options=OPTIONS, member=FREE)
        return Plan([launch])
    # n = 1 and inner > 1 is a row of one element each.
    if n == 1:
        outer, inner = outer * inner, 1
    launches = []
    chunks, chunk = pieces(outer, n, inner)
    scratch = outer * chunks * inner * size if chunks > 1 else 0
    launches.append(_launch(defines, "reduce", outer, n, inner, chunks, chunk, n))
    if chunks > 1:
        launches.append(_launch(defines, "join", outer, chunks, inner, 1, chunks, n))
    return Plan(launches, scratch)


def with_column_sums(call: Call, plan: Plan, count: int, columns: int) -> Plan:
    """`plan`, then the sums of the columns of the call's first output into its second, as `reduce` makes them."""
    first = call.out[0]
    call.output(1, columns, first.dtype)
    rows = count // columns if columns else 0
    operands = [(x.dtype, x.nbytes) for x in call.out]
    after = _reduce(Call("reduce", operands[:1], operands[1:], ReduceSpec(0, 1, rows, columns)))
    for launch in after.launches:
        launch.pointers = tuple(
            (at, OUT, 0 if kind == IN else 1, offset) if kind in (IN, OUT) else (at, kind, k, offset)
            for at, kind, k, offset in launch.pointers
        )
    return Plan([*plan.launches, *after.launches], max(plan.scratch, after.scratch))


def pieces(outer: int, n: int, inner: int) -> tuple[int, int]:
    """Into how many pieces n is cut, and their size: from the sizes alone, so that sums are grouped alike on every GPU."""
    if inner == 1:
        if n <= CHUNK or outer >= BLOCKS:
            return 1, n
        wanted = min(ceil_div(n, CHUNK), ceil_div(BLOCKS, outer))
    else:
        width = width_for(inner)
        least = max(32, CHUNK // width)
        blocks = outer * ceil_div(inner, width)
        if n <= 2 * least or blocks >= BLOCKS:
            return 1, n
        wanted = min(ceil_div(n, least), ceil_div(BLOCKS, blocks))
    chunk = ceil_div(ceil_div(n, wanted), 32) * 32
    return ceil_div(n, chunk), chunk


def width_for(inner: int) -> int:
    width = 1
    while width < 32 and width < inner:
        width *= 2
    return width


def _params(x, y, outer, n, inner, chunks, chunk, total, width, finish) -> dict:
    return {
        "x": x, "y": y, "outer": outer, "n": n, "inner": inner, "chunks": chunks, "chunk": chunk, "total": total, "width": width,
        "finish": finish,
    }  # fmt: skip


def _launch(defines, kind, outer, n, inner, chunks, chunk, total):
    width = width_for(inner)
    x = Input(0) if kind == "reduce" else Scratch()
    y = Output(0) if chunks == 1 else Scratch()
    params = _params(x, y, outer, n, inner, chunks, chunk, total, width, chunks == 1)
    if inner == 1 and n <= SHORT:
        name, part, grid, member = f"{kind}_short", 0, ceil_div(outer, 8), FREE
    elif inner == 1:
        name, part, grid, member = f"{kind}_rows", 1, outer * chunks, ""
    else:
        name, part, grid, member = f"{kind}_columns", 2, outer * chunks * ceil_div(inner, width), IDLE
    return Launch("reduce.cu", name, {**defines, "PART": part}, grid, 256, params, options=OPTIONS, member=member)


@planner("scan")
def _scan(call: Call) -> Plan:
    call.expect(1, 1)
    op = call.choice("op", 0, 3, "operation")
    _, outer, n, inner, reverse, exclusive = call.spec
    count = call.product(outer, n, inner)
    x, y = call.input(0, count), call.output(0, count)
    if op >= 2 and exclusive:
        call.message("cummax and cummin have no exclusive form: there is no first value")
    if count == 0:
        return Plan()
    defines = {"X": x.type, "Y": y.type, "A": accumulator(x.dtype), "OP": SCANS[op]}
    params = {
        "x": Input(0), "y": Output(0), "outer": outer, "n": n, "inner": inner, "reverse": reverse, "exclusive": exclusive,
    }  # fmt: skip
    if inner == 1:
        return Plan([Launch("scan.cu", "scan_rows", defines, outer, 256, params)])
    return Plan([Launch("scan.cu", "scan_columns", defines, ceil_div(outer * inner, 256), 256, params)])
