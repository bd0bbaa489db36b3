"""Planners of resample, sample_map and sample_grid (csrc/cuda/resample.cu, sample.cu)."""

from __future__ import annotations

import ctypes

from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.plans.plan import Call, Plan, grid_for, planner

OPTIONS = ("-fmad=false",)
LONGEST = 1000000000  # rows and columns are int32 on the CPU
SMALL = 1 << 30
ROUND_TRIP = 8  # multiplications in the time of writing a mixed row and reading it again
MODES = 5


def _index(*counts: int) -> str:
    return "int32_t" if max(counts) < SMALL else "int64_t"


def _vector(inner: int) -> int:
    return 4 if inner % 4 == 0 else 1


@planner("resample")
def _resample(call: Call) -> Plan:
    call.expect(5, 1, 8, 0)
    images, height, width, inner, out_height, out_width, taps_y, taps_x = call.i[:8]
    count = call.product(images, out_height, out_width, inner)
    kind = "uint8" if call.inp[0].dtype == "uint8" else "float32"
    x = call.input(0, call.product(images, height, width, inner), kind)
    axes = ((1, out_height, height, taps_y, "rows"), (3, out_width, width, taps_x, "columns"))
    for k, out, n, taps, name in axes:
        call.input(k, out, "int32")
        call.input(k + 1, call.product(out, taps), "float32")
        if not 1 <= taps <= n:
            call.fail(f"taps of {name}", taps, f"1 to {n}")
    call.output(0, count, "float32")
    if count == 0:
        return Plan()
    size = _vector(inner)
    middle = call.product(images, out_height, width, inner)
    defines = {"T": x.type, "V": size, "INDEX": _index(count, middle)}

    def launch(entry, elements):
        params = Params().input(0).scratch().output(0)
        for k, _, n, taps, _ in axes:
            params.input(k).input(k + 1).i64(n, taps)
        params.i64(images, inner // size, out_height, out_width)
        return Launch("resample.cu", entry, defines, grid_for(elements // size), 256, params, options=OPTIONS)

    if count * taps_x * taps_y <= middle * (taps_y + ROUND_TRIP) + count * taps_x:
        return Plan([launch("resample", count)])
    return Plan([launch("resample_rows", middle), launch("resample_columns", count)], 4 * middle)


@planner("sample_map")
def _map(call: Call) -> Plan:
    call.expect(2, 1, 11, 1)
    call.input(1, call.product(call.i[5], 8), "float32")
    return _sample(call, int(call.i[10] != 0))


@planner("sample_grid")
def _grid(call: Call) -> Plan:
    call.expect(3, 1, 10, 1)
    places = call.product(call.i[5], call.i[8], call.i[9])
    call.input(1, places, "float32")
    call.input(2, places, "float32")
    return _sample(call, 0)


def _sample(call: Call, projective: int) -> Plan:
    images, planes, height, width, inner, maps = call.i[:6]
    order, mode = call.flag(6, 0, 1, "order"), call.flag(7, 0, MODES - 1, "mode")
    out_height, out_width = call.i[8:10]
    source = call.product(planes, images, height, width, inner)
    count = call.product(planes, images, out_height, out_width, inner)
    if maps not in (1, images):
        call.fail("number of maps", maps, f"1 or {images}")
    if count > 0 and source == 0:
        call.fail("input elements", source, "1 or more")
    longest = max(height, width, out_height, out_width)
    if longest > LONGEST:
        call.fail("height or width", longest, f"at most {LONGEST}")
    call.input(0, source, "float32")
    call.output(0, count, "float32")
    if count == 0:
        return Plan()
    size = _vector(inner)
    params = Params().input(0).input(1)
    params.input(2) if call.name == "sample_grid" else params.null()
    params.output(0).i64(images, planes, height, width, inner // size, out_height, out_width, maps)
    params.i32(mode, projective).f32(ctypes.c_float(call.f[0]).value)  # what is too large becomes infinite
    defines = {"V": size, "INDEX": _index(count), "ORDER": order}
    return Plan([Launch("sample.cu", call.name, defines, grid_for(count // size), 256, params, options=OPTIONS)])
