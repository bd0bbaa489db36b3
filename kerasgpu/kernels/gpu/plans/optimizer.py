"""Planners of the multi-tensor kernels (csrc/cuda/optimizer.cu, optimizer_clip.cu)."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver.launch import Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output, Scratch
from kerasgpu.kernels.gpu.plans.movement import fill_launch
from kerasgpu.kernels.gpu.plans.plan import FLOATS, LIMIT, Call, Plan, ceil_div, planner

TENSORS, PIECE, OPERANDS = 48, 2048, 5  # as in optimizer.cuh
MOST = 4096
OPTIONS = ("-fmad=false",)


class Group:
    """Up to 48 tensors of one launch. `operands`: up to five, each the Input or Output of its first tensor."""

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
        n = len(self.counts)
        tensors = [[type(one)(one.number + self.first + k) for k in range(n)] + [None] * (TENSORS - n) for one in operands]
        params = {
            "tensor": tensors + [[None] * TENSORS] * (OPERANDS - len(operands)),
            "rate": None if rate is None else Input(rate), "iterations": None if iterations is None else Input(iterations),
            "shared": shared, "partial": Scratch() if scratch else None, "count": [*self.counts, *(0,) * (TENSORS - n)],
            "first_piece": self.first_piece if first_piece is None else first_piece, "weight_decay": weight_decay,
            "f": [*f, *(0.0,) * (5 - len(f))], "decays": decays, "piece": self.pieces + self.pieces[-1:] * (TENSORS - n), "n": n,
            "wide_rate": rate is not None and call.inp[rate].dtype == "float64",
            "wide_iterations": iterations is not None and call.inp[iterations].dtype == "int64", "mode": mode,
            "first_tensor": self.first if first_tensor is None else first_tensor, "accumulate": accumulate,
        }  # fmt: skip
        grid = self.pieces[-1] if blocks is None else blocks
        return Launch(source, entry, defines, grid, threads, params, options=OPTIONS)


def groups(counts) -> list[Group]:
    found, first_piece = [], 0
    for at in range(0, len(counts), TENSORS):
        found.append(Group(counts[at : at + TENSORS], at, first_piece))
        first_piece += found[-1].pieces[-1]
    return found


def _count(call: Call) -> int:
    n = call.choice("tensors", 0, MOST, "number of tensors")
    for field in ("counts", "decay"):
        if len(getattr(call.spec, field, call.spec.counts)) != n:
            call.fail(f"length of {field}", len(getattr(call.spec, field)), n)
    return n


def _sizes(call: Call) -> tuple[int, ...]:
    counts = call.spec.counts
    for c in counts:
        call.product(c, 8)
    if sum(counts) > LIMIT >> 3:
        call.fail("element count", sum(counts), LIMIT >> 3)
    return counts


def _update(call: Call, rule: str, slots: int, f: tuple = (), extra_out: int = 0) -> Plan:
    """`f`: the numbers of the rule, in the order of optimizer.cu."""
    n = _count(call)
    call.expect(2 + n, n * (1 + slots) + extra_out)
    if n == 0:
        return Plan()
    dtype = call.output(0, 0, *FLOATS).dtype
    counts, flags = _sizes(call), call.spec.decay
    for k, c in enumerate(counts):
        call.input(2 + k, c, dtype)
        for s in range(slots + 1):
            call.output(s * n + k, c, dtype)
    call.input(0, 1, "float32", "float64")
    call.input(1, 1, "int32", "int64")
    defines: dict = {"T": call.out[0].type, "RULE": rule}
    operands = [Input(2), *[Output(s * n) for s in range(slots + 1)]]
    launches, scratch = [], 0
    common: dict = {"rate": 0, "iterations": 1, "weight_decay": call.spec.weight_decay, "f": f}
    if rule == "Nadam":
        call.output(3 * n, 1, dtype)
        defines["NADAM"] = 1
        common["shared"] = Output(3 * n)
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
    if rule == "Nadam" and call.spec.last:
        last = groups(counts)[-1]
        launches.append(last.launch(call, "optimizer.cu", "nadam_store", defines, operands, blocks=1, threads=32, **common))
    return Plan(launches, scratch)


def _betas(call: Call) -> tuple[float, float, float]:
    return call.spec.beta_1, call.spec.beta_2, call.spec.epsilon


@planner("sgd")
def _sgd(call: Call) -> Plan:
    f = (call.spec.momentum,)
    if call.spec.momentum == 0:
        return _update(call, "Sgd", 0, f)
    return _update(call, "Nesterov" if call.spec.nesterov else "Momentum", 1, f)


@planner("rmsprop")
def _rmsprop(call: Call) -> Plan:
    s = call.spec
    momentum, centered = s.momentum > 0, bool(s.centered)
    rule = {(0, 0): "RmsProp", (0, 1): "RmsPropCentered", (1, 0): "RmsPropMomentum", (1, 1): "RmsPropBoth"}[momentum, centered]
    return _update(call, rule, 1 + momentum + centered, (s.rho, s.momentum, s.epsilon))


@planner("adam")
def _adam(call: Call) -> Plan:
    return _update(call, "AdamMax", 3, _betas(call)) if call.spec.amsgrad else _update(call, "Adam", 2, _betas(call))


@planner("adamax")
def _adamax(call: Call) -> Plan:
    return _update(call, "Adamax", 2, _betas(call))


@planner("nadam")
def _nadam(call: Call) -> Plan:
    return _update(call, "Nadam", 2, _betas(call), extra_out=1)


@planner("adagrad")
def _adagrad(call: Call) -> Plan:
    return _update(call, "Adagrad", 1, (call.spec.epsilon,))


@planner("adadelta")
def _adadelta(call: Call) -> Plan:
    return _update(call, "Adadelta", 2, (call.spec.rho, call.spec.epsilon))


@planner("lion")
def _lion(call: Call) -> Plan:
    return _update(call, "Lion", 1, (call.spec.beta_1, call.spec.beta_2))


@planner("ftrl")
def _ftrl(call: Call) -> Plan:
    s = call.spec
    return _update(call, "Ftrl" if s.power == -0.5 else "FtrlPower", 2, (s.power, s.l1, s.l2, s.l2_shrinkage, s.beta))


@planner("lamb")
def _lamb(call: Call) -> Plan:
    return _update(call, "Lamb", 2, _betas(call))


def _list(call: Call, first: int, outputs: bool, n: int) -> tuple[int, ...]:
    counts = _sizes(call)
    if n:
        dtype = call.input(first, 0, *FLOATS).dtype
        for k, c in enumerate(counts):
            call.input(first + k, c, dtype)
            if outputs:
                call.output(k, c, dtype)
    return counts


@planner("multi_square_sum")
def _multi_square_sum(call: Call) -> Plan:
    n = _count(call)
    call.expect(n, 1)
    counts = _list(call, 0, False, n)
    total, accumulate = call.spec.total, int(call.spec.accumulate)
    y = call.output(0, 1 if total else n, "float64")
    pieces = sum(ceil_div(c, PIECE) for c in counts)
    if pieces == 0:
        return Plan([] if accumulate or not (total or n) else [fill_launch(y, 0, 1 if total else n, 0)])
    defines = {"T": call.inp[0].type}
    more: dict = {"scratch": True, "shared": Output(0), "accumulate": accumulate}
    launches = []
    for group in groups(counts):
        if group.pieces[-1]:
            launches.append(group.launch(call, "optimizer_clip.cu", "square_pieces", defines, [Input(0)], **more))
        if not total:
            blocks = len(group.counts)
            launches.append(group.launch(call, "optimizer_clip.cu", "square_join", defines, [Input(0)], blocks=blocks, **more))
    if total:
        last = groups(counts)[-1]
        own = {"mode": 1, "blocks": 1, "first_tensor": 0, "first_piece": pieces, **more}
        launches.append(last.launch(call, "optimizer_clip.cu", "square_join", defines, [Input(0)], **own))
    return Plan(launches, 8 * pieces)


@planner("multi_clip")
def _multi_clip(call: Call) -> Plan:
    n = _count(call)
    mode = call.choice("mode", 0, 2)
    call.expect(n + (mode > 0), n)
    if not call.spec.limit > 0:
        call.message("the limit must be above 0")
    counts = _list(call, 0, True, n)
    if mode and n:
        call.input(n, n if mode == 1 else 1, "float64")
    shared = Input(n) if mode else None
    return _each(call, "clip", counts, [Input(0), Output(0)], f=(call.spec.limit,), mode=mode, shared=shared)


@planner("ema_update")
def _ema_update(call: Call) -> Plan:
    n = _count(call)
    call.expect(1 + n, n)
    counts = _list(call, 1, True, n)
    call.input(0, 1, "int32", "int64")
    return _each(call, "ema", counts, [Input(1), Output(0)], f=(call.spec.momentum,), iterations=0)


def _each(call: Call, entry: str, counts, operands, **more) -> Plan:
    if not counts:
        return Plan()
    defines = {"T": call.out[0].type}
    return Plan([g.launch(call, "optimizer_clip.cu", entry, defines, operands, **more) for g in groups(counts) if g.pieces[-1]])
