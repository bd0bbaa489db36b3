"""Planners of batch_norm, batch_norm_apply, batch_norm_grad and moments (csrc/cuda/norm_batch.cu, norm_batch_grad.cu)."""

from __future__ import annotations

from dataclasses import dataclass

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.plan import FLOATS, Call, Operand, Plan, ceil_div, grid_for, planner
from kerasgpu.kernels.gpu.plans.reduce import width_for

BLOCKS = 1024  # more blocks than this are not made by cutting
LAST, FIRST = 256, 4096  # least elements of a chunk: rows of channels last, elements of channels first


def statistics(x: Operand) -> str:
    return "float64" if x.dtype == "float64" else "float32"


@dataclass
class Norm:
    """The sizes of a call, how channels are cut, and where scratch memory lies."""

    samples: int
    rows: int
    channels: int
    inner: int
    group: int
    x: Operand
    planes: int = 3

    def __post_init__(self):
        n = self.rows * self.inner
        self.width = width_for(self.channels) if self.inner == 1 else 1
        self.blocks = self.samples * ceil_div(self.channels, self.width)
        least = LAST if self.inner == 1 else FIRST
        wanted = max(1, min(ceil_div(n, least), ceil_div(BLOCKS, max(1, self.blocks))))
        self.chunk = max(1, ceil_div(ceil_div(n, wanted), 32) * 32) if n else 1
        self.chunks = ceil_div(n, self.chunk)
        item = 8 if self.x.dtype == "float64" else 4
        up = lambda n: ceil_div(n, 256) * 256
        self.numbers_at = up(self.samples * self.chunks * self.planes * self.channels * item)
        self.totals_at = self.numbers_at + up(self.samples * 5 * self.channels * item)
        self.scratch = self.totals_at + self.samples * 2 * self.channels * 8

    @property
    def count(self):
        return self.samples * self.rows * self.channels * self.inner

    @property
    def groups(self):
        return self.samples * (self.channels // self.group)

    def launch(self, entry, part, grid, epsilon=0.0, relu=0, numbers=True, **operands) -> Launch:
        """`operands`: field of the struct -> Input, Output or None."""
        params = dict.fromkeys(("x", "g", "addend", "gamma", "beta", "mean_in", "saved_in", "y", "mean", "variance", "saved"))
        params |= {
            **operands, "partial": Scratch(), "numbers": Scratch(self.numbers_at) if numbers else None,
            "totals": Scratch(self.totals_at), "samples": self.samples, "rows": self.rows, "channels": self.channels,
            "inner": self.inner, "group": self.group, "chunks": self.chunks, "chunk": self.chunk, "epsilon": epsilon,
            "width": self.width, "relu": relu,
        }  # fmt: skip
        defines = {"T": self.x.type} if part is None else {"T": self.x.type, "PART": part}
        return Launch("norm_batch_grad.cu" if part is None else "norm_batch.cu", entry, defines, max(1, grid), 256, params)


def _sizes(call: Call, *sizes: int) -> None:
    call.product(*sizes)
    call.product(64, *[max(k, 1) for k in sizes])


def _optional(call: Call, flags, at: int, counts, dtypes):
    """(operands of the given flags in order, the number of inputs)."""
    found: list = []
    for flag, count, dtype in zip(flags, counts, dtypes):
        if flag:
            call.input(at, count, dtype)
            found.append(Input(at))
            at += 1
        else:
            found.append(None)
    if len(call.inp) != at:
        call.fail("number of inputs", len(call.inp), at)
    return found


@planner("batch_norm")
def _batch_norm(call: Call) -> Plan:
    call.expect(len(call.inp), 4)
    s = call.spec
    samples, rows, channels, inner, group = s.samples, s.rows, s.channels, s.inner, s.group
    _sizes(call, samples, rows, channels, inner)
    if group < 1 or channels % group:
        call.fail("channels of a group", group, f"a divisor of {channels}")
    x = call.input(0, samples * rows * channels * inner, *FLOATS)
    v = Norm(samples, rows, channels, inner, group, x)
    kind = statistics(x)
    counts, dtypes = (channels, channels, v.count), (kind, kind, x.dtype)
    gamma, beta, addend = _optional(call, (s.gamma, s.beta, s.addend), 1, counts, dtypes)
    call.output(0, v.count, x.dtype)
    for k, n in ((1, v.groups), (2, v.groups), (3, 2 * v.groups)):
        call.output(k, n, kind)
    relu = int(s.relu)
    launches = []
    if v.chunks and v.blocks:
        launches.append(v.launch("chunk_sums", 0, v.blocks * v.chunks, x=Input(0)))
    if v.groups:
        out = {"mean": Output(1), "variance": Output(2), "saved": Output(3)}
        launches.append(v.launch("join_sums", 0, ceil_div(v.groups, 8), s.epsilon, gamma=gamma, beta=beta, **out))
    if v.count:
        operands = {"x": Input(0), "addend": addend, "y": Output(0)}
        launches.append(v.launch("apply", 1, grid_for(v.count), relu=relu, **operands))
    return Plan(launches, v.scratch)


@planner("batch_norm_apply")
def _batch_norm_apply(call: Call) -> Plan:
    if len(call.inp) < 3:
        call.fail("number of inputs", len(call.inp), 3)
    call.expect(len(call.inp), 1)
    s = call.spec
    rows, channels, inner = s.rows, s.channels, s.inner
    _sizes(call, rows, channels, inner)
    x = call.input(0, rows * channels * inner, *FLOATS)
    v = Norm(1, rows, channels, inner, 1, x)
    kind = statistics(x)
    call.input(1, channels, kind)
    call.input(2, channels, kind)
    counts, dtypes = (channels, channels, v.count), (kind, kind, x.dtype)
    gamma, beta, addend = _optional(call, (s.gamma, s.beta, s.addend), 3, counts, dtypes)
    call.output(0, v.count, x.dtype)
    if not v.count:
        return Plan()
    given = {"gamma": gamma, "beta": beta, "mean_in": Input(1), "saved_in": Input(2)}
    operands = {"x": Input(0), "addend": addend, "y": Output(0)}
    return Plan(
        [
            v.launch("given", 1, grid_for(channels), s.epsilon, **given),
            v.launch("apply", 1, grid_for(v.count), relu=int(s.relu), **operands),
        ],
        v.scratch,
    )


@planner("batch_norm_grad")
def _batch_norm_grad(call: Call) -> Plan:
    if len(call.inp) < 4:
        call.fail("number of inputs", len(call.inp), 4)
    call.expect(len(call.inp), 3)
    s = call.spec
    samples, rows, channels, inner, group = s.samples, s.rows, s.channels, s.inner, s.group
    _sizes(call, samples, rows, channels, inner)
    if group < 1 or channels % group:
        call.fail("channels of a group", group, f"a divisor of {channels}")
    x = call.input(0, samples * rows * channels * inner, *FLOATS)
    v = Norm(samples, rows, channels, inner, group, x, planes=2)
    kind = statistics(x)
    call.input(1, v.count, x.dtype)
    call.input(2, v.groups, kind)
    call.input(3, 2 * v.groups, kind)
    gamma, beta = _optional(call, (s.gamma, s.beta), 4, (channels, channels), (kind, kind))
    call.output(0, v.count, x.dtype)
    call.output(1, channels, kind)
    call.output(2, channels, kind)
    relu = int(s.relu)
    saved = {"gamma": gamma, "beta": beta, "mean_in": Input(2), "saved_in": Input(3)}
    both = {"x": Input(0), "g": Input(1)}
    launches = []
    if v.chunks and v.blocks:
        launches.append(v.launch("grad_sums", None, v.blocks * v.chunks, relu=relu, **both, **saved))
    if v.groups:
        launches.append(v.launch("grad_join", None, ceil_div(v.groups, 8), **saved))
    if channels:
        launches.append(v.launch("grad_params", None, grid_for(channels), mean=Output(1), variance=Output(2)))
    if v.count:
        launches.append(v.launch("grad_apply", None, grid_for(v.count), relu=relu, y=Output(0), **both))
    return Plan(launches, v.scratch)


@planner("moments")
def _moments(call: Call) -> Plan:
    call.expect(1, 2)
    _sizes(call, *call.spec)
    samples, rows, channels, inner = call.spec
    x = call.input(0, samples * rows * channels * inner, *FLOATS)
    v = Norm(samples, rows, channels, inner, 1, x)
    for k in (0, 1):
        call.output(k, v.groups, statistics(x))
    launches = []
    if v.chunks and v.blocks:
        launches.append(v.launch("chunk_sums", 0, v.blocks * v.chunks, x=Input(0)))
    if v.groups:
        out = {"mean": Output(0), "variance": Output(1)}
        launches.append(v.launch("join_sums", 0, ceil_div(v.groups, 8), numbers=False, **out))
    return Plan(launches, v.scratch)
