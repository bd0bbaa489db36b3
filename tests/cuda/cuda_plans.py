"""Calls whose plans, together, reach every source of csrc/cuda and every entry in it, in the dtypes that matter most."""

from __future__ import annotations

from kerasgpu.kernels.elementwise_chain import Chain, compute_type
from kerasgpu.kernels.gpu.graph import group, group_source
from kerasgpu.kernels.gpu.plans.plan import DTYPES, make_plan
from kerasgpu.kernels.spec import read as spec_of

N = 1 << 16


def array(dtype, n=N):
    return dtype, n * DTYPES[dtype][0]


def chain_call(dtype, outputs, dims, strides, repeated, op="mul"):
    chain = Chain(len(strides))
    value = chain.input(0)
    for k in range(1, len(strides)):
        value = chain.op(op, chain.op("add", value, chain.input(k)), 3)
    if compute_type(dtype) < 2:
        value = chain.op("tanh", value)
    spec = chain.build([value], dims, strides, compute_type(dtype))
    return (
        "elementwise",
        [array(dtype)] * len(strides),
        [array(d) for d in outputs],
        (spec.compute, *spec.program),
        spec.constants,
        repeated,
    )


def calls():
    """(name, inputs, outputs, ints, floats[, repeated])."""
    f, h, b, d, i, w = "float32", "float16", "bfloat16", "float64", "int32", "int64"
    found: list[tuple] = []
    add = lambda *call: found.append(call)
    for dtype in (f, d, w, "uint64"):
        found.append(chain_call(dtype, [dtype], (1000,), [(1,), (0,)], False))
    found.append(chain_call(f, [f], (1000,), [(1,), (1,)], True))
    found.append(chain_call(f, [b], (100, 20), [(20, 1), (0, 1), (1, 0)], True))
    found.append(chain_call(d, ["bool"], (1000,), [(1,)], True))
    found.append(chain_call(i, [i], (10, 7), [(7, 1), (0, 1)], True))
    for dtype in (f, h, "uint8", "bool", w):
        add("cast", [array(dtype)], [array(f)], (1000,), ())
    add("copy", [array(f)], [array(f)], (), ())
    add("fill", [], [array(f)], (0,), (1.0,))
    add("fill", [], [array("uint8")], (0,), (1.0,))
    add("advance", [], [array(w)], (1,), ())
    add("advance_seed", [], [array("uint32")], (0,), ())
    for dtype in (f, h, "int8", d):
        add("transpose", [array(dtype)], [array(dtype)], (3, 10, 20, 30, 0, 2, 1), ())
        add("broadcast_to", [array(dtype)], [array(dtype)], (2, 1, 5, 9, 5), ())
    add("pad", [array(f)], [array(f)], (1, 2, 10, 20, 1, 1, 2, 2), (0.0,))
    add("tri_mask", [array(f)], [array(f)], (2, 10, 20, -1, 1), ())
    add("concatenate", [array(f), array(f)], [array(f)], (3, 5, 7), ())
    add("take", [array(f), array(i)], [array(f), array(i)], (1, 40, 8, 10, 0), ())
    add("take_along_axis", [array(h), array(w)], [array(h)], (2, 20, 1, 10, 0), ())
    add("ravel_indices", [array(i)], [array(w)], (20, 2, 5, 5), ())
    add("one_hot", [array(i)], [array(f)], (1, 4, 10), ())
    add("gather_rows", [array("uint8"), array(w), array(w)], [array(f)], (50, 8, 20, 5), ())
    add("store_rows", [array(f), array(w)], [array(f)], (60, 8, 5), ())
    for name in ("scatter_add", "scatter_update", "scatter_max", "scatter_min"):
        add(name, [array(i), array(f)], [array(f)], (50, 8, 100, 1), ())
    add("bincount", [array(i)], [array(w)], (1, 100, 40), ())
    for dtype in (f, d, "int8"):
        add("sort", [array(dtype)], [array(dtype)], (2, 5000, 0), ())
    add("argsort", [array(f)], [array(w)], (2, 100, 1), ())
    add("in_top_k", [array(i), array(f)], [array("bool")], (10, 5, 1), ())
    add("searchsorted", [array(f), array(f)], [array(i)], (40, 40, 0), ())
    for op in range(11):
        out = i if op in (8, 9) else f
        for outer, n, inner in ((40, 100, 1), (1, 40000, 1), (4, 1000, 5)) if op in (0, 2, 8, 10) else ((40, 100, 1),):
            add("reduce", [array(f)], [array(out)], (op, outer, n, inner), ())
    add("reduce", [array(h)], [array(f)], (0, 4, 1000, 5), ())
    add("reduce", [array(f)], [array(f)], (0, 1, 10000, 5), ())
    add("reduce", [array(b)], [array(b)], (1, 40, 100, 1), ())
    add("reduce", [array(d)], [array(d)], (0, 1, 40000, 1), ())
    add("reduce", [array(i)], [array(w)], (0, 40, 100, 1), ())
    add("reduce", [array(f)], [array(f)], (0, 40, 0, 1), ())
    add("scan", [array(f)], [array(f)], (0, 4, 1000, 1, 0, 0), ())
    add("scan", [array(f)], [array(f)], (1, 4, 100, 5, 1, 1), ())
    for dtype in (f, h, b, d):
        for n, inner in ((100, 1), (5000, 1), (10, 10)):
            add("softmax", [array(dtype)], [array(dtype)], (2, n, inner), ())
        for inner in (1, 5):
            add("log_softmax_grad", [array(dtype)] * 2, [array(dtype)], (2, 100, inner), ())
        add("sparse_softmax_cross_entropy", [array(dtype), array(w)], [array(dtype)] * 2 + [array(i)], (20, 100, 0, 0), ())
        add("softmax_cross_entropy", [array(dtype)] * 2, [array(dtype)] * 2, (20, 3000), ())
    add("softmax_cross_entropy_grad", [array(f)] * 3, [array(f)], (20, 100), ())
    add("sparse_softmax_cross_entropy_grad", [array(f), array(i), array(f)], [array(f)], (20, 100, 0, 0), ())
    state = array("uint32", 2)
    for dtype in (f, h, b):
        add("random", [state], [array(dtype)], (2, 1000, 0), (0.0, 1.0))
        add("dropout", [array(dtype), state], [array(dtype)], (1000, 0), (0.5,))
    add("random", [state], [array(i)], (5, 1000, 0, 0, 9), ())
    add("random", [state], [array("bool")], (4, 1000, 0), (0.5,))
    add("random", [state, array(f)], [array(f)], (6, 1000, 0), ())
    add("permutation", [state], [array(w)], (5000, 0), ())
    rate, step = array(f, 1), array(w, 1)

    def optimizer(name, slots, ints, floats, dtype=f, shared=0):
        outputs = [array(dtype)] * (1 + slots + shared)
        add(name, [rate, step, array(dtype)], outputs, (1, 1000, 1, *ints), (0.0, *floats))

    for dtype in (f, h, b):
        optimizer("adam", 2, (0,), (0.9, 0.99, 1e-7), dtype)
    optimizer("adam", 3, (1,), (0.9, 0.99, 1e-7))
    optimizer("sgd", 0, (0,), (0.0,))
    optimizer("sgd", 1, (0,), (0.9,))
    optimizer("sgd", 1, (1,), (0.9,))
    optimizer("rmsprop", 1, (0,), (0.9, 0.0, 1e-7))
    optimizer("rmsprop", 3, (1,), (0.9, 0.5, 1e-7))
    optimizer("adamax", 2, (), (0.9, 0.99, 1e-7))
    optimizer("nadam", 2, (1,), (0.9, 0.99, 1e-7), shared=1)
    optimizer("adagrad", 1, (), (1e-7,))
    optimizer("adadelta", 2, (), (0.9, 1e-7))
    optimizer("lion", 1, (), (0.9, 0.99))
    optimizer("ftrl", 2, (), (-0.5, 0.0, 0.0, 0.0, 0.0))
    optimizer("ftrl", 2, (), (-0.7, 0.0, 0.0, 0.0, 0.0))
    optimizer("lamb", 2, (), (0.9, 0.99, 1e-7))
    add("multi_square_sum", [array(f)], [array(d)], (1, 1000, 1, 0), ())
    add("multi_clip", [array(f)], [array(f)], (1, 1000, 0), (1.0,))
    add("ema_update", [step, array(f)], [array(f)], (1, 1000), (0.9,))
    for dtype in (f, b, d):
        kind = d if dtype == d else f
        for view in ((1, 500, 4, 1), (2, 5, 4, 20)):
            add("batch_norm", [array(dtype)], [array(dtype)] + [array(kind)] * 3, (*view, 2, 0, 0, 0, 1), (1e-3,))
    add("batch_norm_apply", [array(f)] * 3, [array(f)], (500, 4, 1, 0, 0, 0, 0), (1e-3,))
    add("batch_norm_grad", [array(f)] * 4, [array(f)] * 3, (1, 500, 4, 1, 1, 0, 0, 0), ())
    add("moments", [array(f)], [array(f)] * 2, (1, 500, 4, 1), ())
    for dtype, n in ((f, 100), (h, 100), (f, 5000)):
        add("layer_norm", [array(dtype), array(f), array(f)], [array(dtype), array(f)], (10, n, 1, 1, 1), (1e-3,))
        add("layer_norm_grad", [array(dtype)] * 2 + [array(f)] * 2, [array(dtype), array(f), array(f)], (10, n, 1, 1, 1), ())
    window = (1, 8, 8, 1, 4, 4, 1, 2, 2, 1, 2, 2, 1, 1, 1, 0, 0, 0)
    for dtype in (f, h):
        for name in ("average_pool", "average_pool_grad", "max_pool"):
            add(name, [array(dtype)], [array(dtype)], (2, 3, *window), ())
        add("max_pool", [array(dtype)], [array(dtype), array("uint8")], (2, 3, *window), ())
        for name in ("max_pool_grad", "max_pool_take"):
            add(name, [array(dtype), array("uint8")], [array(dtype)], (2, 3, *window), ())
    for dtype in (f, d, h, b, i, "bool"):
        add("gemm", [array(dtype)] * 2, [array(dtype)], (1, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0), (1.0,))
    window = (1, 8, 8, 1, 8, 8, 1, 3, 3, 1, 1, 1, 1, 1, 1, 0, 1, 1)
    for dtype in (f, d, b):
        add("gemm", [array(dtype)] * 2, [array(dtype)], (1, 16, 16, 4096, 1, 0, 0, 0, 0, 0, 0), (1.0,))
        for name in ("conv", "conv_input_grad", "conv_filter_grad"):
            add(name, [array(dtype)] * 2, [array(dtype)], (4, 16, 32, 1, 0, 0, *window), ())
    for dtype, channels in ((f, 1), (f, 3), (b, 3)):
        for name in ("conv", "conv_filter_grad"):
            add(name, [array(dtype)] * 2, [array(dtype)], (20, channels, 32, 1, 0, 0, *window), ())
    for dtype in (f, d, h, b):
        depthwise(add, dtype, 3, 1)
    depthwise(add, f, 3, 2)
    depthwise(add, h, 5, 2)
    depthwise(add, f, 7, 1)
    depthwise(add, f, 3, 1, 2)
    for inner in (3, 4):
        for name, places, more in (("sample_map", 1, (0,)), ("sample_grid", 2, ())):
            for order in (0, 1):
                add(name, [array(f)] * (1 + places), [array(f)], (4, 1, 20, 20, inner, 4, order, 0, 20, 20, *more), (0.0,))
        for dtype in (f, "uint8"):
            for taps in (2, 20):
                axis = [array(i), array(f)]
                add("resample", [array(dtype), *axis, *axis], [array(f)], (4, 20, 20, inner, 10, 10, taps, taps), ())
    return found


