"""Roughly how long a call takes on an H100 and how much of the chip it keeps busy: enough to tell which calls are worth overlapping."""

from __future__ import annotations

import math
from typing import NamedTuple

from kerasgpu.kernels.gpu.driver.launch import FREE, Launch
from kerasgpu.kernels.gpu.plans.plan import Plan

LAUNCH = 2.0  # microseconds of a kernel that has nothing to do
MEMBER = 0.4  # of a member of a group that has little to do: a barrier, and memory that answers once or twice
ROUND = 0.4  # of each further time that the threads of a block go over a member's work
_BYTES = 2.5e6  # that memory moves in a microsecond
_FLOPS = {"float16": 4e8, "bfloat16": 4e8, "float32": 2e8, "float64": 2.5e7}  # in a microsecond
_UNITS = 132  # multiprocessors
# Kernels that read no more of their first operand than they write.
_GATHERS = frozenset({"take", "take_along_axis", "gather_rows", "slice"})


class Estimate(NamedTuple):
    microseconds: float
    share: float  # of the chip that it fills, up to 1


def flops(name: str, spec) -> float:
    """Of a matrix product or convolution; 0 for calls that memory bounds."""
    if name == "gemm":
        return 2.0 * spec.batch * spec.m * spec.n * spec.k
    if name in ("conv", "conv_input_grad", "conv_filter_grad"):
        work = 2.0 * spec.batch * spec.channels * spec.filters / max(spec.groups, 1)
        return work * math.prod(spec.window.count) * math.prod(spec.window.kernel)
    return 0.0


def estimate(name: str, inputs: tuple, outputs: tuple, spec, plan: Plan) -> Estimate:
    """`inputs`, `outputs`: (dtype name, bytes) of each operand."""
    share, launches = 0.0, max(1, len(plan.launches))
    for one in plan.launches:
        # A block takes its part of a multiprocessor's threads, or of its shared memory.
        part = max(math.prod(one.block) / 1024, one.shared / (100 << 10))
        share = max(share, min(1.0, math.prod(one.grid) * part / _UNITS))
    written = sum(n for _, n in outputs)
    read = written if name in _GATHERS else sum(n for _, n in inputs)
    moving = (read + written) / _BYTES
    computing = flops(name, spec) / _FLOPS.get(outputs[0][0] if outputs else "", 4e7)
    # An eighth of the threads is enough to keep memory busy.
    time = max(moving / max(min(1.0, 8 * share), 0.01), computing / max(share, 0.01))
    return Estimate(LAUNCH * launches + time, share)


def rounds(launch: Launch, threads: int) -> int:
    """How often a block of so many threads goes over the work of a launch."""
    return -(-math.prod(launch.grid) * math.prod(launch.block) // threads) if launch.member == FREE else 1


def as_member(launch: Launch, threads: int) -> float:
    """Microseconds of a launch as a part of one block's work."""
    return MEMBER + ROUND * (rounds(launch, threads) - 1)


def of_group(launches, threads: int) -> Estimate:
    return Estimate(LAUNCH + sum(as_member(one, threads) for one in launches), threads / 1024 / _UNITS)
