"""What the planners of gemm and conv share: kinds of arithmetic, a tile's macros, the epilogue, the second pass."""

from __future__ import annotations

from typing import NamedTuple

from kerasgpu.config import tensor_cores
from kerasgpu.kernels.gpu.driver import interface as driver
from kerasgpu.kernels.gpu.driver.launch import Box, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.column_sums import ColumnSums
from kerasgpu.kernels.gpu.plans.gemm_table import Choice, Tile
from kerasgpu.kernels.gpu.plans.plan import Operand, ceil_div, grid_for

SMALL = (1 << 31) - (1 << 16)  # sizes below are int32 in the kernels, tiles beyond the edge included
MOST_ACROSS = 65535  # of the second and third dim of a grid
# Whether wgmma gets floats that are rounded to TF32, as mma.sync does. False: it cuts them, which biases products by about 7e-4.
ROUND = True


def kind_of(dtype: str) -> str:
    """How products of a float dtype are computed: a key of gemm_table.TILES."""
    if dtype == "float64":
        return "double"
    capability = driver.current().capability()
    if dtype == "float32":
        return "tf32" if tensor_cores.is_tf32_enabled() and capability >= (8, 0) else "simt"
    if capability >= (8, 0):
        return "half"
    return "turing" if dtype == "float16" else "simt"


def uses_tensor_cores(kind: str) -> bool:
    return kind in ("tf32", "half", "turing")


def vector(kind: str, item: int, *sizes: int) -> int:
    """Elements that are copied at once when all `sizes` (row lengths, pitches, strides) are multiples of it, else 1."""
    at_once = 16 // item if uses_tensor_cores(kind) else min(4, 16 // item)
    return at_once if all(s % at_once == 0 for s in sizes) else 1


def defines(kind: str, choice: Choice, of: Operand, vec_a: int, vec_b: int, deep_a: bool, deep_b: bool, **more) -> dict:
    """The macros of csrc/cuda/gemm_tile.cuh."""
    tile = choice.tile
    found = {
        "T": of.type, "M": tile.m, "N": tile.n, "K": tile.k, "WM": tile.wm, "WN": tile.wn,
        "MMA": 3 if tile.boxes else 2 if tile.wgmma else int(uses_tensor_cores(kind)),
        "VA": vec_a, "VB": vec_b, "DA": int(deep_a), "DB": int(deep_b), "WHOLE": int(choice.splits == 1),
        "BLOCKS": tile.blocks(sum_item(kind, of.item)) if vec_a > 1 and vec_b > 1 and kind != "double" else 1, **more,
    }  # fmt: skip
    if tile.wgmma:
        found.update(STAGES=tile.stages, ROUND=int(kind == "tf32" and ROUND))
        if tile.boxes:
            found.update(REGISTERS=tile.registers)
    elif uses_tensor_cores(kind):
        found.update(WK=tile.wk, STAGES=tile.stages)
    return found


def index(elements: int, *pitches: int) -> str:
    """The type for steps within an operand: all its elements, or the rows of a tile (at most 256) of these pitches."""
    return "int32_t" if elements < 1 << 30 and max(pitches) < 1 << 22 else "int64_t"


def sum_item(kind: str, item: int) -> int:
    """Bytes of what lies in shared memory: elements for tensor cores, else sums."""
    return item if uses_tensor_cores(kind) else sum_bytes(kind)


def shared_bytes(kind: str, choice: Choice, item: int) -> int:
    return choice.tile.shared(sum_item(kind, item))


def box(of: Operand, tile: Tile, deep: bool, outer: int, rows: int, columns: int, stride: int, batch: int) -> Box:
    """The boxes of an operand (rows, columns) of each of `batch` entries, `stride` elements apart, of which a panel has `outer`."""
    pitch = columns * of.item
    entries, apart = (batch, stride * of.item) if stride else (1, rows * pitch)
    return Box(of.dtype, (columns, rows, entries), (pitch, apart), (tile.k, outer) if deep else (64, tile.k))


class Epilogue(NamedTuple):
    """act(alpha v + bias) (+ what is there); or alpha v + bias where a mask is positive, else 0."""

    bias: int | None = None  # number of the input
    bias_kind: int = 0
    alpha: float = 1.0
    relu: bool = False
    accumulate: bool = False
    mask: int | None = None  # number of the input

    def fields(self, kind: str, tile: Tile, *pitches: int) -> dict:
        """The struct Epilogue of gemm_tile.cuh; pitches: what the elements stored together must divide."""
        together = 2 if uses_tensor_cores(kind) and not tile.wgmma else 4
        packed = kind != "double" and all(p % together == 0 for p in pitches)
        return {**self.common(), "packed": packed}

    def common(self) -> dict:
        return {
            "bias": None if self.bias is None else Input(self.bias), "mask": None if self.mask is None else Input(self.mask),
            "alpha": self.alpha, "bias_kind": self.bias_kind, "relu": self.relu, "accumulate": self.accumulate,
        }  # fmt: skip


def sum_bytes(kind: str) -> int:
    return 8 if kind == "double" else 4


def partial_bytes(kind: str, choice: Choice, m: int, n: int, batch: int) -> int:
    """Scratch memory of the sums of all stretches."""
    if choice.splits == 1:
        return 0
    tile = choice.tile
    return ceil_div(m, tile.m) * tile.m * ceil_div(n, tile.n) * tile.n * batch * choice.splits * sum_bytes(kind)


def join(kind: str, choice: Choice, of: Operand, m: int, n: int, batch: int, c_stride: int, c_pitch: int, epilogue: Epilogue, sums: ColumnSums | None = None):  # fmt: skip
    """The launch of gemm_join.cu that adds up the stretches; and joins chunks of column sums."""
    tile = choice.tile
    quads = ceil_div(n, 4)
    params = {
        **epilogue.common(), "partial": Scratch(), "c": Output(0), "count": batch * m * quads, "c_stride": c_stride,
        "c_pitch": c_pitch, "m": m, "n": n, "quads": quads, "splits": choice.splits, "tile_m": tile.m, "tile_n": tile.n,
        "down": ceil_div(m, tile.m), "across": ceil_div(n, tile.n),
        "packed": kind != "double" and n % 4 == c_pitch % 4 == c_stride % 4 == 0,
    }  # fmt: skip
    defines: dict = {"T": of.type, "S": "double" if kind == "double" else "float"}
    grid = grid_for(batch * m * quads, most=132 * 8)
    if sums is not None and sums.chunks > 1:
        params["sums"] = sums.joining()
        defines["SUMS"] = 1
        grid += sums.strips
    return Launch("gemm_join.cu", "gemm_join", defines, grid, 256, params)
