"""Planners of the multi-tensor kernels (csrc/cuda/optimizer.cu, optimizer_clip.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch, Params
from kerasgpu.kernels.gpu.plans.movement import fill_launch
from kerasgpu.kernels.gpu.plans.plan import FLOATS, LIMIT, Call, Plan, ceil_div, planner

TENSORS, PIECE, OPERANDS = 48, 2048, 5  # as in optimizer.cuh
MOST = 4096
OPTIONS = ("-fmad=false",)


class Group:
    """Up to 48 tensors of one launch. `operands`: (method of Params, number of its first operand) or None, five of them."""

    def __init__(self, counts, first: int, first_piece: int):
        self.counts = counts
        self.first = first
        self.first_piece = first_piece
        self.pieces = [0]
        for n in counts:
            self.pieces.append(self.pieces[-1] + ceil_div(n, PIECE))

    def launch(
        self, call, source, entry, defines, operands, *, rate=None, iterations=None, shared=None, scratch=False, weight_decay=0.0,
        f=(), decays=0, mode=0, accumulate=0, first_tensor=None, blocks=None, first_piece=None, threads=256,
    ):  # fmt: skip
        params = Params()
        for one in (*operands, *(None,) * (OPERANDS - len(operands))):
            for k in range(TENSORS):
                if one is None or k >= len(self.counts):
                    params.null()
                else:
                    getattr(params, one[0])(one[1] + self.first + k)
        params.null() if rate is None else params.input(rate)
        params.null() if iterations is None else params.input(iterations)
        params.null() if shared is None else getattr(params, shared[0])(shared[1])
        params.scratch() if scratch else params.null()
        params.i64(*self.counts, *(0,) * (TENSORS - len(self.counts)))
        params.i64(self.first_piece if first_piece is None else first_piece)
        params.f64(weight_decay, *f, *(0.0,) * (5 - len(f))).u64(decays)
        params.i32(*self.pieces, *(self.pieces[-1],) * (TENSORS + 1 - len(self.pieces)))
        wide_rate = rate is not None and call.inp[rate].dtype == "float64"
        wide_iterations = iterations is not None and call.inp[iterations].dtype == "int64"
        params.i32(len(self.counts), wide_rate, wide_iterations, mode)
        params.i32(self.first if first_tensor is None else first_tensor, accumulate)
        grid = self.pieces[-1] if blocks is None else blocks
        return Launch(source, entry, defines, grid, threads, params, options=OPTIONS)


def groups(counts) -> list[Group]:
    found, first_piece = [], 0
    for at in range(0, len(counts), TENSORS):
        found.append(Group(counts[at : at + TENSORS], at, first_piece))
        first_piece += found[-1].pieces[-1]
    return found


def _count(call: Call, own: int) -> int:
    if not call.i:
        call.fail("number of integer parameters", 0, 1)
    n = call.flag(0, 0, MOST, "number of tensors")
    if len(call.i) < 1 + n + own:
        call.fail("number of integer parameters", len(call.i), 1 + n + own)
    return n


def _sizes(call: Call, n: int) -> tuple[int, ...]:
    counts = call.i[1 : 1 + n]
    for c in counts:
        call.product(c, 8)
    if sum(counts) > LIMIT >> 3:
        call.fail("element count", sum(counts), LIMIT >> 3)
    return counts


def _update(call: Call, rule: str, slots: int, n_i: int, n_f: int, extra_out: int = 0) -> Plan:
    n = _count(call, 0)
    call.expect(2 + n, n * (1 + slots) + extra_out, 1 + 2 * n + n_i, 1 + n_f)
    if n == 0:
        return Plan()
    dtype = call.output(0, 0, *FLOATS).dtype
    counts, flags = _sizes(call, n), call.i[1 + n : 1 + 2 * n]
    for k, c in enumerate(counts):
        call.input(2 + k, c, dtype)
        for s in range(slots + 1):
            call.output(s * n + k, c, dtype)
    call.input(0, 1, "float32", "float64")
    call.input(1, 1, "int32", "int64")
    defines: dict = {"T": call.out[0].type, "RULE": rule}
    operands = [("input", 2), *[("output", s * n) for s in range(slots + 1)]]
    launches, scratch = [], 0
    common: dict = {"rate": 0, "iterations": 1, "weight_decay": call.f[0], "f": call.f[1 : 1 + n_f]}
    if rule == "Nadam":
        call.output(3 * n, 1, dtype)
        defines["NADAM"] = 1
        common["shared"] = ("output", 3 * n)
    if rule == "Lamb":
        defines["LAMB"] = 1
    for group in groups(counts):
        if not group.pieces[-1]:
            continue
        decays = sum(1 << k for k, flag in enumerate(flags[group.first : group.first + TENSORS]) if flag)
        launches.append(group.launch(call, "optimizer.cu", "update", defines, operands, decays=decays, **common))
        if rule == "Lamb":
            scratch = 16 * (group.first_piece + group.pieces[-1])
            for entry, blocks in (("lamb_norms", None), ("lamb_join", len(group.counts)), ("lamb_apply", None)):
                more = {"scratch": True, "blocks": blocks, **common}
                launches.append(group.launch(call, "optimizer.cu", entry, defines, operands, **more))
    if rule == "Nadam" and call.i[1 + 2 * n]:
        last = groups(counts)[-1]
        launches.append(last.launch(call, "optimizer.cu", "nadam_store", defines, operands, blocks=1, threads=32, **common))
    return Plan(launches, scratch)


def _own_flag(call: Call, k: int = 0) -> bool:
    """The kernel's own integer k, False where the call is too short (which the checks that follow report)."""
    n = call.i[0] if call.i else -1
    return 0 <= n <= MOST and len(call.i) > 1 + 2 * n + k and call.i[1 + 2 * n + k] != 0


