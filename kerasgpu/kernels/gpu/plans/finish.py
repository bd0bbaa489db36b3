"""What a library's kernel leaves to do: bias, ReLU or relu_grad on its result, by an elementwise kernel of ours."""

from __future__ import annotations

import copy

from kerasgpu.kernels.elementwise_chain import DOUBLE, FLOAT, Chain
from kerasgpu.kernels.gpu.driver.launch import IN, OUT, Launch
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Call, make_plan


def finished(
    call: Call, rows: int, n: int, bias: int | None = None, relu: bool = False, mask: int | None = None
) -> list[Launch]:
    """out = act(out + bias) in place, for the call's first output (rows, n); where `mask` is not positive, 0.

    Args:
        bias: number of the input with n elements, or None.
        mask: number of the input with rows * n elements, or None.
    """
    dtype = call.out[0].dtype
    sources = [(OUT, 0)] + [(IN, k) for k in (bias, mask) if k is not None]
    chain = Chain(len(sources))
    value = chain.input(0)
    if bias is not None:
        value = chain.op("add", value, chain.input(1))
    if relu:
        value = chain.op("relu", value)
    if mask is not None:
        value = chain.op("relu_grad", value, chain.input(len(sources) - 1))
    dims: tuple[int, ...] = (rows, n)
    strides: list[tuple[int, ...]] = [(n, 1) if one != (IN, bias) else (0, 1) for one in sources]
    if bias is None:
        dims, strides = (rows * n,), [(1,) for _ in sources]
    spec = chain.build([value], dims, strides, DOUBLE if dtype == "float64" else FLOAT)
    item = DTYPES[dtype][0]
    whole = (dtype, rows * n * item)
    ins = tuple((dtype, n * item) if one == (IN, bias) else whole for one in sources)
    plan = make_plan("elementwise", ins, (whole,), spec, call.repeated)
    places = {(IN, k): one for k, one in enumerate(sources)}
    return [redirected(one, places) for one in plan.launches]


def redirected(launch: Launch, places: dict) -> Launch:
    """The same launch with other operands: {(kind, number): (kind, number)}."""
    made = copy.copy(launch)
    made.pointers = tuple((at, *places.get((kind, k), (kind, k)), offset) for at, kind, k, offset in launch.pointers)
    return made
