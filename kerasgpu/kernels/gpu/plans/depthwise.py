"""Planners of depthwise_conv and its gradients (csrc/cuda/depthwise.cu, depthwise_filter_grad.cu)."""

from __future__ import annotations

import math
from typing import NamedTuple

from kerasgpu.kernels.gpu.driver.launch import MAX_GRID, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.conv import read_window
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, HostPlan, Operand, Plan, ceil_div, grid_for, planner
from kerasgpu.kernels.window import Window

THREADS = 256
COLUMNS = (4, 2)  # of a thread
ENOUGH = 1 << 16  # threads with which an H100 is busy: below that, threads take fewer columns
BLOCKS = 528  # of a filter gradient: four for each multiprocessor of an H100, whatever the GPU at hand has
LEAST_UNITS = 2  # of a thread, before its sums are joined with others'
SHARED = 48 << 10
SMALL = 1 << 30
MOST_TAPS = 7  # of a line, that are kept in registers


class Depthwise(NamedTuple):
    """A checked call; csrc/cpu/depthwise.h."""

    batch: int
    channels: int
    window: Window

    @property
    def x_count(self) -> int:
        return self.batch * self.channels * math.prod(self.window.size)

    @property
    def y_count(self) -> int:
        return self.batch * self.channels * math.prod(self.window.count)

    @property
    def k_count(self) -> int:
        return self.channels * math.prod(self.window.kernel)


def read(call: Call) -> Depthwise:
    d = Depthwise(call.spec.batch, call.spec.channels, read_window(call))
    for dims in (d.window.size, d.window.count):
        call.product(*dims, d.batch, d.channels)
    call.product(*d.window.kernel, d.channels)
    return d


