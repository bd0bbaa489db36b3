"""Broadcasting, chains, threads, casts and hostile arguments of the elementwise kernel."""

import re
from pathlib import Path

import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import elementwise as E
from kerasgpu.kernels.elementwise_chain import ARITY, NAMES, Chain, broadcast, decode
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

LEVELS = list(range(_core.machine_level() + 1))
HEADER = Path(__file__).parents[2] / "csrc/common/opcodes.h"
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
INF, NAN = np.inf, np.nan


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


@pytest.fixture
def threads():
    before = _core.num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


def random_shapes(r):
    shape = [int(r.integers(1, 7)) for _ in range(int(r.integers(0, 5)))]
    if shape and r.random() < 0.3:
        shape[-1] = int(r.choice([255, 256, 300, 700]))
    if shape and r.random() < 0.05:
        shape[int(r.integers(len(shape)))] = 0
    out = []
    for _ in range(3):
        own = [1 if r.random() < 0.3 else n for n in shape]
        out.append(tuple(own[int(r.integers(len(own) + 1)) :]) if r.random() < 0.3 else tuple(own))
    return out


@pytest.mark.parametrize("dtypes", [("float32",) * 3, ("float16",) * 3, ("int32",) * 3, ("float64",) * 3])
def test_broadcasting(dtypes, level):
    r = np.random.default_rng(6)
    for _ in range(120):
        shapes = random_shapes(r)
        a, b, c = (np.asarray(r.standard_normal(s) * 9).astype(d) for s, d in zip(shapes, dtypes))
        y = E.muladd(a, b, c)
        if dtypes[0] == "float16":
            expected = (a.astype("float32") * b.astype("float32") + c.astype("float32")).astype("float16")
        else:
            expected = a * b + c
        assert y.shape == expected.shape, shapes
        np.testing.assert_array_equal(y, expected, err_msg=str(shapes))


def test_every_value_is_independent_of_its_place(level):
    """Masked tails, offsets and tiles use the same vector code."""
    x = np.random.default_rng(7).uniform(-9, 9, 200).astype(np.float32)
    for name in ("exp", "tanh", "gelu", "erf", "log1p", "sin", "softplus"):
        whole = E.elementwise(name, x)
        for start in range(0, 40):
            part = np.ascontiguousarray(x[start : start + 17 + start])
            np.testing.assert_array_equal(E.elementwise(name, part), whole[start : start + 17 + start])


@pytest.mark.parametrize(
    "shape,other", [((300001,), (300001,)), ((999, 301), (301,)), ((9999, 10), (10,)), ((700, 1), (1, 401))]
)
def test_threads_do_not_change_bits(shape, other, level, threads):
    r = np.random.default_rng(8)
    a, b = r.standard_normal(shape).astype(np.float32), r.standard_normal(other).astype(np.float32)
    results = []
    for n in (1, 2, 5):
        threads(n)
        results.append(E.gelu_grad(a, b))
    for y in results[1:]:
        np.testing.assert_array_equal(y, results[0])


def random_chain(r, n_in):
    chain = Chain(n_in)
    values = [chain.input(k) for k in range(n_in)]
    for _ in range(int(r.integers(1, 20))):
        name = str(r.choice(["add", "sub", "mul", "max", "tanh", "sigmoid", "relu", "where", "clip", "abs", "relu_grad"]))
        arguments = [values[int(r.integers(len(values)))] for _ in range(ARITY[name])]
        if ARITY[name] > 1 and r.random() < 0.3:
            arguments[-1] = float(r.integers(-3, 4)) / 2
        values.append(chain.op(name, *arguments))
    return chain


@pytest.mark.parametrize("shapes", [[(5, 300), (300,), (5, 1)], [(2049,), (2049,), ()], [(40, 7), (7,), (40, 1)]])
def test_chains_equal_separate_operations(shapes, level):
    r = np.random.default_rng(9)
    arrays = [r.standard_normal(s).astype(np.float32) for s in shapes]
    for _ in range(30):
        chain = random_chain(r, 3)
        steps = len(chain.steps)
        outputs = [("step", steps - 1), ("step", int(r.integers(steps)))]
        full = np.broadcast_shapes(*shapes)
        known = {("in", k): np.array(np.broadcast_to(a, full)) for k, a in enumerate(arrays)}
        for k, (name, values) in enumerate(chain.steps):
            known[("step", k)] = E.elementwise(name, *[chain.constants[v[1]] if v[0] == "const" else known[v] for v in values])
        for y, v in zip(E.run_chain(chain, outputs, *arrays), outputs):
            np.testing.assert_array_equal(y, known[v])


