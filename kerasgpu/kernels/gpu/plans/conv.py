"""Planners of conv, conv_input_grad and conv_filter_grad: implicit GEMM (csrc/cuda/conv.cu), GEMM itself for 1 x 1 windows.

Images of few channels may be convolved directly instead (conv_direct.py).
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from kerasgpu.kernels.gemm import RELU, RELU_GRAD
from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans import column_sums, conv_direct, conv_library, gemm, gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, HostPlan, Plan, ceil_div, planner
from kerasgpu.kernels.window import Window

MOST_SIZE = 1 << 31
MOST_VIEWS = 8  # of one launch
MOST_CLASSES = 4096
ROWS_ONE_BY_ONE = 64  # of a tile at most, where channels are gathered one by one: each row costs registers


def read_window(call: Call) -> Window:
    """The window of a call, checked as csrc/cpu/window.h does."""
    w = call.spec.window
    for dims in w:
        if len(dims) != 3:
            call.fail("dims of the window", len(dims), 3)
        for v in dims:
            if not 0 <= v <= MOST_SIZE:
                call.fail("window parameter", v, f"0 to {MOST_SIZE}")
    if min(w.stride + w.dilation + w.kernel) < 1:
        call.fail("window parameter", 0, 1)
    for dims in (w.size, w.count, w.kernel):
        call.product(*dims)
    return w


class Conv(NamedTuple):
    """A checked call, see csrc/cpu/conv.h."""

    batch: int
    channels: int
    filters: int
    groups: int
    bias: bool
    relu: bool
    window: Window
    mask: int | None = None  # the input of relu_grad, which keeps what is where this one is positive

    @property
    def depth(self) -> int:
        return self.channels // self.groups

    @property
    def width(self) -> int:
        return self.filters // self.groups

    @property
    def x_count(self) -> int:
        return self.batch * math.prod(self.window.size) * self.channels

    @property
    def y_count(self) -> int:
        return self.batch * math.prod(self.window.count) * self.filters

    @property
    def w_count(self) -> int:
        return math.prod(self.window.kernel) * self.depth * self.filters


def read(call: Call) -> Conv:
    s = call.spec
    batch, channels, filters, groups, bias = s.batch, s.channels, s.filters, s.groups, s.bias
    if min(batch, channels, filters, groups) < 0:
        call.message("sizes must not be negative")
    if groups < 1 or channels % groups or filters % groups:
        call.message("channels and filters must be multiples of groups")
    activation = call.choice("activation", 0, RELU_GRAD if call.name == "conv_input_grad" else RELU)
    inputs = 3 if bias else 2
    mask = inputs if activation == RELU_GRAD else None
    c = Conv(batch, channels, filters, groups, bool(bias), activation == RELU, read_window(call), mask)
    call.product(*c.window.size, channels, batch)
    call.product(*c.window.count, filters, batch)
    call.product(*c.window.kernel, c.depth, filters)
    summed = call.name == "conv_filter_grad" and len(call.out) == 2
    call.expect(inputs + (mask is not None), 1 + summed)
    if summed:
        call.output(1, filters, call.out[0].dtype)
    if call.out[0].dtype not in FLOATS:
        raise ValueError(f"{call.name}: output 0 has dtype {call.out[0].dtype}, needs a float dtype")
    return c


class Axis(NamedTuple):
    """csrc/cuda/conv_source.cuh, without the divisors."""

    count: int  # type: ignore[assignment]
    taps: int
    step: int
    tap_step: int
    first: int
    size: int
    kernel_first: int
    kernel_step: int
    out_size: int
    out_first: int
    out_step: int
    kernel: int


def forward_axis(w: Window, d: int) -> Axis:
    return Axis(
        w.count[d], w.kernel[d], w.stride[d], w.dilation[d], -w.before[d], w.size[d], 0, 1, w.count[d], 0, 1, w.kernel[d]
    )  # fmt: skip


def backward_axis(w: Window, d: int, rest: int) -> Axis:
    """Pixels rest, rest + stride, ... of x: the taps t with (rest + before - t * dilation) % stride == 0 see them, last one first."""
    stride, dilation, kernel = w.stride[d], w.dilation[d], w.kernel[d]
    common = math.gcd(stride, dilation)
    apart = stride // common
    count = ceil_div(w.size[d] - rest, stride)
    place = (w.size[d], rest, stride, kernel)
    for t in range(min(kernel, apart)):
        if (rest + w.before[d] - t * dilation) % stride == 0:
            taps = (kernel - 1 - t) // apart + 1
            last = t + (taps - 1) * apart
            first = (rest + w.before[d] - last * dilation) // stride
            return Axis(count, taps, 1, dilation // common, first, w.count[d], last, -apart, *place)
    return Axis(count, 0, 1, 1, 0, w.count[d], 0, 0, *place)


def divisor(value: int) -> dict[str, int]:
    """The struct Divisor, with n // value == n * factor >> shift for 0 <= n < 2^31."""
    bits = max(value - 1, 0).bit_length()
    return {"factor": ceil_div(1 << (31 + bits), max(value, 1)), "shift": 31 + bits, "value": value}


