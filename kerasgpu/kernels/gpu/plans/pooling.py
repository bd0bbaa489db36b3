"""Planners of average and maximum pooling and their gradients (csrc/cuda/pooling_average.cu, pooling_max.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output
from kerasgpu.kernels.gpu.plans.conv import read_window
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Plan, grid_for, planner
from kerasgpu.kernels.gpu.plans.reduce import with_column_sums


class Pooling:
    def __init__(self, call: Call):
        self.batch, self.channels = call.spec.batch, call.spec.channels
        self.window = read_window(call)
        self.taps = call.product(*self.window.kernel)
        self.x_count = call.product(self.batch, self.channels, *self.window.size)
        self.y_count = call.product(self.batch, self.channels, *self.window.count)

    def launch(self, source, entry, defines, count, arg_in=None, arg=None) -> Plan:
        if count == 0:
            return Plan()
        params = {
            "x": Input(0), "arg_in": None if arg_in is None else Input(arg_in), "y": Output(0),
            "arg": None if arg is None else Output(arg), "batch": self.batch, "channels": self.channels,
            "w": self.window._asdict(),
        }  # fmt: skip
        return Plan([Launch(source, entry, defines, grid_for(count), 256, params)])

    def check_taps(self, call: Call, x) -> None:
        if x.dtype == "uint8" and self.taps > 256:
            call.fail("taps numbered by uint8", self.taps, 256)
        if self.taps > 0x7FFFFFFF:
            call.fail("taps numbered by int32", self.taps, 0x7FFFFFFF)


@planner("average_pool", "average_pool_grad")
def _average(call: Call) -> Plan:
    call.expect(1, 1)
    p, grad = Pooling(call), call.name.endswith("grad")
    y = call.output(0, p.x_count if grad else p.y_count, *FLOATS)
    call.input(0, p.y_count if grad else p.x_count, y.dtype)
    defines = {"T": y.type}
    return p.launch("pooling_average.cu", "average_grad" if grad else "average", defines, p.x_count if grad else p.y_count)


@planner("max_pool")
def _max(call: Call) -> Plan:
    call.expect(1, 2 if len(call.out) == 2 else 1)
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
    call.expect(2, 1 + summed)
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
