"""Planners of layer_norm and layer_norm_grad (csrc/cuda/norm_rows.cu, norm_rows_grad.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.norm import statistics
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Plan, ceil_div, planner

SHORT = 1024  # a warp takes rows up to here, a block longer ones
ROWS, BLOCKS = 64, 512  # least rows of a chunk; more blocks than this are not made by cutting
ADDRESSES = ("x", "g", "gamma", "beta", "saved_in", "y", "saved", "dgamma", "dbeta")


def _read(call: Call):
    rows, n = call.spec.rows, call.spec.n
    x = call.input(0, call.product(rows, n), *FLOATS)
    call.product(64, max(rows, 1), max(n, 1))
    return rows, n, x, statistics(x), call.spec.centered


def _launch(entry, part, grid, like, rows, n, centered, chunk=1, chunks=0, epsilon=0.0, **operands):
    params = {
        **dict.fromkeys(ADDRESSES), **operands, "partial": Scratch(), "rows": rows, "n": n, "chunk": chunk, "chunks": chunks,
        "epsilon": epsilon, "centered": centered,
    }  # fmt: skip
    defines = {"T": like.type, "LANES": 32 if n <= SHORT else 256}
    if part is not None:
        defines["PART"] = part
    return Launch("norm_rows.cu" if part is None else "norm_rows_grad.cu", entry, defines, grid, 256, params)


def _row_blocks(rows: int, n: int) -> int:
    return ceil_div(rows, 8) if n <= SHORT else rows


@planner("layer_norm")
def _layer_norm(call: Call) -> Plan:
    if not call.inp:
        call.fail("number of inputs", 0, 1)
    call.expect(len(call.inp), 2)
    rows, n, x, kind, centered = _read(call)
    scaled, shifted = int(call.spec.gamma), int(call.spec.beta)
    if len(call.inp) != 1 + scaled + shifted:
        call.fail("number of inputs", len(call.inp), 1 + scaled + shifted)
    for k in range(1, len(call.inp)):
        call.input(k, n, kind)
    call.output(0, rows * n, x.dtype)
    call.output(1, (3 if centered else 1) * rows, kind)
    if rows == 0:
        return Plan()
    operands = {
        "x": Input(0),
        "gamma": Input(1) if scaled else None,
        "beta": Input(1 + scaled) if shifted else None,
        "y": Output(0),
        "saved": Output(1),
    }
    return Plan(
        [_launch("layer_norm", None, _row_blocks(rows, n), x, rows, n, centered, epsilon=call.spec.epsilon, **operands)]
    )


@planner("layer_norm_grad")
def _layer_norm_grad(call: Call) -> Plan:
    if not call.inp:
        call.fail("number of inputs", 0, 3)
    sums, scaled = call.spec.sums, call.spec.gamma
    call.expect(3 + scaled, 3 if sums else 1)
    rows, n, x, kind, centered = _read(call)
    call.input(1, rows * n, x.dtype)
    call.input(2, (3 if centered else 1) * rows, kind)
    if scaled:
        call.input(3, n, kind)
    call.output(0, rows * n, x.dtype)
    both = {"x": Input(0), "g": Input(1), "saved_in": Input(2)}
    launches, scratch = [], 0
    if sums and n:
        call.output(1, n, kind)
        call.output(2, n, kind)
        strips = ceil_div(n, 32)
        wanted = max(1, min(ceil_div(rows, ROWS), ceil_div(BLOCKS, strips)))
        chunk = max(1, ceil_div(rows, wanted))
        chunks = ceil_div(rows, chunk)
        scratch = 2 * chunks * n * (8 if kind == "float64" else 4)
        cut = {"chunk": chunk, "chunks": chunks}
        # Before dx, which may be g.
        if chunks:
            launches.append(_launch("layer_sums", 1, chunks * strips, x, rows, n, centered, **cut, **both))
        out = {"dgamma": Output(1), "dbeta": Output(2)}
        launches.append(_launch("layer_join", 1, ceil_div(n, 256), x, rows, n, centered, **cut, **out))
    if rows * n:
        operands = {**both, "gamma": Input(3) if scaled else None, "y": Output(0)}
        launches.append(_launch("layer_norm_grad", 0, _row_blocks(rows, n), x, rows, n, centered, **operands))
    return Plan(launches, scratch)
