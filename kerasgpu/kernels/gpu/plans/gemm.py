"""Planner of gemm: tiles on tensor cores or ordinary cores for floats; the plain kernel of csrc/cuda/gemm.cu for the rest."""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.config import tensor_cores
from kerasgpu.kernels.gemm import RELU, RELU_GRAD
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Map, Output, Scratch
from kerasgpu.kernels.gpu.plans import column_sums, gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.finish import finished
from kerasgpu.kernels.gpu.plans.plan import FLOATS, LIMIT, Call, Plan, ceil_div, planner
from kerasgpu.kernels.gpu.vendor import blaslt

TILE = 64
MOST_BLOCKS = 1 << 20


class Gemm(NamedTuple):
    """A checked call, see csrc/cpu/gemm.cpp."""

    batch: int
    m: int
    n: int
    k: int
    trans_a: bool
    trans_b: bool
    a_stride: int
    b_stride: int
    bias_kind: int
    relu: bool
    accumulate: bool
    alpha: float
    mask: int | None = None  # the input of relu_grad, which keeps what is where this one is positive


def read(call: Call) -> Gemm:
    s = call.spec
    batch, m, n, k, a_stride, b_stride = s.batch, s.m, s.n, s.k, s.a_stride, s.b_stride
    if min(batch, m, n, k, a_stride, b_stride, s.transpose_a, s.transpose_b) < 0:
        call.message("sizes and strides must not be negative")
    bias_kind = call.choice("bias_kind", 0, 2)
    activation = call.choice("activation", 0, RELU_GRAD)
    inputs = 2 if bias_kind == 0 else 3
    mask = inputs if activation == RELU_GRAD else None
    g = Gemm(
        batch, m, n, k, bool(s.transpose_a), bool(s.transpose_b), a_stride, b_stride, bias_kind, activation == RELU,
        bool(s.accumulate), s.alpha, mask,
    )  # fmt: skip
    summed = len(call.out) == 2
    call.expect(inputs + (mask is not None), 1 + summed)
    if summed and (g.trans_b or batch != 1 or call.out[0].dtype not in FLOATS):
        call.message("column sums need floats and one right side that is not transposed")
    if mask is not None and g.accumulate:
        call.message("activation relu_grad cannot be combined with accumulate")
    dtype = call.out[0].dtype

    def span(stride, one):
        total = call.product(max(batch - 1, 0), stride) + (one if batch else 0)
        if total > LIMIT:
            call.fail("size product", stride, "sizes whose product fits in 63 bits")
        return total

    call.input(0, span(a_stride, call.product(m, k)), dtype)
    call.input(1, span(b_stride, call.product(k, n)), dtype)
    if bias_kind:
        call.input(2, n if bias_kind == 1 else m, dtype)
    if mask is not None:
        call.input(mask, call.product(batch, m, n), dtype)
    call.output(0, call.product(batch, m, n))
    if summed:
        call.output(1, n, dtype)
    if dtype not in FLOATS:
        if g.alpha != 1:
            call.message("alpha must be 1 for integers")
        if dtype == "bool" and (bias_kind or activation or g.accumulate):
            call.message("bias, activation and accumulate are not defined for bool")
    return g


def sum_type(dtype: str) -> str:
    """The type that products of a dtype are summed in."""
    if dtype == "float64":
        return "double"
    if dtype in FLOATS:
        return "float"
    return "uint64_t" if dtype in ("int64", "uint64") else "uint32_t"


@planner("gemm")
def _gemm(call: Call) -> Plan:
    g = read(call)
    if g.batch == 0 or g.m == 0 or g.n == 0:
        return column_sums.after(call, Plan(), g.k, g.n)
    if call.out[0].dtype in FLOATS and max(g.batch, g.m, g.n, g.k) < gemm_tiles.SMALL:
        return tiled(call, g)
    return plain(call, g)


def by_library(call: Call, g: Gemm, kind: str) -> Plan | None:
    """cuBLASLt, where KERASGPU_GEMM=cublaslt asks for it or a measured row says that it is faster, and it has what is needed."""
    dtype, wanted = call.out[0].dtype, tensor_cores.products()
    if wanted == "auto":
        row = gemm_table.MEASURED.get(gemm_table.shape_class(kind, g.m, g.n, g.k, g.batch))
        if row is None or row[0] != "cublaslt":
            return None
    if wanted not in ("auto", "cublaslt") or gemm_table.forced is not None:
        return None
    driver = drivers.current()
    problem = driver.library_problem("cublasLt")
    if problem and wanted == "cublaslt":
        raise RuntimeError(f"KERASGPU_GEMM=cublaslt: {problem}")
    if problem or g.bias_kind == 2 or (g.relu and g.accumulate) or g.k == 0:
        return None
    product = blaslt.Product(
        dtype, kind == "tf32", g.batch, g.m, g.n, g.k, g.trans_a, g.trans_b, g.a_stride, g.b_stride, bool(g.bias_kind), g.relu,
        g.accumulate, g.alpha,
    )  # fmt: skip
    workspace = driver.library_workspace(product)
    if workspace is None:
        return None
    launches: list[Launch] = [blaslt.launch_of(product, workspace)]
    if g.mask is not None:  # the library's own epilogue wants a mask of bits
        launches += finished(call, g.batch * g.m, g.n, mask=g.mask)
    return Plan(launches, workspace)