def vector(item: int, channels: int, most: int = 16) -> int:
    """Channels that are moved at once: up to `most` bytes."""
    found = max(1, most // item)
    while channels % found:
        found //= 2
    return found


def taps_and_stride(w: Window) -> tuple[int, int]:
    """Of the last dim, where columns in registers serve several columns of the result; else (0, 1)."""
    kernel, stride = w.kernel[2], w.stride[2]
    return (kernel, stride) if kernel <= MOST_TAPS and w.dilation[2] == 1 and stride <= 2 else (0, 1)


def index(w: Window, *counts: int) -> str:
    """The type of positions: everything computed from the window and these counts must stay within it."""
    reach = [
        (w.count[d] + w.size[d] + 4096) * w.stride[d] + w.kernel[d] * w.dilation[d] + w.before[d] + w.size[d] for d in range(3)
    ]
    return "int32_t" if max(*reach, *counts) < SMALL else "int64_t"


class Lanes(NamedTuple):
    """Logarithms of how many threads of a block lie along channels, columns and rows."""

    channels: int
    columns: int
    rows: int


def lanes_for(vectors: int, groups: int, rows: int, bytes_of: int, columns: int, w: Window) -> Lanes:
    """The tile of a block that wastes least: threads without work, borders of the source read twice, short reads.

    Args:
        vectors, groups, rows: of channels, of columns, and rows of the result.
        bytes_of: bytes of a vector.
        columns: of a group.
    """

    def cost(lanes: Lanes) -> float:
        c, g, r = (1 << v for v in lanes)
        padded = ceil_div(vectors, c) * c * ceil_div(groups, g) * g * ceil_div(rows, r) * r
        borders = 1.0
        for d, n in ((1, r), (2, g * columns)):
            borders *= 1 + max(0, (w.kernel[d] - 1) * w.dilation[d] + 1 - w.stride[d]) / (n * w.stride[d])
        return padded * borders * (1 + 16 / (c * bytes_of))

    total = THREADS.bit_length() - 1
    every = [Lanes(c, g, total - c - g) for c in range(6) for g in range(total - c + 1)]
    return min(every, key=cost)


@planner("depthwise_conv")
def _forward(call: Call) -> Plan:
    bias, relu = call.choice("bias", 0, 1), call.choice("activation", 0, 1)
    call.expect(3 if bias else 2, 1)
    d = read(call)
    return _plan(call, d, False, bool(bias), relu)


@planner("depthwise_input_grad")
def _input_grad(call: Call) -> Plan:
    call.expect(2, 1)
    return _plan(call, read(call), True, False, 0)


def _operands(call: Call, *counts: int) -> Operand:
    """Checks the inputs of these counts against the dtype of output 0."""
    of = call.out[0]
    if of.dtype not in FLOATS:
        raise ValueError(f"{call.name}: output 0 has dtype {of.dtype}, needs a float dtype")
    for k, count in enumerate(counts):
        call.input(k, count, of.dtype)
    return of


def _plan(call: Call, d: Depthwise, grad: bool, bias: bool, relu: int) -> Plan:
    source, result = (d.y_count, d.x_count) if grad else (d.x_count, d.y_count)
    of = _operands(call, source, d.k_count, *((d.channels,) if bias else ()))
    call.output(0, result)
    if result == 0:
        return Plan()
    w, to = d.window, d.window.size if grad else d.window.count
    taps, stride = taps_and_stride(w)
    # Weights of long lines in registers leave less room for channels of half types.
    size = vector(of.item, d.channels, 16 if taps <= 3 else min(16, 4 * of.item))
    vectors, rows = d.channels // size, d.batch * to[0] * to[1]
    columns = next((c for c in COLUMNS if vectors * rows * ceil_div(to[2], c) >= ENOUGH), COLUMNS[-1])
    groups = ceil_div(to[2] + (w.before[2] % stride if grad else 0), columns)
    lanes = lanes_for(vectors, groups, rows, size * of.item, columns, w)
    strips, across, down = (ceil_div(n, 1 << lane) for n, lane in zip((vectors, groups, rows), lanes))
    tiles = strips * across * down
    kind = index(w, rows + THREADS, tiles, to[2] + THREADS * columns)
    params = {
        "x": Input(0), "k": Input(1), "bias": Input(2) if bias else None, "y": Output(0), "channels": d.channels,
        "w": w._asdict(), "rows": rows, "strips": strips, "groups": across, "tiles": tiles, "channel_lanes": lanes.channels,
        "column_lanes": lanes.columns, "row_lanes": lanes.rows, "relu": relu,
    }  # fmt: skip
    defines = {
        "T": of.type, "INDEX": kind, "V": size, "W": columns, "TAPS": taps, "STRIDE": stride, "GRAD": int(grad),
    }  # fmt: skip
    return Plan([Launch("depthwise.cu", "depthwise", defines, min(tiles, 1 << 20), THREADS, params)])


def split_sums(of: Operand, sums: str, count: int, splits: int) -> Launch:
    """The launch that adds up `splits` stretches of `count` sums at the start of scratch memory into output 0 (split_sums.cu)."""
    params = {"partial": Scratch(), "out": Output(0), "count": count, "splits": splits}
    return Launch("split_sums.cu", "split_sums", {"T": of.type, "S": sums}, grid_for(count, 32), THREADS, params)


@planner("depthwise_filter_grad")
def _filter_grad(call: Call) -> Plan:
    call.expect(2, 1)
    d = read(call)
    of = _operands(call, d.x_count, d.y_count)
    call.output(0, d.k_count)
    if d.k_count == 0:
        return Plan()
    sums, item = ("double", 8) if of.dtype == "float64" else ("float", 4)
    if d.x_count == 0 or d.y_count == 0:
        return Plan([split_sums(of, sums, d.k_count, 0)])
    w, columns = d.window, COLUMNS[0]
    size = vector(of.item, d.channels, min(16, 4 * of.item))
    taps, stride = taps_and_stride(w)
    lines = max(1, SHARED // (8 * 32 * size * item) // max(1, taps))  # as many sums as shared memory joins
    lines = min(lines, w.kernel[0] * w.kernel[1] if taps else min(4, w.kernel[2]))
    parts = ceil_div(w.kernel[0] * w.kernel[1], lines) if taps else w.kernel[0] * w.kernel[1] * ceil_div(w.kernel[2], lines)
    vectors, groups = d.channels // size, ceil_div(w.count[2], columns)
    units = d.batch * w.count[0] * w.count[1] * groups
    waste = lambda c: ceil_div(vectors, 1 << c) * (1 << c) * (1 + 16 / (size * of.item << c))
    lane = min(range(6), key=waste)
    strips, per_block = ceil_div(vectors, 1 << lane), THREADS >> lane
    wanted = max(1, min(ceil_div(units, per_block * LEAST_UNITS), ceil_div(BLOCKS, strips * parts)))
    stretch = ceil_div(ceil_div(units, wanted), per_block) * per_block
    splits = ceil_div(units, stretch)
    blocks = strips * parts * splits
    if blocks > MAX_GRID:
        return HostPlan()
    kind = index(w, units + stretch + THREADS, blocks)
    params = {
        "x": Input(0), "g": Input(1), "out": Output(0) if splits == 1 else None, "partial": None if splits == 1 else Scratch(),
        "channels": d.channels, "w": w._asdict(), "units": units, "groups": groups, "strips": strips, "parts": parts,
        "stretch": stretch, "channel_lanes": lane,
    }  # fmt: skip
    defines = {
        "T": of.type, "INDEX": kind, "V": size, "W": columns, "TAPS": taps, "STRIDE": stride, "LINES": lines,
    }  # fmt: skip
    shared = 8 * (1 << lane) * lines * max(1, taps) * size * item
    launches = [Launch("depthwise_filter_grad.cu", "depthwise_filter_grad", defines, blocks, THREADS, params, shared)]
    if splits == 1:
        return Plan(launches)
    return Plan([*launches, split_sums(of, sums, d.k_count, splits)], splits * d.k_count * item)
