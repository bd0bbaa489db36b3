"""Elementwise, reduce, scan and gemm on the shim against the CPU kernels, under every schedule; hostile arguments."""

import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu.kernels import cuda, elementwise, gemm, reduce
from kerasgpu.kernels.elementwise_chain import Chain
from kerasgpu.kernels.gpu.plans import elementwise as planned
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]


def put(x):
    return cuda.put(np.asarray(x), ("gpu", 0))


def close(got, want, tolerance=2e-5):
    got = got.get()
    assert got.dtype == want.dtype and got.shape == want.shape
    if got.dtype.kind in "biu":
        np.testing.assert_array_equal(got, want)
    else:
        tolerance = max(tolerance, {"float16": 2e-3, "bfloat16": 2e-2}.get(got.dtype.name, 0))
        np.testing.assert_allclose(got.astype("float64"), want.astype("float64"), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", [n for n in elementwise.NAMES if planned.has_instruction(n, 0)])
def test_every_float_instruction(gpu, name, dtype):
    special = [0.0, -0.0, 1.0, -1.0, 0.5, 3.25, -2.75, np.inf, -np.inf, np.nan, 30.0, -30.0, 6.0]
    rng = np.random.default_rng(0)
    args = [rng.permutation(np.array(special * 3)).astype(dtype) for _ in range(elementwise.ARITY[name])]
    with np.errstate(all="ignore"):
        want = elementwise.elementwise(name, *args)
    close(elementwise.elementwise(name, *map(put, args)), want, 1e-12 if dtype == "float64" and want.dtype != bool else 5e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
@pytest.mark.parametrize("name", [n for n in elementwise.NAMES if planned.has_instruction(n, 2)])
def test_every_integer_instruction(gpu, name, dtype):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    values = np.array([*map(int, rng.integers(0, 9, 20)), info.max, info.min, info.max // 2, 63, 64], dtype)
    args = [rng.permutation(values) for _ in range(elementwise.ARITY[name])]
    close(elementwise.elementwise(name, *map(put, args)), elementwise.elementwise(name, *args))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_broadcast_shapes(gpu, schedule):
    gpu.schedule = schedule
    rng = np.random.default_rng(1)
    for a, b in [((3, 5), (5,)), ((4, 1, 6), (3, 1)), ((), (7,)), ((2, 3, 4, 5), (3, 1, 5)), ((0, 3), (3,)), ((1000,), (1,))]:
        x, y = rng.normal(size=a).astype("float32"), rng.normal(size=b).astype("float32")
        close(elementwise.add(put(x), put(y)), elementwise.add(x, y))


def chain_arguments(dtype, shapes):
    """((a - b) * 3 clipped at 1, a < b) over arrays of the given shapes."""
    chain = Chain(2)
    a, b = chain.input(0), chain.input(1)
    difference = chain.op("mul", chain.op("sub", a, b), 3)
    outputs = [chain.op("min", difference, 1), chain.op("lt", a, b)]
    rng = np.random.default_rng(2)
    arrays = [(rng.normal(size=s) * 4).astype(dtype) for s in shapes]
    return chain, outputs, arrays


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "uint64"])
@pytest.mark.parametrize("shapes", [((40,), (40,)), ((7, 12), (12,)), ((7, 12), (7, 1)), ((5, 3), (3,)), ((33,), (1,))])
def test_compiled_chains(gpu, monkeypatch, dtype, shapes):
    monkeypatch.setattr(planned, "LARGE", 1)
    cuda.forget()
    chain, outputs, arrays = chain_arguments(np.float32 if dtype == "bfloat16" else dtype, shapes)
    if dtype == "bfloat16":
        arrays = [elementwise.cast(a, dtype) for a in arrays]
    dtypes = [arrays[0].dtype, "bool"]
    want = elementwise.run_chain(chain, outputs, *arrays, out_dtypes=dtypes)
    got = elementwise.run_chain(chain, outputs, *map(put, arrays), out_dtypes=dtypes)
    for g, w in zip(got, want):
        np.testing.assert_array_equal(g.get(), w)
    cuda.forget()


def test_compiled_and_interpreted_are_the_same_bits(gpu, monkeypatch):
    x = np.random.default_rng(3).normal(size=1001).astype("float32") * 10
    first = {n: elementwise.elementwise(n, put(x)).get() for n in ("exp", "tanh", "gelu", "log", "sigmoid")}
    monkeypatch.setattr(planned, "LARGE", 1)
    cuda.forget()
    for name, bits in first.items():
        np.testing.assert_array_equal(elementwise.elementwise(name, put(x)).get(), bits)
    cuda.forget()


CAST = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint64", "float16", "bfloat16", "float32", "float64"]


@pytest.mark.parametrize("source", CAST)
def test_casts(gpu, source):
    values = np.array([0, 1, -1, 2.5, -2.5, 127, 128, 255, 256, 70000, -70000, 1e10, -1e10, 1e30, np.inf, -np.inf, np.nan])
    x = elementwise.cast(values, source)
    for target in CAST:
        with np.errstate(all="ignore"):
            got, want = elementwise.cast(put(x), target).get(), elementwise.cast(x, target)
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got.astype("float64"), want.astype("float64"))


SHAPES = [
    ((5, 7), 1),
    ((3, 2000), 1),
    ((2, 40000), 1),
    ((7, 5), 0),
    ((5000, 3), 0),
    ((3, 700, 33), 1),
    ((4, 5, 6), None),
    ((3, 1), 1),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("op", reduce.OPS)
def test_reductions(gpu, op, schedule):
    gpu.schedule = schedule
    rng = np.random.default_rng(0)
    for shape, axis in SHAPES:
        x = rng.normal(size=shape).astype("float32")
        if op == "prod":
            x = np.exp(x / 50).astype("float32")
        axis = 1 if op.startswith("arg") and axis is None else axis
        close(reduce.reduce(op, put(x), axis), reduce.reduce(op, x, axis), 1e-4 if op in ("sum", "prod") else 2e-5)


def test_reductions_of_special_values(gpu):
    x = np.array([[1, np.nan, 3, np.nan], [np.inf, 2, -np.inf, 0], [-np.inf] * 4, [5, 5, 1, 5]], "float32")
    for op in ("max", "min", "argmax", "argmin", "logsumexp"):
        for axis in (0, 1):
            close(reduce.reduce(op, put(x), axis), reduce.reduce(op, x, axis))
    empty = np.zeros((3, 0), "float32")
    for op in ("sum", "mean", "prod", "any", "all", "logsumexp"):
        close(reduce.reduce(op, put(empty), 1), reduce.reduce(op, empty, 1))
    for dtype in ("int8", "uint64", "bool", "int64"):
        x = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, (6, 50)).astype(dtype)
        for op in ("sum", "max", "min", "argmax", "any", "prod"):
            close(reduce.reduce(op, put(x), 1), reduce.reduce(op, x, 1))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", reduce.SCANS)
def test_scans(gpu, name, schedule):
    gpu.schedule = schedule
    for shape in [(3, 700), (6, 5, 4)]:
        x = (1 + np.random.default_rng(0).normal(size=shape) / 30).astype("float32")
        for reverse in (False, True):
            for exclusive in (False, True)[: 1 if "m" in name[3:4] else 2]:
                args = (1, reverse, exclusive)
                close(reduce.scan(name, put(x), *args), reduce.scan(name, x, *args), 1e-4)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8", "int64", "bool"])
def test_gemm(gpu, dtype, schedule):
    gpu.schedule = schedule
    rng = np.random.default_rng(0)
    make = lambda *s: elementwise.cast((rng.normal(size=s) * 2).astype("float32"), dtype)
    a, b = make(2, 70, 33), make(33, 65)
    close(gemm.gemm(put(a), put(b)), gemm.gemm(a, b))
    a, b = make(33, 17), make(5, 33)
    both = {"transpose_a": True, "transpose_b": True}
    close(gemm.gemm(put(a), put(b), **both), gemm.gemm(a, b, **both))
    if dtype != "bool":
        for bias in (make(5), make(17, 1)):
            got = gemm.gemm(put(a), put(b), put(bias), activation="relu", **both)
            close(got, gemm.gemm(a, b, bias, activation="relu", **both))
    close(gemm.gemm(put(make(3, 0)), put(make(0, 4))), gemm.gemm(make(3, 0), make(0, 4)))


BAD = [
    ("reduce", [("float32", 40)], [("float32", 40)], (0, 1 << 40, 1 << 40, 1)),
    ("reduce", [("float32", 40)], [("float32", 40)], (0, -1, 5, -2)),
    ("reduce", [("float32", 40)], [("float32", 4)], (0, 2, 5, 1)),
    ("reduce", [("float32", 36)], [("float32", 40)], (0, 2, 5, 1)),
    ("reduce", [("float32", 40)], [("float32", 40)], (99, 2, 5, 1)),
    ("reduce", [("float32", 40)], [("float32", 40)], (8, 2, 5, 1)),
    ("reduce", [("int32", 40)], [("float32", 40)], (1, 2, 5, 1)),
    ("scan", [("float32", 40)], [("float32", 40)], (0, 2, 6, 1, 0, 0)),
    ("cast", [("float32", 40)], [("float64", 40)], (10,)),
    ("cast", [("float32", 40)], [("float64", 40)], (-3,)),
    ("gemm", [("float32", 400)] * 2, [("float32", 400)], (1, 10, 10, 11, 0, 0, 0, 0, 0, 0, 0)),
    ("gemm", [("float32", 400)] * 2, [("float32", 400)], (1 << 62, 10, 10, 10, 0, 0, 100, 0, 0, 0, 0)),
    ("gemm", [("float32", 400)] * 2, [("float32", 400)], (1, 10, 10, 10, 0, 0, 0, 0, 1, 0, 0)),
    ("gemm", [("float32", 400), ("float64", 800)], [("float32", 400)], (1, 10, 10, 10, 0, 0, 0, 0, 0, 0, 0)),
    ("elementwise", [("float32", 40)], [("float32", 40)], (0, 1, 1, 0, 1, 1, 11, 1, 1, 4, 1, 0, 0, 0)),
    ("elementwise", [("float32", 40)], [("float32", 40)], (0, 1, 1, 0, 1, 1, 10, 2, 1, 4, 1, 0, 0, 0)),
    ("elementwise", [("float32", 40)], [("float32", 40)], (0, 1, 1, 0, 1, 1, 10, 1, 1, 4, 1, 5, 0, 0)),
    ("elementwise", [("float32", 40)], [("float32", 40)], (0, 1, 1, 0, 1, 1, 10, 1, 63, 4, 1, 0, 0, 0)),
    ("elementwise", [("float32", 40)], [("float32", 40)], (0, 1, 1, 0, 1, 1, 10, -1, 1, 4, 1, 0, 0, 0)),
]


@pytest.mark.parametrize("case", BAD)
def test_hostile_arguments(case):
    name, inputs, outputs, ints = case
    with pytest.raises(ValueError, match=name):
        make_plan(name, tuple(inputs), tuple(outputs), spec_of(name, ints, (1.0,)))
