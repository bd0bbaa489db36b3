"""Softmax, cross-entropies, random numbers and optimizers on the shim against the CPU kernels."""

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cross_entropy, cuda, elementwise, optimizer, random, softmax
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
FLOATS = ["float32", "float64", "float16", "bfloat16"]


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


def array(shape, dtype="float32", seed=0, scale=3.0):
    return elementwise.cast(np.random.default_rng(seed).normal(size=shape) * scale, dtype)


def close(got, want, tolerance=None):
    if isinstance(want, (tuple, list)):
        for g, w in zip(got, want):
            close(g, w, tolerance)
        return
    got = got.get()
    assert got.dtype == want.dtype and got.shape == want.shape
    tolerance = tolerance or {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}.get(want.dtype.name, 0)
    np.testing.assert_allclose(got.astype("float64"), want.astype("float64"), rtol=tolerance, atol=tolerance)


def same(got, want):
    got = got.get()
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.view(np.uint8), want.view(np.uint8))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_softmax(gpu, dtype, schedule):
    gpu.schedule = schedule
    for shape, axis in [((5, 7), 1), ((3, 1500), 1), ((4, 6, 5), 1), ((9, 1), 1), ((3, 1, 4), 1)]:
        x, g = array(shape, dtype), array(shape, dtype, 1)
        if dtype == "float32" and shape == (5, 7):
            x[0, 1], x[1, 2], x[2, :] = np.nan, np.inf, -np.inf
        for name in ("softmax", "log_softmax"):
            y = getattr(softmax, name)(x, axis)
            close(getattr(softmax, name)(put(x), axis), y)
            grad = getattr(softmax, f"{name}_grad")
            close(grad(put(y), put(g), axis), grad(y, g, axis))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_cross_entropy(gpu, dtype, schedule):
    gpu.schedule = schedule
    for rows, cols in [(5, 7), (3, 1500), (17, 1)]:
        x, t, g = array((rows, cols), dtype), softmax.softmax(array((rows, cols), dtype, 1)), array((rows,), dtype, 2)
        labels = np.random.default_rng(0).integers(0, cols, rows)
        want = cross_entropy.softmax_cross_entropy(x, t)
        close(cross_entropy.softmax_cross_entropy(put(x), put(t)), want)
        grad = cross_entropy.softmax_cross_entropy_grad
        close(grad(put(want[1]), put(t), put(g)), grad(want[1], t, g))
        for index in ("int64", "uint8"):
            k = (labels % 200).astype(index)
            if index == "int64":
                k[1], k[2] = -5, cols
            for ignore in (None, int(k[0])):
                bad, counted = np.zeros(1, "int32"), put(np.zeros(1, "int32"))
                want = cross_entropy.sparse_softmax_cross_entropy(x, k, ignore, bad)
                close(cross_entropy.sparse_softmax_cross_entropy(put(x), put(k), ignore, counted), want)
                same(counted, bad)
                grad = cross_entropy.sparse_softmax_cross_entropy_grad
                close(grad(put(want[1]), put(k), put(g), ignore), grad(want[1], k, g, ignore))


STATE = np.array([1234567, 42], "uint32")


@pytest.mark.parametrize("dtype", FLOATS)
def test_random_floats_are_the_bits_of_the_cpu(gpu, dtype):
    for shape in [(1,), (63,), (64,), (5, 100), (1000,)]:
        for name, args in [
            ("uniform", (-1.5, 2.0)),
            ("uniform", (0.0, 1e-3)),
            ("normal", (1.0, 2.0)),
            ("truncated_normal", (0.0, 0.05)),
        ]:
            draw = getattr(random, name)
            same(draw(put(STATE), shape, *args, dtype=dtype, stream=3), draw(STATE, shape, *args, dtype=dtype, stream=3))
        for rate in (0.0, 0.3, 1.0):
            x = array(shape, dtype)
            same(random.dropout(put(x), put(STATE), rate, 7), random.dropout(x, STATE, rate, 7))


def test_random_integers_are_the_bits_of_the_cpu(gpu):
    for n in (1, 31, 33, 64, 500):
        same(random.bits(put(STATE), (n,)), random.bits(STATE, (n,)))
        for dtype in ("bool", "int8", "float32", "bfloat16"):
            same(random.bernoulli(put(STATE), (n,), 0.3, dtype), random.bernoulli(STATE, (n,), 0.3, dtype))
        for dtype, low, high in [("int32", -5, 9), ("uint8", 0, 256), ("int64", -(1 << 40), 1 << 41), ("uint64", 3, 1 << 40)]:
            same(random.randint(put(STATE), (n,), low, high, dtype), random.randint(STATE, (n,), low, high, dtype))
        same(random.permutation(put(STATE), n), random.permutation(STATE, n))
    same(random.permutation(put(STATE), 5000), random.permutation(STATE, 5000))