def depthwise(add, dtype, taps, stride, dilation=1):
    """A layer of 2 x 28 x 28 x 40 and its gradients."""
    before = (taps - 1) * dilation // 2
    count = (28 + 2 * before - (taps - 1) * dilation - 1) // stride + 1
    window = (1, 28, 28, 1, count, count, 1, taps, taps, 1, stride, stride, 1, dilation, dilation, 0, before, before)
    for name, more in (("depthwise_conv", (0, 0)), ("depthwise_input_grad", ()), ("depthwise_filter_grad", ())):
        add(name, [array(dtype)] * 2, [array(dtype)], (2, 40, *window, *more), ())


def plans() -> list:
    """(call, plan) of all those calls."""
    found = []
    for call in calls():
        name, inputs, outputs, ints, floats, *repeated = call
        plan = make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, ints, floats), *repeated)
        assert plan.launches, f"{name} {ints} plans nothing"
        found.append((call, plan))
    return found


def small_calls(together=16) -> list[list]:
    """(call, plan) of those that one block may do, in lists of some that can be done by one launch."""
    small = [(call, plan) for call, plan in plans() if group.is_small(plan)]
    return [small[k : k + together] for k in range(0, len(small), together)]


def merged(some):
    """The launch that does these calls, with as many threads as it may have."""
    launches = [one for _, plan in some for one in plan.launches]
    return group_source.combined(group_source.with_barriers(launches, lambda j, k: False), group.MOST_THREADS)


def modules() -> dict:
    """{module: entries} of all those plans, and of groups of those that may be in one."""
    found: dict = {}
    for some in small_calls():
        one = merged(some)
        found[one.module] = {one.entry}
    for _, plan in plans():
        for one in plan.launches:
            found.setdefault(one.module, set()).add(one.entry)
    return found