class View(NamedTuple):
    axes: tuple
    depth: int
    pitch: int
    batch: int

    @property
    def rows(self) -> int:
        return self.batch * math.prod(a.count for a in self.axes)

    @property
    def k(self) -> int:
        return self.depth * math.prod(a.taps for a in self.axes)

    def fields(self) -> dict:
        """The struct View of conv_source.cuh."""
        axes = [{**a._asdict(), "count": divisor(a.count), "taps": divisor(a.taps)} for a in self.axes]
        return {"axis": axes, "depth": divisor(self.depth), "pitch": self.pitch, "rows": self.rows, "k": self.k}

    def fits(self) -> bool:
        """Whether everything computed from it stays far within 32 bits."""
        reach = [
            abs(a.first) + a.count * a.step + a.taps * a.tap_step + a.size + a.out_size + abs(a.kernel_first) for a in self.axes
        ]
        return max(reach) < 1 << 29 and max(self.rows, self.k, self.pitch) < gemm_tiles.SMALL // 2


def trivial(w: Window) -> bool:
    """Whether every output pixel sees the input pixel at its own place and no other."""
    return w.kernel == w.stride == (1, 1, 1) and w.before == (0, 0, 0) and w.size == w.count


PARTS = {"conv": 0, "conv_input_grad": 1, "conv_filter_grad": 2}


@planner(*PARTS)
def _conv(call: Call) -> Plan:
    c = read(call)
    part, of = PARTS[call.name], call.out[0]
    if part == 2 and (c.bias or c.relu):
        call.message("bias and activation must be 0")
    counts = ((c.x_count, c.w_count, c.y_count), (c.y_count, c.w_count, c.x_count), (c.x_count, c.y_count, c.w_count))[part]
    call.input(0, counts[0], of.dtype)
    call.input(1, counts[1], of.dtype)
    if c.bias:
        call.input(2, c.filters if part == 0 else c.channels, of.dtype)
    if c.mask is not None:
        call.input(c.mask, c.x_count, of.dtype)
    call.output(0, counts[2])
    positions = c.y_count // max(c.filters, 1)
    if counts[2] == 0:
        return column_sums.after(call, Plan(), positions, c.filters)
    found = conv_library.by_library(call, c, part)
    if found is not None:
        return column_sums.after(call, found, positions, c.filters)
    if trivial(c.window) and c.groups == 1 and max(counts) < gemm_tiles.SMALL:
        return as_gemm(call, c, part)
    views = views_of(c, part)
    if not views or not all(v.fits() for v in views) or max(c.filters, c.channels) * 2 >= gemm_tiles.SMALL:
        return HostPlan()
    if conv_direct.wanted(c, part, gemm_tiles.kind_of(of.dtype), of.dtype, product_of(c, part, views)):
        return conv_direct.plan(call, c, part)
    return tiles(call, c, part, views, max(counts))


def views_of(c: Conv, part: int) -> list[View]:
    """What is multiplied; nothing where strides make more views than is sensible."""
    w = c.window
    if part != 1:
        return [View(tuple(forward_axis(w, d) for d in range(3)), c.depth, c.channels, c.batch)]
    rests = [range(min(w.stride[d], w.size[d])) for d in range(3)]
    if math.prod(map(len, rests)) > MOST_CLASSES:
        return []
    axes = [[backward_axis(w, d, r) for r in rests[d]] for d in range(3)]
    return [View(one, c.width, c.filters, c.batch) for one in itertools.product(*axes)]


