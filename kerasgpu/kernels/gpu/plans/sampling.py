"""Planners of resample, sample_map and sample_grid (csrc/cuda/resample.cu, sample.cu)."""

from __future__ import annotations

import ctypes

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
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
    call.expect(5, 1)
    images, height, width, inner, out_height, out_width, taps_y, taps_x = call.spec
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
        down, across = ({"start": Input(k), "weights": Input(k + 1), "n": n, "taps": taps} for k, _, n, taps, _ in axes)
        params = {
            "x": Input(0), "row": Scratch(), "y": Output(0), "down": down, "across": across, "images": images,
            "inner": inner // size, "out_height": out_height, "out_width": out_width,
        }  # fmt: skip
        return Launch("resample.cu", entry, defines, grid_for(elements // size), 256, params, options=OPTIONS)

    if count * taps_x * taps_y <= middle * (taps_y + ROUND_TRIP) + count * taps_x:
        return Plan([launch("resample", count)])
    return Plan([launch("resample_rows", middle), launch("resample_columns", count)], 4 * middle)


@planner("sample_map")
def _map(call: Call) -> Plan:
    call.expect(2, 1)
    call.input(1, call.product(call.spec.maps, 8), "float32")
    return _sample(call, int(call.spec.projective))


@planner("sample_grid")
def _grid(call: Call) -> Plan:
    call.expect(3, 1)
    places = call.product(call.spec.maps, call.spec.out_height, call.spec.out_width)
    call.input(1, places, "float32")
    call.input(2, places, "float32")
    return _sample(call, 0)


def _sample(call: Call, projective: int) -> Plan:
    s = call.spec
    images, planes, height, width, inner, maps = s.images, s.planes, s.height, s.width, s.inner, s.maps
    order, mode = call.choice("order", 0, 1), call.choice("mode", 0, MODES - 1)
    out_height, out_width = s.out_height, s.out_width
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
    params = {
        "x": Input(0), "places": Input(1), "columns": Input(2) if call.name == "sample_grid" else None, "y": Output(0),
        "images": images, "planes": planes, "height": height, "width": width, "inner": inner // size, "out_height": out_height,
        "out_width": out_width, "maps": maps, "mode": mode, "projective": int(projective != 0),
        "fill": ctypes.c_float(s.fill).value,  # what is too large becomes infinite
    }  # fmt: skip
    defines = {"V": size, "INDEX": _index(count), "ORDER": order}
    return Plan([Launch("sample.cu", call.name, defines, grid_for(count // size), 256, params, options=OPTIONS)])
