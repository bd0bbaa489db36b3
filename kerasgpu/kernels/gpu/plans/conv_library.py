"""Plans of convolutions by cuDNN (KERASGPU_CONV=cudnn): filters moved to its layout in scratch memory, bias and ReLU by our kernel."""

from __future__ import annotations

import math

from kerasgpu import config
from kerasgpu.config import tensor_cores
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.launch import IN, OUT, SCRATCH, Launch
from kerasgpu.kernels.gpu.plans.finish import finished, redirected
from kerasgpu.kernels.gpu.plans.plan import DTYPES, Call, Plan, ceil_div, make_plan
from kerasgpu.kernels.gpu.vendor import cudnn
from kerasgpu.kernels.movement import TransposeSpec


def by_library(call: Call, c, part: int) -> Plan | None:
    """`c`: the checked conv.Conv of a call. None where cuDNN is not asked for or cannot do it."""
    if config.convolutions() != "cudnn":
        return None
    driver = drivers.current()
    problem = driver.library_problem("cudnn")
    if problem:
        raise RuntimeError(f"KERASGPU_CONV=cudnn: {problem}")
    work = work_of(c, part, call.out[0].dtype)
    workspace = None if work is None else driver.library_workspace(work)
    if work is None or workspace is None:
        return None
    out = call.out[0]
    taps = math.prod(c.window.kernel) * c.depth
    filter_bytes = ceil_div(taps * c.filters * out.item, 256) * 256
    launches: list[Launch] = []
    if part != cudnn.FILTER_GRAD:
        launches += moved(out.dtype, taps, c.filters, (IN, 1), (SCRATCH, 0))
    launches.append(cudnn.launch_of(work, workspace, filter_bytes))
    if part == cudnn.FILTER_GRAD:
        launches += moved(out.dtype, c.filters, taps, (SCRATCH, 0), (OUT, 0))
    elif c.bias or c.relu or c.mask is not None:
        n = c.filters if part == cudnn.FORWARD else c.channels
        count = c.y_count if part == cudnn.FORWARD else c.x_count
        launches += finished(call, count // n, n, 2 if c.bias else None, c.relu, c.mask)
    return Plan(launches, filter_bytes + workspace)


def work_of(c, part: int, dtype: str) -> cudnn.Convolution | None:
    """What cuDNN is asked for: two or three dims of pixels; None where its padding cannot describe the window."""
    w = c.window
    flat = (w.size[0], w.count[0], w.kernel[0], w.before[0]) == (1, 1, 1, 0)
    dims = slice(1 if flat else 0, 3)
    after = []
    for size, count, kernel, stride, dilation, before in zip(*(v[dims] for v in w)):
        reach = (kernel - 1) * dilation + 1
        rest = max(0, (count - 1) * stride + reach - size - before)
        if count < 1 or (size + before + rest - reach) // stride + 1 != count:
            return None
        after.append(rest)
    tf32 = tensor_cores.is_tf32_enabled()
    return cudnn.Convolution(
        part, dtype, tf32, c.batch, c.channels, c.filters, c.groups, w.size[dims], w.count[dims], w.kernel[dims], w.stride[dims],
        w.dilation[dims], w.before[dims], tuple(after),
    )  # fmt: skip


def moved(dtype: str, rows: int, columns: int, source: tuple[int, int], target: tuple[int, int]) -> list[Launch]:
    """The transpose of a matrix, between operands of the call or its scratch memory."""
    nbytes = rows * columns * DTYPES[dtype][0]
    plan = make_plan("transpose", ((dtype, nbytes),), ((dtype, nbytes),), TransposeSpec(2, (rows, columns), (1, 0)))
    return [redirected(one, {(IN, 0): source, (OUT, 0): target}) for one in plan.launches]
