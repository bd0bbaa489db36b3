"""kernels.gemm against float64 NumPy: dtypes, transposes, odd sizes, batches, epilogues, threads, bad input."""

import itertools

import ml_dtypes
import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels.elementwise import relu_grad
from kerasgpu.kernels.gemm import gemm
from kerasgpu.kernels.launch import numpy_dtype

BFLOAT16 = numpy_dtype("bfloat16")
EPS = {"float32": 2.0**-24, "float64": 2.0**-53, "float16": 2.0**-11, "bfloat16": 2.0**-8}
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
TRANSPOSES = list(itertools.product([False, True], repeat=2))
# (m, n, k): sizes 1, vector widths and one off, every tile choice, several steps and blocks of k, several blocks of m and n.
SHAPES = [
    (1, 1, 1),
    (1, 10, 7),
    (1, 300, 200),
    (300, 1, 77),
    (2, 3, 1),
    (3, 129, 40),
    (5, 64, 33),
    (6, 65, 16),
    (7, 31, 70),
    (16, 40, 65),
    (17, 33, 65),
    (32, 10, 128),
    (29, 48, 300),
    (130, 257, 300),
    (150, 20, 32),
    (2, 40, 1500),
    (40, 30, 1100),
    (1050, 35, 20),
    (70, 1060, 70),
    (20, 40, 600),
]


@pytest.fixture(params=range(_core.machine_level() + 1), ids=lambda level: f"level{level}")
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


def operands(rng, m, n, k, transpose_a, transpose_b, dtype, batch=()):
    a = rng.standard_normal((*batch, k, m) if transpose_a else (*batch, m, k))
    b = rng.standard_normal((*batch, n, k) if transpose_b else (*batch, k, n))
    return a.astype(numpy_dtype(dtype)), b.astype(numpy_dtype(dtype))


def exact(a, b, transpose_a=False, transpose_b=False):
    """The product in float64, and the sum of absolute terms that error bounds are made of."""
    a, b = a.astype("float64"), b.astype("float64")
    a, b = a.swapaxes(-1, -2) if transpose_a else a, b.swapaxes(-1, -2) if transpose_b else b
    return np.matmul(a, b), np.matmul(np.abs(a), np.abs(b))