def product_of(c: Conv, part: int, views: list[View]) -> tuple[int, int, int, int]:
    """(m, n, k, batch) of the largest view's product, which decides the tile."""
    rows, k = (max(getattr(v, what) for v in views) for what in (("k", "rows") if part == 2 else ("rows", "k")))
    return rows, c.depth if part == 1 else c.width, k, c.groups * len(views)


def as_gemm(call: Call, c: Conv, part: int) -> Plan:
    """A window of one pixel: the pixels are the rows of a matrix."""
    pixels = c.batch * math.prod(c.window.size)
    m, n, k = ((pixels, c.filters, c.channels), (pixels, c.channels, c.filters), (c.channels, c.filters, pixels))[part]
    return gemm.tiled(call, gemm.Gemm(1, m, n, k, part == 2, part == 1, 0, 0, int(c.bias), c.relu, False, 1.0, c.mask))


def tiles(call: Call, c: Conv, part: int, views: list[View], largest: int) -> Plan:
    """Launches of conv.cu, up to MOST_VIEWS views each, and gemm_join.cu where k is cut."""
    of = call.out[0]
    kind = gemm_tiles.kind_of(of.dtype)
    source = (c.depth, c.channels) if part != 1 else (c.width, c.filters)
    vec_a = gemm_tiles.vector(kind, of.item, *source)
    vec_b = gemm_tiles.vector(kind, of.item, c.width, c.filters)
    rows, n, k, entries = product_of(c, part, views)
    pitch = c.channels if part == 1 else c.filters
    most = ROWS_ONE_BY_ONE if vec_a == 1 and part != 2 else None
    choice = gemm_table.choose(kind, rows, n, k, entries, most, vec_a > 1 and vec_b > 1)
    # Stretches of k are joined where rows of the result follow each other and no group has its own bias.
    if len(views) > 1 or (c.bias and c.groups > 1) or c.groups > gemm_tiles.MOST_ACROSS:
        choice = gemm_table.Choice(choice.tile, 1, max(1, ceil_div(k, choice.tile.k)) * choice.tile.k)
    tile = choice.tile
    partial = gemm_tiles.partial_bytes(kind, choice, rows, n, c.groups)
    positions = c.y_count // max(c.filters, 1)
    sums = column_sums.beside(call, positions, c.filters, choice.splits > 1, partial)
    epilogue = gemm_tiles.Epilogue(2 if c.bias else None, int(c.bias), 1.0, c.relu, mask=c.mask)
    dims = next((3 - d for d in range(2) if any(a != 1 for v in views for a in _extent(v.axes[d]))), 1)
    defines = gemm_tiles.defines(
        kind, choice, of, vec_a, vec_b, part != 2, part == 1, PART=part, DIMS=dims,
        INDEX=gemm_tiles.index(largest, c.filters),
    )  # fmt: skip
    across = ceil_div(n, tile.n)
    launches = []
    for begin in range(0, len(views), MOST_VIEWS):
        some = views[begin : begin + MOST_VIEWS]
        down = max(ceil_div(v.k if part == 2 else v.rows, tile.m) for v in some)
        params = {
            "image": Input(0), "other": Input(1), "out": Output(0), "partial": Scratch(), "groups": c.groups, "views": len(some),
            "n": n, "other_pitch": c.filters, "out_pitch": pitch, "down": down, "across": across, "stretch": choice.stretch,
            "epilogue": epilogue.fields(kind, tile, n, pitch),
            "view": [v.fields() for v in some + some[:1] * (MOST_VIEWS - len(some))],
        }  # fmt: skip
        if sums is not None:
            params["sums"] = sums.fields()
            defines["SUMS"] = 1
        grid = (down * across + (sums.blocks if sums else 0), choice.splits, min(c.groups * len(some), gemm_tiles.MOST_ACROSS))
        shared = gemm_tiles.shared_bytes(kind, choice, of.item)
        launches.append(Launch("conv.cu", "conv", defines, grid, tile.threads, params, shared))
    if choice.splits > 1:
        launches.append(gemm_tiles.join(kind, choice, of, rows, n, c.groups, n, pitch, epilogue, sums))
    made = Plan(launches, max(partial, sums.scratch) if sums else partial)
    return made if sums else column_sums.after(call, made, positions, c.filters)


def _extent(a: Axis) -> tuple:
    """All 1 when the dim can be left out."""
    return a.count, a.size, a.out_size, a.kernel, 1 + abs(a.first), 1 + a.out_first