def test_an_output_may_be_an_input(level):
    chain = Chain(2)
    s = chain.op("add", chain.input(0), chain.input(1))
    outputs = [chain.op("mul", s, chain.input(0)), s]
    spec = chain.build(outputs, (5000,), [(1,), (1,)])
    a, b = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    expected = (a + b) * a, a + b
    launch("elementwise", (a, b), (a, b), spec)
    np.testing.assert_array_equal(a, expected[0])
    np.testing.assert_array_equal(b, expected[1])


def test_decode_is_the_inverse_of_build():
    r = np.random.default_rng(10)
    for compute in (0, 2):
        chain = random_chain(r, 2) if compute == 0 else Chain(2)
        if compute:
            chain.op("add", chain.op("mul", chain.input(0), 2**62 + 1), chain.input(1))
        encoded = chain.build([("step", len(chain.steps) - 1)], (4, 5), [(5, 1), (0, 1)], compute)
        spec = decode(encoded)
        assert spec.encode() == encoded
        assert spec.dims == (4, 5) and spec.strides == [(5, 1), (0, 1)] and len(spec.instructions) == len(chain.steps)


def test_opcodes_match_the_header():
    listed = re.findall(r"X\((\w+), (\d), \d+\)", HEADER.read_text())
    assert [name for name, _ in listed] == NAMES
    assert {name: int(n) for name, n in listed} == ARITY


def test_every_operation_runs_for_float32():
    x = np.full(3, 0.5, np.float32)
    skipped = {"bitwise_not", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"}
    for name, arity in ARITY.items():
        if name in skipped:
            with pytest.raises(ValueError, match="not defined"):
                E.elementwise(name, *[x] * arity)
        else:
            assert getattr(E, name)(*[x] * arity).shape == (3,)


@pytest.mark.parametrize("source", [*INTS, "bool", "float16", "bfloat16", "float32", "float64"])
def test_cast(source, level):
    r = np.random.default_rng(11)
    x = E.cast((r.uniform(0, 100, 1003) * 1.0), source)
    np.testing.assert_array_equal(np.asarray(x, np.float64) != 0, np.asarray(x).astype(bool))
    for target in [*INTS, "bool", "float16", "bfloat16", "float32", "float64"]:
        y = E.cast(x, target)
        expected = np.asarray(x).astype(numpy_dtype(target))
        if source == "float64" and target in ("float16", "bfloat16"):
            expected = np.asarray(x).astype(np.float32).astype(expected.dtype)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y.view(np.uint8), expected.view(np.uint8), err_msg=target)


def test_cast_out_of_range_saturates(level):
    x = np.float32([INF, -INF, NAN, 1e30, -1e30, 300.7, -300.7])
    np.testing.assert_array_equal(E.cast(x, "uint8"), [255, 0, 0, 255, 0, 255, 0])
    i64 = np.iinfo(np.int64)
    np.testing.assert_array_equal(E.cast(x, "int64"), [i64.max, i64.min, 0, i64.max, i64.min, 300, -300])
    np.testing.assert_array_equal(E.cast(np.array([-1, 300], np.int64), "uint8"), [255, 44])