def tiled(call: Call, g: Gemm) -> Plan:
    """gemm_tiled.cu, and gemm_join.cu where k is cut; or a library."""
    out = call.out[0]
    kind = gemm_tiles.kind_of(out.dtype)
    found = by_library(call, g, kind)
    if found is not None:
        return column_sums.after(call, found, g.k, g.n)
    deep_a, deep_b = not g.trans_a, g.trans_b
    a_pitch, b_pitch = g.k if deep_a else g.m, g.k if deep_b else g.n
    single = g.batch == 1
    vec_a = gemm_tiles.vector(kind, out.item, a_pitch, 0 if single else g.a_stride)
    vec_b = gemm_tiles.vector(kind, out.item, b_pitch, 0 if single else g.b_stride)
    boxes = 0 < g.k and max(g.a_stride, g.b_stride) * out.item < 1 << 40
    choice = gemm_table.choose(kind, g.m, g.n, g.k, g.batch, whole=vec_a > 1 and vec_b > 1, matrices=boxes)
    tile = choice.tile
    down, across = ceil_div(g.m, tile.m), ceil_div(g.n, tile.n)
    if down * across > MOST_BLOCKS * 64 or g.batch > MOST_BLOCKS:
        return plain(call, g)
    partial = gemm_tiles.partial_bytes(kind, choice, g.m, g.n, g.batch)
    sums = column_sums.beside(call, g.k, g.n, choice.splits > 1, partial)
    epilogue = gemm_tiles.Epilogue(2 if g.bias_kind else None, g.bias_kind, g.alpha, g.relu, g.accumulate, g.mask)
    index = gemm_tiles.index(0, a_pitch, b_pitch)
    defines = gemm_tiles.defines(kind, choice, out, vec_a, vec_b, deep_a, deep_b, INDEX=index)
    shared = gemm_tiles.shared_bytes(kind, choice, out.item)
    launches = []
    for first in range(0, g.batch, gemm_tiles.MOST_ACROSS):
        params = {
            "a": Input(0), "b": Input(1), "c": Output(0), "partial": Scratch(), "a_stride": g.a_stride, "b_stride": g.b_stride,
            "a_pitch": a_pitch, "b_pitch": b_pitch, "m": g.m, "n": g.n, "k": g.k, "first_entry": first, "down": down,
            "across": across, "stretch": choice.stretch, "unused": 0, "epilogue": epilogue.fields(kind, tile, g.n),
        }  # fmt: skip
        if sums is not None:
            params["sums"] = sums.fields()
            defines["SUMS"] = 1
        if tile.boxes:
            a_rows, b_rows = g.m if deep_a else g.k, g.n if deep_b else g.k
            a_stride, b_stride = (0, 0) if single else (g.a_stride, g.b_stride)
            boxes_a = gemm_tiles.box(out, tile, deep_a, tile.m, a_rows, a_pitch, a_stride, g.batch)
            boxes_b = gemm_tiles.box(out, tile, deep_b, tile.n, b_rows, b_pitch, b_stride, g.batch)
            params |= {"a_map": Map(0, boxes_a), "b_map": Map(1, boxes_b)}
        grid = (down * across + (sums.blocks if sums else 0), choice.splits, min(g.batch - first, gemm_tiles.MOST_ACROSS))
        launches.append(Launch("gemm_tiled.cu", "gemm_tiled", defines, grid, tile.block, params, shared))
    if choice.splits > 1:
        launches.append(gemm_tiles.join(kind, choice, out, g.m, g.n, g.batch, g.m * g.n, g.n, epilogue, sums))
    made = Plan(launches, max(partial, sums.scratch) if sums else partial)
    return made if sums else column_sums.after(call, made, g.k, g.n)


def plain(call: Call, g: Gemm) -> Plan:
    """gemm.cu, which takes any dtype and size."""
    dtype = call.out[0].dtype
    params = {
        "a": Input(0), "b": Input(1), "bias": Input(2) if g.bias_kind else None, "mask": None if g.mask is None else Input(g.mask),
        "c": Output(0), "batch": g.batch, "m": g.m, "n": g.n, "k": g.k, "a_stride": g.a_stride, "b_stride": g.b_stride,
        "alpha": g.alpha, "trans_a": g.trans_a, "trans_b": g.trans_b, "bias_kind": g.bias_kind, "relu": g.relu,
        "accumulate": g.accumulate, "unit_alpha": g.alpha == 1,
    }  # fmt: skip
    tiles = g.batch * ceil_div(g.m, TILE) * ceil_div(g.n, TILE)
    defines = {"T": call.out[0].type, "A": sum_type(dtype)}
    made = Plan([Launch("gemm.cu", "gemm", defines, min(tiles, MOST_BLOCKS), 256, params, options=("-fmad=false",))])
    return column_sums.after(call, made, g.k, g.n)