def assert_accurate(c, want, size, k, dtype):
    # A sum of k products rounded at each step errs by at most k eps times the sum of absolute terms. float64 is compared with
    # another rounded sum; 16-bit floats add one rounding at the end.
    bound = (2 * k + 4) * EPS["float64" if dtype == "float64" else "float32"] * size
    if dtype in ("float16", "bfloat16"):
        bound = bound + EPS[dtype] * np.abs(want) + 2.0**-25
    assert np.all(np.abs(c.astype("float64") - want) <= bound)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_floats(level, dtype, shape):
    m, n, k = shape
    for ta, tb in TRANSPOSES:
        a, b = operands(np.random.default_rng(m + n + k), m, n, k, ta, tb, dtype)
        c = gemm(a, b, transpose_a=ta, transpose_b=tb)
        assert c.shape == (m, n) and c.dtype == numpy_dtype(dtype)
        assert_accurate(c, *exact(a, b, ta, tb), k, dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_around(level, dtype):
    rng = np.random.default_rng(1)
    info = np.iinfo(dtype)
    for (m, n, k), (ta, tb) in itertools.product([(1, 1, 1), (5, 300, 9), (40, 7, 130)], TRANSPOSES):
        a = rng.integers(info.min, info.max, (k, m) if ta else (m, k), dtype=dtype, endpoint=True)
        b = rng.integers(info.min, info.max, (n, k) if tb else (k, n), dtype=dtype, endpoint=True)
        bias = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
        want = np.matmul(a.T if ta else a, b.T if tb else b)
        assert np.array_equal(gemm(a, b, transpose_a=ta, transpose_b=tb), want)
        want = np.maximum(want + bias, np.array(0, dtype))
        assert np.array_equal(gemm(a, b, bias, transpose_a=ta, transpose_b=tb, activation="relu"), want)


def test_bool_is_or_of_ands(level):
    rng = np.random.default_rng(2)
    a, b = rng.random((9, 300)) < 0.1, rng.random((300, 21)) < 0.1
    assert np.array_equal(gemm(a, b), a @ b)
    assert gemm(np.ones((1, 256), bool), np.ones((256, 1), bool)).all()  # a count of 256 is no zero


@pytest.mark.parametrize(
    "a_batch, b_batch",
    [
        ((4,), (4,)),
        ((4,), ()),
        ((), (4,)),
        ((2, 3), (2, 3)),
        ((2, 1), (1, 3)),
        ((2, 3), (3,)),
        ((1, 1), (5,)),
        ((0,), ()),
        ((40,), (40,)),
    ],
)
def test_batches_broadcast(a_batch, b_batch):
    rng = np.random.default_rng(3)
    for (m, n, k), (ta, tb) in itertools.product([(1, 5, 3), (6, 1, 20), (20, 17, 33)], TRANSPOSES):
        a, _ = operands(rng, m, n, k, ta, tb, "float32", a_batch)
        _, b = operands(rng, m, n, k, ta, tb, "float32", b_batch)
        want, size = exact(a, b, ta, tb)
        bias, rows = rng.standard_normal(n).astype("float32"), rng.standard_normal((m, 1)).astype("float32")
        plain = gemm(a, b, transpose_a=ta, transpose_b=tb)
        assert plain.shape == want.shape
        assert_accurate(plain, want, size, k, "float32")
        assert np.array_equal(gemm(a, b, bias, transpose_a=ta, transpose_b=tb), plain + bias)
        assert np.array_equal(gemm(a, b, rows, transpose_a=ta, transpose_b=tb), plain + rows)


def test_large_entries_of_a_batch(threads):
    a, b = operands(np.random.default_rng(4), 200, 150, 160, False, True, "float32", (3,))
    assert_accurate(gemm(a, b, transpose_b=True), *exact(a, b, False, True), 160, "float32")


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (0, 0, 0)])
def test_empty_results(shape):
    m, n, k = shape
    assert gemm(np.ones((m, k), "float32"), np.ones((k, n), "float32")).shape == (m, n)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32"])