def test_python_side():
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(E.add(a.T, 1), a.T + 1)  # not contiguous
    np.testing.assert_array_equal(np.signbit(E.copysign(a, -0.0)), np.ones((2, 3), bool))
    np.testing.assert_array_equal(np.signbit(E.copysign(a, 0.0)), np.zeros((2, 3), bool))
    assert E.add(a, np.float32(2)).dtype == np.float32
    assert E.add(np.float32(1).reshape(()), a).shape == (2, 3)
    assert E.where(a > 2, 1.0, 0.0).dtype == np.float32
    i = np.arange(4, dtype=np.int32)
    np.testing.assert_array_equal(E.div(i, 8, out_dtype="float32"), i / np.float32(8))
    np.testing.assert_array_equal(E.lt(i, 1.5), i < 1.5)
    assert E.add(np.zeros((0, 3), np.float32), a[:1]).shape == (0, 3)
    for bad, message in [
        (lambda: E.add(a, np.zeros((2, 2), np.float32)), "do not broadcast"),
        (lambda: E.add(a, a.astype("float64")), "cast them to one dtype"),
        (lambda: E.add(i, 1.5), "cast the arrays to a float"),
        (lambda: E.add(i, 2**40), "does not fit"),
        (lambda: E.elementwise("sine", a), "unknown operation"),
        (lambda: E.elementwise("add", a), "takes 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()


def test_broadcast_collapses():
    assert broadcast("t", [(4, 5, 6), (4, 5, 6)])[1] == (120,)
    assert broadcast("t", [(4, 5, 6), (6,)])[1:] == ((20, 6), [(6, 1), (0, 1)])
    assert broadcast("t", [(4, 5, 6), ()])[1:] == ((120,), [(1,), (0,)])
    assert broadcast("t", [(4, 1, 6), (1, 5, 1)])[1:] == ((4, 5, 6), [(6, 0, 1), (0, 1, 0)])


def hostile(ints, floats=(), n_in=1, out=4, dtype=np.float32):
    x = [np.zeros(4, dtype) for _ in range(n_in)]
    launch("elementwise", tuple(x), (np.zeros(out, dtype),), spec_of("elementwise", tuple(ints), tuple(floats)))


@pytest.mark.parametrize(
    "ints",
    [
        (),
        (9, 1, 1, 0, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0),  # compute type
        (0, 99, 1, 0, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0),  # dimensions
        (0, -1, 1, 0, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0),
        (0, 1, 2, 0, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0),  # more inputs than buffers
        (0, 1, 1, 0, 1, 1, 5, 1, 1, 1, 1, 0, 0, 0),  # reads past the end
        (0, 1, 1, 0, 1, 1, 4, 2, 1, 1, 1, 0, 0, 0),  # stride past the end
        (0, 1, 1, 0, 1, 1, 4, -1, 1, 1, 1, 0, 0, 0),
        (0, 1, 1, 0, 1, 1, -4, 1, 1, 1, 1, 0, 0, 0),
        (0, 2, 1, 0, 1, 1, 2**40, 2**40, 0, 0, 1, 1, 1, 0, 0, 0),  # product overflows
        (0, 1, 1, 0, 1, 1, 4, 2**62, 1, 1, 1, 0, 0, 0),
        (0, 1, 1, 0, 1, 1, 8, 0, 1, 1, 1, 0, 0, 0),  # writes past the end
        (0, 1, 1, 0, 1, 1, 4, 1, 1, 999, 1, 0, 0, 0),  # opcode
        (0, 1, 1, 0, 1, 1, 4, 1, 1, -1, 1, 0, 0, 0),
        (0, 1, 1, 0, 1, 1, 4, 1, 1, 1, 64, 0, 0, 0),  # destination register
        (0, 1, 1, 0, 1, 1, 4, 1, 1, 1, 0, 0, 0, 0),  # writes an input
        (0, 1, 1, 0, 1, 1, 4, 1, 1, 1, 1, 2, 0, 0),  # reads what nobody wrote
        (0, 1, 1, 0, 1, 1, 4, 1, 1, 1, 1, -1, 0, 0),
        (0, 1, 1, 0, 1, 1, 4, 1, 5, 1, 1, 0, 0, 0),  # output register
        (0, 1, 1, 0, 1, 99, 4, 1, 1, 1, 1, 0, 0, 0),  # instructions that are not there
        (0, 1, 1, 3, 1, 1, 4, 1, 1, 1, 4, 0, 0, 0),  # constants that are not there
        (2, 1, 1, 0, 1, 1, 4, 1, 1, 1, 1, 0, 0, 0),  # float array as integers
    ],
)
def test_hostile_arguments(ints):
    with pytest.raises((ValueError, TypeError)):
        hostile(ints)
