"""Planners of softmax, log_softmax, the cross-entropies and their gradients (csrc/cuda/softmax*.cu, cross_entropy*.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import FREE, OPTIONS, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output
from kerasgpu.kernels.gpu.plans.plan import DTYPES, FLOATS, Call, Operand, Plan, ceil_div, planner

SHORT = 1024  # a warp takes rows up to here, a block longer ones


def _lanes(x: Operand, n: int, rows: int) -> tuple[dict, int]:
    """(defines, blocks) for rows of n elements."""
    lanes = 32 if n <= SHORT else 256
    defines = {"T": x.type, "A": "double" if x.dtype == "float64" else "float", "LANES": lanes}
    return defines, ceil_div(rows, 8) if lanes == 32 else rows


@planner("softmax", "log_softmax", "softmax_grad", "log_softmax_grad")
def _softmax(call: Call) -> Plan:
    grad = call.name.endswith("_grad")
    call.expect(2 if grad else 1, 1)
    outer, n, inner = call.spec
    count = call.product(outer, n, inner)
    x = call.input(0, count, *FLOATS)
    if grad:
        call.input(1, count, x.dtype)
    call.output(0, count, x.dtype)
    if count == 0:
        return Plan()
    if n == 1 and inner > 1:
        outer, inner = outer * inner, 1
    defines, blocks = _lanes(x, n, outer)
    defines["LOG"] = int(call.name.startswith("log"))
    params = {"x": Input(0), "y": Output(0), "outer": outer, "n": n, "inner": inner, **({"g": Input(1)} if grad else {})}
    if inner > 1:
        blocks = ceil_div(outer * inner, 256)
        defines["LANES"] = 32
    entry = ("grad" if grad else "softmax") + ("_rows" if inner == 1 else "_columns")
    member = FREE if defines["LANES"] == 32 else ""
    return Plan(
        [
            Launch(
                "softmax_grad.cu" if grad else "softmax.cu", entry, defines, blocks, 256, params, options=OPTIONS, member=member
            )
        ]
    )


def _rows(call: Call):
    rows, cols = call.spec.rows, call.spec.cols
    if cols < 1:
        call.fail("classes", cols, 1)
    return rows, cols, call.product(rows, cols)


def _launch(call: Call, entry: str, x: Operand, rows, cols, ins, outs, ignores=0, ignored=0, dtype=0, one_block=False):
    """ins: the numbers of x, targets and g; outs: those of loss, y and bad; None for what is not there."""
    defines, blocks = _lanes(x, cols, rows)
    params: dict = {name: None if k is None else Input(k) for name, k in zip(("x", "targets", "g"), ins)}
    params |= {name: None if k is None else Output(k) for name, k in zip(("loss", "y", "bad"), outs)}
    params |= {"rows": rows, "cols": cols, "ignored": ignored, "ignores": ignores, "dtype": dtype}
    member = FREE if defines["LANES"] == 32 and not one_block else ""
    grid = 1 if one_block else blocks
    source = "cross_entropy.cu" if entry.startswith("dense") else "cross_entropy_sparse.cu"
    return Launch(source, entry, defines, grid, 256, params, options=OPTIONS, member=member)


@planner("softmax_cross_entropy")
def _dense(call: Call) -> Plan:
    call.expect(2, 2)
    rows, cols, count = _rows(call)
    x = call.input(0, count, *FLOATS)
    call.input(1, count, x.dtype)
    call.output(0, rows, x.dtype)
    call.output(1, count, x.dtype)
    if rows == 0:
        return Plan()
    return Plan([_launch(call, "dense_forward", x, rows, cols, (0, 1, None), (0, 1, None))])


@planner("softmax_cross_entropy_grad")
def _dense_grad(call: Call) -> Plan:
    call.expect(3, 1)
    rows, cols, count = _rows(call)
    x = call.input(0, count, *FLOATS)
    call.input(1, count, x.dtype)
    call.input(2, rows, x.dtype)
    call.output(0, count, x.dtype)
    if rows == 0:
        return Plan()
    return Plan([_launch(call, "dense_backward", x, rows, cols, (0, 1, 2), (None, 0, None))])


def _labels(call: Call, rows: int) -> int:
    labels = call.input(1, rows, "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
    return DTYPES[labels.dtype][2]


@planner("sparse_softmax_cross_entropy")
def _sparse(call: Call) -> Plan:
    call.expect(2, 3 if len(call.out) == 3 else 2)
    rows, cols, count = _rows(call)
    x = call.input(0, count, *FLOATS)
    dtype = _labels(call, rows)
    call.output(0, rows, x.dtype)
    call.output(1, count, x.dtype)
    ignores, ignored = int(call.spec.ignores), call.spec.ignored
    launches = []
    if rows:
        launches.append(
            _launch(call, "sparse_forward", x, rows, cols, (0, 1, None), (0, 1, None), ignores, ignored, dtype)
        )  # fmt: skip
    if len(call.out) == 3:
        call.output(2, 1, "int32")
        ins, outs = (None, 1, None), (None, None, 2)
        launches.append(_launch(call, "count_bad", x, rows, cols, ins, outs, ignores, ignored, dtype, one_block=True))
    return Plan(launches)


@planner("sparse_softmax_cross_entropy_grad")
def _sparse_grad(call: Call) -> Plan:
    call.expect(3, 1)
    rows, cols, count = _rows(call)
    x = call.input(0, count, *FLOATS)
    dtype = _labels(call, rows)
    call.input(2, rows, x.dtype)
    call.output(0, count, x.dtype)
    if rows == 0:
        return Plan()
    ignores, ignored = int(call.spec.ignores), call.spec.ignored
    ins, outs = (0, 1, 2), (None, 0, None)
    return Plan([_launch(call, "sparse_backward", x, rows, cols, ins, outs, ignores, ignored, dtype)])
