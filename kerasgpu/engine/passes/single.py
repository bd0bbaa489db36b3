"""The sum or mean over a single element is that element plus zero: an elementwise call, which joins what follows it.

Plus zero, because a sum begins with zero: -0.0 becomes 0.0 in both.
"""

from __future__ import annotations

from kerasgpu.engine.recorder import Call
from kerasgpu.kernels.elementwise_chain import DOUBLE, FLOAT, ChainSpec

_COMPUTE = {"float16": FLOAT, "bfloat16": FLOAT, "float32": FLOAT, "float64": DOUBLE}
_SUM, _MEAN = 0, 1


def spare_sums_of_one(calls, wanted):
    return [_as_addition(call) if call.kernel == "reduce" else call for call in calls]


def _as_addition(call):
    (x,), (y,) = call.inputs, call.outputs
    op, outer, n, inner = call.spec
    compute = _COMPUTE.get(x.dtype.name)
    if op not in (_SUM, _MEAN) or n != 1 or x.dtype != y.dtype or compute is None:
        return call
    chain = ChainSpec(compute, (outer * inner,), [(1,)], [0.0], [2], [("add", 2, 0, 1)])
    return Call("elementwise", [x], [y], chain.encode())
