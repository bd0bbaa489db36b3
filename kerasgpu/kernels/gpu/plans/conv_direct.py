"""Direct convolution of images with few channels (csrc/cuda/conv_direct.cu, conv_direct_filter_grad.cu), beside implicit GEMM.

`wanted` decides which of the two a call gets: a row of gemm_table.MEASURED or gemm_table.forced that names the tile "direct" (or any other
tile), else whether the product is too shallow for tensor cores.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans import column_sums, gemm_table
from kerasgpu.kernels.gpu.plans.plan import Call, Plan, ceil_div, grid_for

if TYPE_CHECKING:
    from kerasgpu.kernels.gpu.plans.conv import Conv

MOST_CHANNELS = 4
MOST_TAPS = 7  # each way
DEEPEST = 32  # taps * channels that tensor cores would fill up with zeros
THREADS = 256
SHARED = 64 << 10  # bytes that every chip has
MOST_RUN = 64  # values of a line in registers
MOST_SUMS = 28  # taps of a part of the filter gradient, four filters each
GROUPS = 64  # of columns, in a tile of the filter gradient
COLUMNS = 4  # of a group there
BLOCKS = 264  # two for each multiprocessor of an H100, whatever the GPU at hand has
SMALL = 1 << 29


class DirectTile(NamedTuple):
    """What takes the place of a gemm_table.Tile in benchmarks and tables."""

    name: str = "direct"


CHOICE = gemm_table.Choice(DirectTile(), 1, 0)  # type: ignore[arg-type]


class Tile(NamedTuple):
    """A strip of 4 * lanes filters; rows by groups of `columns` columns of the result."""

    lanes: int
    columns: int
    rows: int
    groups: int

    def line(self, c: Conv) -> int:
        """Values of a line of pixels in shared memory, in steps of 16 bytes."""
        w = c.window
        return ceil_div(((self.groups * self.columns - 1) * w.stride[2] + w.kernel[2]) * c.channels, 4) * 4

    def pixels(self, c: Conv) -> int:
        return ((self.rows - 1) * c.window.stride[1] + c.window.kernel[1]) * self.line(c)


def fits(c: Conv, part: int, dtype: str) -> bool:
    """Whether the kernels take it: one or two dims, no dilation, short taps, one group, not the gradient of the input."""
    w = c.window
    flat = w.size[0] == w.count[0] == w.kernel[0] == 1 and w.before[0] == 0
    short = max(w.kernel[1:]) <= MOST_TAPS and max(w.stride[1:]) <= 2
    dense = all(w.dilation[d] == 1 or w.kernel[d] == 1 for d in (1, 2))
    reach = max((max(w.size[d], w.count[d]) + 4096) * w.stride[d] * c.channels + w.before[d] * c.channels for d in (1, 2))
    small = max(reach, c.batch * w.count[1] * w.count[2], c.filters * MOST_TAPS**2 * MOST_CHANNELS) < SMALL
    some = 1 <= c.channels <= MOST_CHANNELS and c.x_count > 0 and c.y_count > 0
    return part != 1 and c.groups == 1 and flat and short and dense and small and some and dtype != "float64"


def wanted(c: Conv, part: int, kind: str, dtype: str, sizes: tuple) -> bool:
    """Whether a call is computed directly. `sizes`: (m, n, k, batch) of the product it would be."""
    if not fits(c, part, dtype):
        return False
    named = gemm_table.forced or gemm_table.MEASURED.get(gemm_table.shape_class(kind, *sizes))
    if named is not None:
        return named[0] == "direct"
    return kind == "simt" or math.prod(c.window.kernel) * c.channels <= DEEPEST


def _powers(most: int):
    return [1 << k for k in range(most.bit_length())]


def padded(c: Conv, tile: Tile) -> int:
    """Elements of the result, those that tiles at the borders compute in vain included."""
    up = lambda n, of: ceil_div(n, of) * of
    w = c.window
    return c.batch * up(w.count[1], tile.rows) * up(w.count[2], tile.groups * tile.columns) * up(c.filters, 4 * tile.lanes)


def forward_tile(c: Conv) -> tuple[Tile, int]:
    """(tile, bytes of shared memory): the least work, counting multiplications and reads of shared memory."""
    w = c.window
    depth = w.kernel[1] * w.kernel[2] * c.channels
    line = w.kernel[2] * c.channels
    best: tuple = (math.inf,)
    for lanes, columns in itertools.product((16, 8, 4, 2, 1), (8, 4)):
        run = ((columns - 1) * w.stride[2] + w.kernel[2]) * c.channels
        if columns > 4 and run > MOST_RUN:
            continue
        for groups in _powers(THREADS // lanes):
            tile = Tile(lanes, columns, THREADS // lanes // groups, groups)
            shared = 4 * (depth * 4 * lanes + tile.pixels(c))
            if shared > SHARED:
                continue
            work = padded(c, tile) * depth * (1 + 2 * (run / 4 + line) / (4 * columns * line))
            staged = padded(c, tile) / (tile.rows * groups * columns * 4 * lanes) * tile.pixels(c) * 8
            best = min(best, (work + staged, tile, shared))
    return best[1], best[2]


def grad_tile(c: Conv) -> Tile:
    def cost(tile: Tile) -> float:
        area = tile.rows * tile.groups * COLUMNS
        return padded(c, tile) * (1 + 4 * tile.pixels(c) / (area * 4 * tile.lanes))

    every = (Tile(lanes, COLUMNS, GROUPS // g, g) for lanes in (16, 8, 4, 2, 1) for g in _powers(GROUPS))
    return min((t for t in every if 4 * t.pixels(c) <= SHARED), key=cost)


def _launch(call: Call, c: Conv, tile: Tile, entry: str, blocks: int, threads: int, shared: int, whole: bool, sums=None, **more):  # fmt: skip
    w, of = c.window, call.out[0]
    down, across = ceil_div(w.count[1], tile.rows), ceil_div(w.count[2], tile.groups * tile.columns)
    params = {
        "x": Input(0), "w": Input(1), "bias": Input(2) if c.bias else None, "y": Output(0) if whole else None,
        "partial": Scratch(), "height": w.size[1], "width": w.size[2], "out_height": w.count[1], "out_width": w.count[2],
        "filters": c.filters, "lines": w.kernel[1], "stride": w.stride[1], "before_y": w.before[1], "before_x": w.before[2],
        "rows": tile.rows, "groups": tile.groups, "down": down, "across": across, "tiles": c.batch * down * across,
        "line": tile.line(c), "strips": strips_of(c, tile), "relu": c.relu, "packed": c.filters % 4 == 0,
        "parts": more.pop("parts", 1), "stretch": more.pop("stretch", 0),
    }  # fmt: skip
    defines = {
        "T": of.type, "CHANNELS": c.channels, "TAPS": w.kernel[2], "STRIDE": w.stride[2], "P": tile.columns,
        "LANES": tile.lanes, **more,
    }  # fmt: skip
    if sums is not None:
        params["sums"] = sums.fields()
        defines["SUMS"] = 1
        blocks += sums.blocks
    return Launch(f"{entry}.cu", entry, defines, blocks, threads, params, shared)


def strips_of(c: Conv, tile: Tile) -> int:
    return ceil_div(c.filters, 4 * tile.lanes)


def tiles_of(c: Conv, tile: Tile) -> int:
    w = c.window
    return c.batch * ceil_div(w.count[1], tile.rows) * ceil_div(w.count[2], tile.groups * tile.columns)


def plan(call: Call, c: Conv, part: int) -> Plan:
    """The plan of a call that `fits`; its operands are checked."""
    return forward(call, c) if part == 0 else filter_grad(call, c)


def forward(call: Call, c: Conv) -> Plan:
    tile, shared = forward_tile(c)
    strips = strips_of(c, tile)
    blocks = strips * min(tiles_of(c, tile), max(1, ceil_div(2 * BLOCKS, strips)))
    return Plan([_launch(call, c, tile, "conv_direct", blocks, THREADS, shared, True)])


def filter_grad(call: Call, c: Conv) -> Plan:
    w, of = c.window, call.out[0]
    tile = grad_tile(c)
    lines = max(1, min(w.kernel[1], MOST_SUMS // (w.kernel[2] * c.channels)))
    parts = ceil_div(w.kernel[1], lines)
    warps = parts * max(1, 8 // parts)
    strips, tiles = strips_of(c, tile), tiles_of(c, tile)
    stretch = ceil_div(tiles, min(ceil_div(tiles, 2), ceil_div(BLOCKS, strips)))
    splits = ceil_div(tiles, stretch)
    shared = 4 * max(tile.pixels(c), warps * lines * w.kernel[2] * c.channels * 4 * tile.lanes, THREADS)
    partial = 4 * splits * c.w_count if splits > 1 else 0
    positions = c.y_count // c.filters
    sums = column_sums.beside(call, positions, c.filters, splits > 1, partial)
    launches = [_launch(
        call, c, tile, "conv_direct_filter_grad", strips * splits, 32 * warps, shared, splits == 1, sums, LINES=lines, parts=parts,
        stretch=stretch,
    )]  # fmt: skip
    if splits > 1:
        params = {"partial": Scratch(), "out": Output(0), "count": c.w_count, "splits": splits}
        defines: dict = {"T": of.type, "S": "float"}
        grid = grid_for(c.w_count, 32)
        if sums is not None and sums.chunks > 1:
            params["sums"] = sums.joining()
            defines["SUMS"] = 1
            grid += sums.strips
        launches.append(Launch("split_sums.cu", "split_sums", defines, grid, THREADS, params))
    made = Plan(launches, max(partial, sums.scratch) if sums else partial)
    return made if sums else column_sums.after(call, made, positions, c.filters)