def test_distributions_by_rejection(gpu):
    shape = (300,)
    a, b = np.linspace(0.1, 30, 300).astype("float32"), np.linspace(0.01, 0.99, 300).astype("float32")
    for name, args in [("gamma", (a,)), ("poisson", (a,)), ("binomial", (a, b)), ("beta", (a, b)), ("gamma", (2.5,))]:
        draw = getattr(random, name)
        on_device = [put(x) if isinstance(x, np.ndarray) else x for x in args]
        close(draw(put(STATE), shape, *on_device), draw(STATE, shape, *args), 1e-5)


STEPS = {
    "sgd": [dict(momentum=0.0), dict(momentum=0.9), dict(momentum=0.9, nesterov=True)],
    "rmsprop": [dict(), dict(centered=True), dict(momentum=0.5), dict(momentum=0.5, centered=True)],
    "adam": [dict(), dict(amsgrad=True)],
    "adamax": [dict()],
    "nadam": [dict()],
    "adagrad": [dict()],
    "adadelta": [dict()],
    "lion": [dict()],
    "ftrl": [dict(l1=0.1, l2=0.2), dict(learning_rate_power=-0.7)],
    "lamb": [dict()],
}
SLOTS = {
    "sgd": 1,
    "adam": 2,
    "adamax": 2,
    "nadam": 2,
    "adagrad": 1,
    "adadelta": 2,
    "lion": 1,
    "ftrl": 2,
    "lamb": 2,
    "rmsprop": 1,
}


def run_step(name, options, move, dtype, steps=3):
    """The variables and slots after some steps, as NumPy arrays."""
    shapes = [(3,), (2500,), (1,), (0,), (70, 30)] + [(2,)] * 60
    variables = [move(array(s, dtype, k)) for k, s in enumerate(shapes)]
    slots = [[move(elementwise.abs(array(s, dtype, 99))) for s in shapes] for _ in range(SLOTS[name])]
    options = dict(options)
    extra = {}
    if name == "sgd" and not options["momentum"]:
        slots = [[]]
    if options.pop("amsgrad", False):
        extra["velocity_hats"] = [move(elementwise.abs(array(s, dtype, 98))) for s in shapes]
    if name == "rmsprop":
        extra["momentums"] = [move(array(s, dtype, 97)) for s in shapes]
        extra["average_gradients"] = [move(array(s, dtype, 96, 0.01)) for s in shapes]
    shared = [move(elementwise.cast(np.ones(1), dtype))] if name == "nadam" else []
    rate = move(np.array([0.01], "float32"))
    for step in range(steps):
        grads = [move(array(s, dtype, 10 * step + k)) for k, s in enumerate(shapes)]
        args = (grads, variables, *slots, *shared, rate, move(np.array([step])))
        mask = [k % 2 == 0 for k in range(len(shapes))]
        getattr(optimizer, name)(*args, **options, **extra, weight_decay=0.1, decay_mask=mask)
    used = [*variables, *[x for s in slots for x in s], *shared, *[x for v in extra.values() for x in v]]
    return [x if type(x) is np.ndarray else x.get() for x in used]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name, k", [(name, k) for name, all_ in STEPS.items() for k in range(len(all_))])