def test_no_terms_give_the_bias(level, dtype):
    dtype = numpy_dtype(dtype)
    bias = np.array([-1, 0, 2], dtype)
    for m, ta, tb in itertools.product([1, 2, 20], [False, True], [False, True]):
        a, b = np.ones((0, m) if ta else (m, 0), dtype), np.ones((3, 0) if tb else (0, 3), dtype)
        c = gemm(a, b, bias, transpose_a=ta, transpose_b=tb, activation="relu")
        assert np.array_equal(c, np.broadcast_to(np.array([0, 0, 2], dtype), (m, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_epilogue_equals_separate_steps_bit_for_bit(level, dtype, shape):
    m, n, k = shape
    for ta, tb in TRANSPOSES:
        rng = np.random.default_rng(m * n + k)
        a, b = operands(rng, m, n, k, ta, tb, dtype)
        columns, rows, old = (rng.standard_normal(s).astype(dtype) for s in [(n,), (m, 1), (m, n)])
        flags = dict(transpose_a=ta, transpose_b=tb)
        plain = gemm(a, b, **flags)
        scaled = np.array(0.3, dtype) * plain
        assert np.array_equal(gemm(a, b, alpha=0.3 if dtype == "float64" else float(np.float32(0.3)), **flags), scaled)
        assert np.array_equal(gemm(a, b, columns, activation="relu", **flags), np.maximum(plain + columns, 0))
        assert np.array_equal(gemm(a, b, rows, activation="relu", **flags), np.maximum(plain + rows, 0))
        assert np.array_equal(gemm(a, b, out=old.copy(), accumulate=True, **flags), old + plain)
        both = gemm(a, b, columns, activation="relu", out=old.copy(), accumulate=True, **flags)
        assert np.array_equal(both, old + np.maximum(plain + columns, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "uint8"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_relu_grad_equals_the_kernel_bit_for_bit(level, dtype, shape):
    m, n, k = shape
    for ta, tb in TRANSPOSES:
        rng = np.random.default_rng(m * n + k)
        y = np.round(2 * rng.standard_normal((m, n)))
        if dtype in EPS:
            a, b = operands(rng, m, n, k, ta, tb, dtype)
            some = y.reshape(-1)[:: m * n // 7 + 1]
            some[:] = np.resize([np.nan, -0.0, np.inf, -np.inf, 1e-7], some.shape)
            y = y.astype(numpy_dtype(dtype))
        else:
            a, b = (np.round(x).astype("int8").astype(dtype) for x in operands(rng, m, n, k, ta, tb, "float64"))
            y = y.astype("int8").astype(dtype)
        columns, rows = y[0].copy(), y[:, :1].copy()
        flags = dict(transpose_a=ta, transpose_b=tb)
        for bias in (None, columns, rows):
            want = relu_grad(gemm(a, b, bias, **flags), y)
            assert gemm(a, b, bias, relu_output=y, **flags).tobytes() == want.tobytes()
            over = y.copy()  # the relu's output may be overwritten
            assert gemm(a, b, bias, relu_output=over, out=over, **flags).tobytes() == want.tobytes()


def test_relu_grad_of_special_values(level):
    a = np.array([[np.inf], [np.nan], [-1.0]], "float32")
    y = np.array([[1, np.nan, 0, -0.0, 2], [np.nan, 1, -1, np.inf, 1e-45], [1, 0, -1, np.nan, 3]], "float32")
    got = gemm(a, np.ones((1, 5), "float32"), relu_output=y)
    inf, nan = np.inf, np.nan
    np.testing.assert_array_equal(got, np.array([[inf, 0, 0, 0, inf], [0, nan, 0, nan, nan], [-1, 0, 0, 0, -1]], "float32"))
    assert not np.signbit(got[got == 0]).any()


@pytest.mark.parametrize(
    "a_batch, b_batch", [((3,), (3,)), ((4, 2), ()), ((), (5,)), ((2, 1), (1, 3)), ((0,), ()), ((40,), (40,))]
)
def test_relu_grad_of_batches(threads, a_batch, b_batch):
    rng = np.random.default_rng(11)
    for (m, n, k), (ta, tb) in itertools.product([(1, 5, 3), (6, 1, 20), (20, 17, 33), (130, 140, 300)], TRANSPOSES):
        a, _ = operands(rng, m, n, k, ta, tb, "float32", a_batch)
        _, b = operands(rng, m, n, k, ta, tb, "float32", b_batch)
        plain = gemm(a, b, transpose_a=ta, transpose_b=tb)
        y = rng.standard_normal(plain.shape).astype("float32")
        for count in (1, 2):
            threads(count)
            assert np.array_equal(gemm(a, b, transpose_a=ta, transpose_b=tb, relu_output=y), np.where(y > 0, plain, 0))


def test_half_is_rounded_once():
    a, b = operands(np.random.default_rng(5), 40, 50, 600, False, False, "bfloat16")
    bias = np.random.default_rng(6).standard_normal(50).astype(BFLOAT16)
    wide = gemm(a.astype("float32"), b.astype("float32"), bias.astype("float32"), activation="relu")
    assert np.array_equal(gemm(a, b, bias, activation="relu"), wide.astype(BFLOAT16))
    assert gemm(a.astype("float16"), b.astype("float16")).dtype == np.float16
    assert bool(np.isinf(gemm(np.full((1, 2), 300, "float16"), np.full((2, 1), 300, "float16"))).all())


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int32"])
def test_threads_do_not_change_a_bit(level, threads, dtype):
    shapes = [
        (32, 128, 784, ()),
        (784, 128, 32, ()),
        (1, 600, 900, ()),
        (300, 280, 600, ()),
        (64, 64, 40, (9,)),
        (130, 70, 1100, (2,)),
    ]
    for (m, n, k, batch), (ta, tb) in itertools.product(shapes, TRANSPOSES):
        a, b = operands(np.random.default_rng(7), m, n, k, ta, tb, "float32", batch)
        a, b = (10 * a).astype(numpy_dtype(dtype)), (10 * b).astype(numpy_dtype(dtype))
        results = []
        for count in (1, 2, 3):
            threads(count)
            results.append(gemm(a, b, transpose_a=ta, transpose_b=tb).tobytes())
        assert results[0] == results[1] == results[2]


def test_many_columns_go_in_blocks(level):
    a, b = operands(np.random.default_rng(10), 9, 17000, 530, False, False, "float32")
    plain = gemm(a, b)
    assert_accurate(plain, *exact(a, b), 530, "float32")
    assert np.array_equal(gemm(a, b, b[0], activation="relu"), np.maximum(plain + b[0], 0))


def test_views_are_copied():
    big = np.random.default_rng(8).standard_normal((40, 60)).astype("float32")
    left, right = big[::2, ::3], big[::-2, 5:45:2].T
    assert_accurate(gemm(left, right), *exact(left, right), 20, "float32")
    assert np.array_equal(gemm(big.T, big), gemm(big, big, transpose_a=True))


def test_special_values(level):
    a = np.array([[np.inf, 1.0], [np.nan, 1.0], [1.0, -1.0]], "float32")
    b = np.array([[1.0, 0.0], [0.0, 1.0]], "float32")
    c = gemm(a, b, activation="relu")
    assert c[0, 0] == np.inf and np.isnan(c[0, 1]) and np.isnan(c[1]).all() and c[2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda x: gemm(x(32, 128), x(10, 128)),
            r"a is \(32, 128\), b is \(10, 128\); need a.shape\[-1\] == b.shape\[-2\]. Did you mean b.T",
        ),
        (lambda x: gemm(x(128, 32), x(128, 10)), "Did you mean a.T"),
        (lambda x: gemm(x(3, 4), x(5, 6), transpose_a=True), "transpose_a=True"),
        (lambda x: gemm(x(3), x(3, 2)), "rank 2"),
        (lambda x: gemm(x(2, 3, 4), x(3, 4, 5)), "batch dims"),
        (lambda x: gemm(x(3, 4), x(4, 5).astype("float64")), "dtypes differ"),
        (lambda x: gemm(x(3, 4), x(4, 5), x(4)), "bias must be"),
        (lambda x: gemm(x(3, 4), x(4, 5), x(5).astype("float64")), "bias must have dtype"),
        (lambda x: gemm(x(3, 4), x(4, 5), activation="gelu"), "activation"),
        (lambda x: gemm(x(3, 4), x(4, 5), accumulate=True), "needs out="),
        (lambda x: gemm(x(3, 4), x(4, 5), out=x(5, 3)), "out must be"),
        (lambda x: gemm(x(3, 4), x(4, 5), out=x(5, 3).T), "contiguous"),
        (lambda x: gemm(x(3, 4), x(4, 5), relu_output=x(5)), "relu_output must be"),
        (lambda x: gemm(x(3, 4), x(4, 5), relu_output=x(3, 5).astype("float64")), "relu_output must be"),
        (lambda x: gemm(x(3, 4), x(4, 5), relu_output=x(3, 5), activation="relu"), "activation=None"),
        (lambda x: gemm(x(3, 4), x(4, 5), relu_output=x(3, 5), out=x(3, 5), accumulate=True), "accumulate=False"),
        (lambda x: gemm(x(3, 4) > 0, x(4, 5) > 0, relu_output=x(3, 5) > 0), "not defined for bool"),
        (lambda x: gemm(x(3, 4).astype("int32"), x(4, 5).astype("int32"), alpha=2), "alpha must be 1"),
    ],
)
def test_errors_say_what_to_change(make, message):
    with pytest.raises(ValueError, match=message):
        make(lambda *shape: np.ones(shape, "float32"))


# batch, m, n, k, trans_a, trans_b, a_batch_stride, b_batch_stride, bias_kind, activation, accumulate
GOOD = (1, 4, 5, 3, 0, 0, 0, 0, 0, 0, 0)
HUGE = 2**62


@pytest.mark.parametrize(
    "change",
    [
        {0: -1},
        {1: -4},
        {2: -1},
        {3: -3},
        {6: -1},
        {7: -1},
        {1: 5},
        {2: 6},
        {3: 4},
        {0: 2},
        {0: HUGE},
        {1: HUGE},
        {2: HUGE, 3: HUGE},
        {0: 2, 6: HUGE},
        {0: 3, 7: HUGE},
        {0: HUGE, 1: 0, 6: HUGE},
        {8: 1},
        {8: 3},
        {8: -1},
        {9: 2},
        {9: 3},
        {9: -1},
    ],
)
def test_hostile_sizes_raise(level, change):
    ints = list(GOOD)
    for index, value in change.items():
        ints[index] = value
    a, b, c = np.ones(12, "float32"), np.ones(15, "float32"), np.zeros(20, "float32")
    with pytest.raises(ValueError):
        _core.launch(_core.kernel_id("gemm"), (a, b), (c,), (*ints, 1.0))
    assert not c.any()


def test_hostile_operands_raise(level):
    kernel = _core.kernel_id("gemm")
    a, b, c = np.ones(12, "float32"), np.ones(15, "float32"), np.zeros(20, "float32")
    for ins, outs, ints, floats in [
        ((a[:11], b), (c,), GOOD, (1.0,)),
        ((a, b[:14]), (c,), GOOD, (1.0,)),
        ((a, b), (c[:19],), GOOD, (1.0,)),
        ((a.astype("float64"), b), (c,), GOOD, (1.0,)),
        ((a, b.astype("int32")), (c,), GOOD, (1.0,)),
        ((a, b), (c.astype("float64"),), GOOD, (1.0,)),
        ((a, b), (c.astype("float16"),), GOOD, (1.0,)),
        ((a, b), (c.astype("int8"),), GOOD, (1.0,)),
        ((a,), (c,), GOOD, (1.0,)),
        ((a, b, b), (c,), GOOD, (1.0,)),
        ((a, b), (), GOOD, (1.0,)),
        ((a, b), (c, c), GOOD, (1.0,)),
        ((a, b), (c,), GOOD[:10], (1.0,)),
        ((a, b), (c,), GOOD, ()),
        ((a, b, b[:4]), (c,), (*GOOD[:8], 1, 0, 0), (1.0,)),
        ((a, b, b[:3]), (c,), (*GOOD[:8], 2, 0, 0), (1.0,)),
        ((a, b, b.astype("float64")), (c,), (*GOOD[:8], 1, 0, 0), (1.0,)),
        ((a, b, c[:19]), (c,), (*GOOD[:8], 0, 2, 0), (1.0,)),
        ((a, b, c.astype("float16")), (c,), (*GOOD[:8], 0, 2, 0), (1.0,)),
        ((a, b, c), (c,), (*GOOD[:8], 0, 2, 1), (1.0,)),
        ((a, b, c), (c,), (*GOOD[:8], 1, 2, 0), (1.0,)),
        ((a, b, c, b), (c,), (*GOOD[:8], 1, 2, 0), (1.0,)),
    ]:
        with pytest.raises(ValueError):
            _core.launch(kernel, ins, outs, (*ints, *floats))
    frozen = c.copy()
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        _core.launch(kernel, (a, b), (frozen,), (*GOOD, 1.0))


def test_nothing_outside_the_result_is_written(level):
    for (m, n, k), dtype in itertools.product(
        [(1, 5, 30), (3, 17, 40), (15, 33, 300), (20, 10, 8)], ["float32", "float64", "bfloat16"]
    ):
        for ta, tb in TRANSPOSES:
            a, b = operands(np.random.default_rng(9), m, n, k, ta, tb, dtype)
            room = np.full(m * n + 128, 7, numpy_dtype(dtype))
            gemm(a, b, transpose_a=ta, transpose_b=tb, out=room[64 : 64 + m * n].reshape(m, n))
            assert (room[:64] == 7).all() and (room[64 + m * n :] == 7).all()


def test_bfloat16_is_the_ml_dtypes_one():
    assert BFLOAT16 == np.dtype(ml_dtypes.bfloat16)
