"""Planners of random, dropout and permutation (csrc/cuda/random.cu, random_reject.cu, random_permutation.cu)."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu.kernels.gpu.driver.launch import FREE, OPTIONS, Launch
from kerasgpu.kernels.gpu.driver.structs import Input, Output
from kerasgpu.kernels.gpu.plans.movement import value_bits
from kerasgpu.kernels.gpu.plans.plan import FLOATS, INTEGERS, Call, Operand, Plan, ceil_div, grid_for, planner
from kerasgpu.kernels.gpu.plans.sorting import Pairs, written

BITS, UNIFORM, NORMAL, TRUNCATED, BERNOULLI, RANDINT, GAMMA, POISSON, BINOMIAL, BETA = range(10)
INPUT_COUNTS = (1, 1, 1, 1, 1, 1, 2, 2, 3, 3)


def allowed_dtypes(kind: int) -> tuple[str, ...]:
    if kind in (UNIFORM, NORMAL, TRUNCATED):
        return FLOATS
    if kind == BITS:
        return ("uint32", "int32")
    if kind == RANDINT:
        return tuple(d for d in INTEGERS if d != "bool")
    return (*INTEGERS, *FLOATS) if kind == BERNOULLI else (*FLOATS, "int32", "int64")


def below(dtype: str, x: float) -> float:
    """The largest float of a dtype below x: rounding low + u * (high - low) must not reach x."""
    f = np.float32(x)
    if float(f) >= x:
        f = np.nextafter(f, np.float32(-np.inf))
    if dtype in ("float16", "bfloat16"):
        bits = _half_bits(dtype, float(f))
        if _half_value(dtype, bits) >= float(np.float32(x)):
            value = _half_value(dtype, bits)
            bits = bits - 1 if value > 0 else bits + 1 if value < 0 else 0x8001
        return _half_value(dtype, bits)
    return float(f)


def _half_bits(dtype: str, x: float) -> int:
    return value_bits(Operand(dtype, 2), x)


def _half_value(dtype: str, bits: int) -> float:
    if dtype == "float16":
        return float(np.array(bits, "u2").view("f2"))
    return float(np.array(bits << 16, "u4").view("f4"))


def threshold(probability: float) -> int:
    """An element is 1 where the upper 24 bits of its word are below this."""
    return math.ceil(min(max(probability, 0.0), 1.0) * (1 << 24))


def _params(
    state: int, x: int | None, count: int, stream: int, kind=0, a=0.0, b=0.0, top=0.0, low=0, span=0, scale=0.0, keep=0
):
    with np.errstate(over="ignore"):
        numbers = [float(np.float32(v)) for v in (a, b, top)]
    a, b, top = numbers
    return {
        "state": Input(state), "x": None if x is None else Input(x), "y": Output(0), "count": count, "low": low, "range": span,
        "scale": scale, "a": a, "b": b, "top": top, "stream": stream, "kind": kind, "threshold": keep,
    }  # fmt: skip


@planner("random")
def _random(call: Call) -> Plan:
    kind = call.choice("kind", 0, 9, "distribution")
    call.expect(INPUT_COUNTS[kind], 1)
    _, count, stream, low, high, a, b = call.spec
    call.product(count)
    call.input(0, 2, "uint32")
    y = call.output(0, count, *allowed_dtypes(kind))
    more: dict = {}
    if kind == RANDINT:
        if high <= low:
            call.fail("upper end of the range", high, low + 1)
        more = {"low": low, "span": high - low}
    elif kind == UNIFORM:
        top = below(y.dtype, b) if b > a else math.inf
        more = {"a": a, "b": b - a, "top": top}
    elif kind in (NORMAL, TRUNCATED):
        more = {"a": a, "b": b}
    elif kind == BERNOULLI:
        more = {"keep": threshold(a)}
    elif kind >= GAMMA:
        return _reject(call, kind - GAMMA, count, stream, y)
    if count == 0:
        return Plan()
    params = _params(0, None, count, stream, kind, **more)
    blocks = ceil_div(count, 32 if kind == RANDINT else 64) * 16
    return Plan([Launch("random.cu", "random_fill", {"T": y.type, "PART": 0}, grid_for(blocks), 256, params, options=OPTIONS)])


def _reject(call: Call, kind: int, count: int, stream: int, y: Operand) -> Plan:
    shared = [call.inp[k].nbytes == 4 for k in range(1, len(call.inp))]
    for k, one in enumerate(shared):
        call.input(1 + k, 1 if one else count, "float32")
    if count == 0:
        return Plan()
    second = len(call.inp) - 1
    params = {
        "state": Input(0), "a": Input(1), "b": Input(second), "y": Output(0), "count": count, "stream": stream, "kind": kind,
        "a_stride": not shared[0], "b_stride": not shared[second - 1],
    }  # fmt: skip
    return Plan([Launch("random_reject.cu", "random_reject", {"T": y.type}, grid_for(count), 256, params, options=OPTIONS)])


@planner("dropout")
def _dropout(call: Call) -> Plan:
    call.expect(2, 1)
    count, stream, rate = call.spec
    call.product(count)
    if not 0 <= rate <= 1:
        call.message("rate must be in [0, 1]")
    call.input(1, 2, "uint32")
    y = call.output(0, count, *FLOATS)
    call.input(0, count, y.dtype)
    if count == 0:
        return Plan()
    params = _params(1, 0, count, stream, scale=1 / (1 - rate) if rate < 1 else 0.0, keep=threshold(1 - rate))
    blocks = ceil_div(count, 64) * 16
    return Plan(
        [Launch("random.cu", "dropout", {"T": y.type, "PART": 1}, grid_for(blocks), 256, params, options=OPTIONS, member=FREE)]
    )


@planner("permutation")
def _permutation(call: Call) -> Plan:
    call.expect(1, 1)
    n, stream = call.spec
    if not 0 <= n < 1 << 31:
        call.fail("n", n, (1 << 31) - 1)
    call.input(0, 2, "uint32")
    call.output(0, n, "int64")
    if n == 0:
        return Plan()
    pairs = Pairs(1, n, "uint32_t")
    params = {"state": Input(0), **pairs.params(), "pairs": pairs.count, "n": n, "stream": stream}
    keys = Launch(
        "random_permutation.cu", "permutation_keys", {}, grid_for(pairs.count // 4), 256, params, options=OPTIONS
    )  # fmt: skip
    params = {**written(pairs, 1, n, n), "indices": Output(0)}
    defines = {"K": "uint32_t", "W": "uint32_t", "I": "int64_t", "PART": 2}
    write = Launch("sort.cu", "write_sorted", defines, grid_for(n), 256, params)
    return Plan([keys, *pairs.sort(), write], pairs.bytes)