def test_optimizers(gpu, name, k, dtype):
    want = run_step(name, STEPS[name][k], lambda x: x, dtype)
    got = run_step(name, STEPS[name][k], put, dtype)
    for g, w in zip(got, want):
        if name in ("lamb", "ftrl"):  # norms in another grouping, the library's pow
            tolerance = {"float32": 1e-5, "float64": 1e-12, "float16": 1e-2, "bfloat16": 5e-2}[dtype]
            np.testing.assert_allclose(g.astype("float64"), w.astype("float64"), rtol=tolerance, atol=tolerance)
        elif name in ("adam", "rmsprop", "adagrad") and dtype == "float32":  # the CPU divides by reciprocals: quotient.h
            np.testing.assert_allclose(g, w, rtol=1e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(g.view(np.uint8), w.view(np.uint8))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_around_the_update(gpu, dtype, schedule):
    gpu.schedule = schedule
    shapes = [(3,), (5000,), (0,), (7, 9)] + [(2,)] * 60
    xs = [array(s, dtype, k) for k, s in enumerate(shapes)]
    on_device = [put(x) for x in xs]
    close(optimizer.square_sum(on_device), optimizer.square_sum(xs), 1e-12)
    for name in ("clip_by_value", "clip_by_norm", "clip_by_global_norm"):
        close(getattr(optimizer, name)(on_device, 0.7), getattr(optimizer, name)(xs, 0.7))
    for step in (0, 1):
        averages, others = [x.copy() for x in xs], [array(s, dtype, 50) for s in shapes]
        moved = [put(x) for x in averages]
        optimizer.ema_update(moved, [put(x) for x in others], put(np.array([step])), 0.9)
        optimizer.ema_update(averages, others, np.array([step]), 0.9)
        close(moved, averages)


def test_clipping_without_a_finite_norm(gpu):
    for bad in (np.nan, np.inf):
        xs = [np.array([1, bad], "float32"), np.zeros(3, "float32")]
        for name in ("clip_by_value", "clip_by_norm", "clip_by_global_norm"):
            with np.errstate(all="ignore"):
                close(getattr(optimizer, name)([put(x) for x in xs], 0.7), getattr(optimizer, name)(xs, 0.7))
    zero = [np.zeros(3, "float32")]
    close(optimizer.clip_by_global_norm([put(zero[0])], 0.7), optimizer.clip_by_global_norm(zero, 0.7))


F, D = ("float32", 160), ("float64", 160)
RATE, STEP = ("float32", 4), ("int64", 8)
BAD = [
    ("softmax", [F], [F], (5, 9, 1), ()),
    ("softmax", [F], [D], (5, 8, 1), ()),
    ("softmax", [("int32", 160)], [("int32", 160)], (5, 8, 1), ()),
    ("softmax_grad", [F, D], [F], (5, 8, 1), ()),
    ("softmax_cross_entropy", [F, F], [("float32", 16), F], (5, 8), ()),
    ("softmax_cross_entropy", [F, F], [F, F], (5, 0), ()),
    ("sparse_softmax_cross_entropy", [F, ("float32", 20)], [F, F], (5, 8, 0, 0), ()),
    ("sparse_softmax_cross_entropy_grad", [F, ("int32", 16), F], [F], (5, 8, 0, 0), ()),
    ("random", [("uint32", 4)], [F], (1, 40, 0), (0.0, 1.0)),
    ("random", [("uint32", 8)], [F], (1, 41, 0), (0.0, 1.0)),
    ("random", [("uint32", 8)], [F], (5, 40, 0, 1, 9), ()),
    ("random", [("uint32", 8)], [("int32", 160)], (5, 40, 0, 9, 9), ()),
    ("random", [("uint32", 8), ("float32", 8)], [F], (6, 40, 0), ()),
    ("dropout", [F, ("uint32", 8)], [F], (40, 0), (1.5,)),
    ("dropout", [F, ("uint32", 8)], [F], (41, 0), (0.5,)),
    ("permutation", [("uint32", 8)], [("int64", 80)], (11, 0), ()),
    ("adam", [RATE, STEP, F], [F, F, F], (1, 41, 0, 0), (0.0, 0.9, 0.99, 1e-7)),
    ("adam", [RATE, STEP, F], [F, F], (1, 40, 0, 0), (0.0, 0.9, 0.99, 1e-7)),
    ("adam", [RATE, STEP, D], [F, F, F], (1, 20, 0, 0), (0.0, 0.9, 0.99, 1e-7)),
    ("adam", [RATE, STEP, F], [F, F, F], (5000, 40, 0, 0), (0.0, 0.9, 0.99, 1e-7)),
    ("adam", [("float16", 2), STEP, F], [F, F, F], (1, 40, 0, 0), (0.0, 0.9, 0.99, 1e-7)),
    ("sgd", [RATE, STEP, F], [F], (1, -40, 0, 0), (0.0, 0.0)),
    ("multi_square_sum", [F], [("float64", 0)], (1, 40, 1, 0), ()),
    ("multi_clip", [F], [F], (1, 40, 3), (1.0,)),
    ("multi_clip", [F], [F], (1, 40, 0), (0.0,)),
    ("ema_update", [STEP, F], [F], (1, 41), (0.9,)),
]


@pytest.mark.parametrize("case", BAD)
def test_hostile_arguments(case):
    name, inputs, outputs, ints, floats = case
    with pytest.raises(ValueError, match=name):
        make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, ints, floats))