def _own_float(call: Call, k: int) -> float:
    return call.f[1 + k] if len(call.f) > 1 + k else 0.0


@planner("sgd")
def _sgd(call: Call) -> Plan:
    if _own_float(call, 0) == 0:
        return _update(call, "Sgd", 0, 1, 1)
    return _update(call, "Nesterov" if _own_flag(call) else "Momentum", 1, 1, 1)


@planner("rmsprop")
def _rmsprop(call: Call) -> Plan:
    momentum, centered = _own_float(call, 1) > 0, _own_flag(call)
    rule = {(0, 0): "RmsProp", (0, 1): "RmsPropCentered", (1, 0): "RmsPropMomentum", (1, 1): "RmsPropBoth"}[momentum, centered]
    return _update(call, rule, 1 + momentum + centered, 1, 3)


@planner("adam")
def _adam(call: Call) -> Plan:
    return _update(call, "AdamMax", 3, 1, 3) if _own_flag(call) else _update(call, "Adam", 2, 1, 3)


@planner("adamax")
def _adamax(call: Call) -> Plan:
    return _update(call, "Adamax", 2, 0, 3)


@planner("nadam")
def _nadam(call: Call) -> Plan:
    return _update(call, "Nadam", 2, 1, 3, extra_out=1)


@planner("adagrad")
def _adagrad(call: Call) -> Plan:
    return _update(call, "Adagrad", 1, 0, 1)


@planner("adadelta")
def _adadelta(call: Call) -> Plan:
    return _update(call, "Adadelta", 2, 0, 2)


@planner("lion")
def _lion(call: Call) -> Plan:
    return _update(call, "Lion", 1, 0, 2)


@planner("ftrl")
def _ftrl(call: Call) -> Plan:
    return _update(call, "Ftrl" if _own_float(call, 0) == -0.5 else "FtrlPower", 2, 0, 5)


@planner("lamb")
def _lamb(call: Call) -> Plan:
    return _update(call, "Lamb", 2, 0, 3)


def _list(call: Call, first: int, outputs: bool, n: int) -> tuple[int, ...]:
    counts = _sizes(call, n)
    if n:
        dtype = call.input(first, 0, *FLOATS).dtype
        for k, c in enumerate(counts):
            call.input(first + k, c, dtype)
            if outputs:
                call.output(k, c, dtype)
    return counts


@planner("multi_square_sum")
def _multi_square_sum(call: Call) -> Plan:
    n = _count(call, 2)
    call.expect(n, 1, 1 + n + 2, 0)
    counts = _list(call, 0, False, n)
    total, accumulate = call.i[1 + n] != 0, int(call.i[2 + n] != 0)
    y = call.output(0, 1 if total else n, "float64")
    pieces = sum(ceil_div(c, PIECE) for c in counts)
    if pieces == 0:
        return Plan([] if accumulate or not (total or n) else [fill_launch(y, 0, 1 if total else n, 0)])
    defines = {"T": call.inp[0].type}
    more: dict = {"scratch": True, "shared": ("output", 0), "accumulate": accumulate}
    launches = []
    for group in groups(counts):
        if group.pieces[-1]:
            launches.append(group.launch(call, "optimizer_clip.cu", "square_pieces", defines, [("input", 0)], **more))
        if not total:
            blocks = len(group.counts)
            launches.append(
                group.launch(call, "optimizer_clip.cu", "square_join", defines, [("input", 0)], blocks=blocks, **more)
            )
    if total:
        last = groups(counts)[-1]
        own = {"mode": 1, "blocks": 1, "first_tensor": 0, "first_piece": pieces, **more}
        launches.append(last.launch(call, "optimizer_clip.cu", "square_join", defines, [("input", 0)], **own))
    return Plan(launches, 8 * pieces)


@planner("multi_clip")
def _multi_clip(call: Call) -> Plan:
    n = _count(call, 1)
    mode = call.flag(1 + n, 0, 2, "mode")
    call.expect(n + (mode > 0), n, 1 + n + 1, 1)
    if not call.f[0] > 0:
        call.message("the limit must be above 0")
    counts = _list(call, 0, True, n)
    if mode and n:
        call.input(n, n if mode == 1 else 1, "float64")
    shared = ("input", n) if mode else None
    return _each(call, "clip", counts, [("input", 0), ("output", 0)], f=call.f[:1], mode=mode, shared=shared)


@planner("ema_update")
def _ema_update(call: Call) -> Plan:
    n = _count(call, 0)
    call.expect(1 + n, n, 1 + n, 1)
    counts = _list(call, 1, True, n)
    call.input(0, 1, "int32", "int64")
    return _each(call, "ema", counts, [("input", 1), ("output", 0)], f=call.f[:1], iterations=0)


def _each(call: Call, entry: str, counts, operands, **more) -> Plan:
    if not counts:
        return Plan()
    defines = {"T": call.out[0].type}
    return Plan([g.launch(call, "optimizer_clip.cu", entry, defines, operands, **more) for g in groups(counts) if g.pieces[-1]])
