"""Planners of average and maximum pooling and their gradients (csrc/cuda/pooling_average.cu, pooling_max.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Plan, grid_for, planner
from kerasgpu.kernels.gpu.plans.reduce import with_column_sums

WINDOW_INTS = 18
MOST = 1 << 31


def read_window(call: Call, at: int) -> tuple[tuple[int, ...], ...]:
    """(size, count, kernel, stride, dilation, before), three dims each, checked as csrc/cpu/window.h does."""
    if len(call.i) < at + WINDOW_INTS:
        call.fail("number of integer parameters", len(call.i), at + WINDOW_INTS)
    numbers = call.i[at : at + WINDOW_INTS]
    for n in numbers:
        if not 0 <= n <= MOST:
            call.fail("window parameter", n, f"0 to {MOST}")
    fields = tuple(tuple(numbers[k : k + 3]) for k in range(0, WINDOW_INTS, 3))
    size, count, kernel, stride, dilation, _ = fields
    if min(*kernel, *stride, *dilation) < 1:
        call.fail("window parameter", 0, 1)
    for dims in (size, count, kernel):
        call.product(*dims)
    return fields


class Pooling:
    def __init__(self, call: Call):
        if len(call.i) < 2 + WINDOW_INTS:
            call.fail("number of integer parameters", len(call.i), 2 + WINDOW_INTS)
        self.batch, self.channels = call.i[:2]
        self.fields = read_window(call, 2)
        self.taps = call.product(*self.fields[2])
        self.x_count = call.product(self.batch, self.channels, *self.fields[0])
        self.y_count = call.product(self.batch, self.channels, *self.fields[1])

    def launch(self, source, entry, defines, count, arg_in=None, arg=None) -> Plan:
        if count == 0:
            return Plan()
        params = Params().input(0)
        params.null() if arg_in is None else params.input(arg_in)
        params.output(0)
        params.null() if arg is None else params.output(arg)
        params.i64(self.batch, self.channels, *[n for field in self.fields for n in field])
        return Plan([Launch(source, entry, defines, grid_for(count), 256, params)])

    def check_taps(self, call: Call, x) -> None:
        if x.dtype == "uint8" and self.taps > 256:
            call.fail("taps numbered by uint8", self.taps, 256)
        if self.taps > 0x7FFFFFFF:
            call.fail("taps numbered by int32", self.taps, 0x7FFFFFFF)


@planner("average_pool", "average_pool_grad")
def _average(call: Call) -> Plan:
    call.expect(1, 1, 2 + WINDOW_INTS, 0)
    p, grad = Pooling(call), call.name.endswith("grad")
    y = call.output(0, p.x_count if grad else p.y_count, *FLOATS)
    call.input(0, p.y_count if grad else p.x_count, y.dtype)
    defines = {"T": y.type}
    return p.launch("pooling_average.cu", "average_grad" if grad else "average", defines, p.x_count if grad else p.y_count)


@planner("max_pool")
def _max(call: Call) -> Plan:
    call.expect(1, 2 if len(call.out) == 2 else 1, 2 + WINDOW_INTS, 0)
    p = Pooling(call)
    y = call.output(0, p.y_count)
    call.input(0, p.x_count, y.dtype)
    if len(call.out) == 1:
        return p.launch("pooling_max.cu", "maximum", {"T": "uint8_t" if y.dtype == "bool" else y.type, "PART": 0}, p.y_count)
    call.output(0, p.y_count, *FLOATS)
    arg = call.output(1, p.y_count, "uint8", "int32")
    p.check_taps(call, arg)
    return p.launch("pooling_max.cu", "maximum_arg", {"T": y.type, "I": arg.type, "PART": 1}, p.y_count, arg=1)


@planner("max_pool_grad", "max_pool_take")
def _with_taps(call: Call) -> Plan:
    grad = call.name == "max_pool_grad"
    summed = grad and len(call.out) == 2
    call.expect(2, 1 + summed, 2 + WINDOW_INTS, 0)
    p = Pooling(call)
    y = call.output(0, p.x_count if grad else p.y_count, *FLOATS)
    call.input(0, p.y_count if grad else p.x_count, y.dtype)
    arg = call.input(1, p.y_count, "uint8", "int32")
    p.check_taps(call, arg)
    defines = {"T": y.type, "I": arg.type, "PART": 1}
    plan = p.launch(
        "pooling_max.cu", "maximum_grad" if grad else "maximum_take", defines, p.x_count if grad else p.y_count, arg_in=1
    )
    return with_column_sums(call, plan, p.x_count, p.channels) if summed else plan
