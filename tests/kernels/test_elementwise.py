"""Elementwise operations against float64 NumPy and SciPy, on every instruction set and thread count."""

import numpy as np
import pytest
from scipy import special

from kerasgpu import _core
from kerasgpu.kernels import elementwise as E
from kerasgpu.kernels.launch import numpy_dtype

LEVELS = list(range(_core.machine_level() + 1))
INF, NAN = np.inf, np.nan


@pytest.fixture(params=LEVELS)
def level(request):
    before = _core.level()
    _core.set_level(request.param)
    yield request.param
    _core.set_level(before)


def ulps(y, reference):
    """Largest error in units in the last place of float32; both infinite or both NaN counts as 0."""
    with np.errstate(all="ignore"):
        rounded = reference.astype(np.float32)
        error = np.abs(y.astype(np.float64) - reference) / np.spacing(np.abs(rounded)).astype(np.float64)
    both_nan = np.isnan(y) & np.isnan(rounded)
    equal = (y == rounded) | both_nan
    return float(np.max(np.where(equal, 0, np.where(np.isnan(error), INF, error)), initial=0))


def gelu(x):
    return x * special.ndtr(x)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def numeric_gradient(f, x):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
UNARY = {  # name: (reference in float64, bound in ulp)
    "copy": (np.positive, 0),
    "neg": (np.negative, 0),
    "abs": (np.abs, 0),
    "sign": (np.sign, 0),
    "exp": (np.exp, 1),
    "exp2": (np.exp2, 1),
    "expm1": (np.expm1, 2),
    "log": (np.log, 1),
    "log1p": (np.log1p, 2),
    "log2": (np.log2, 2),
    "log10": (np.log10, 2),
    "sqrt": (np.sqrt, 0.51),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5),
    "cbrt": (np.cbrt, 1),
    "square": (np.square, 0.51),
    "reciprocal": (lambda x: 1 / x, 0.51),
    "sin": (np.sin, 2),
    "cos": (np.cos, 2),
    "tan": (np.tan, 4),
    "asin": (np.arcsin, 1),
    "acos": (np.arccos, 1),
    "atan": (np.arctan, 1),
    "sinh": (np.sinh, 2),
    "cosh": (np.cosh, 2),
    "tanh": (np.tanh, 2),
    "asinh": (np.arcsinh, 2),
    "acosh": (np.arccosh, 2),
    "atanh": (np.arctanh, 2),
    "erf": (special.erf, 2),
    "erfinv": (special.erfinv, 1),
    "lgamma": (special.gammaln, 1),
    "digamma": (special.psi, 1),
    "sigmoid": (special.expit, 2.1),
    "softplus": (softplus, 2),
    "log_sigmoid": (lambda x: -softplus(-x), 2),
    "softsign": (lambda x: x / (1 + np.abs(x)), 1.5),
    "relu": (lambda x: np.where(x < 0, 0, x), 0),
    "relu6": (lambda x: np.clip(x, 0, 6), 0),
    "silu": (lambda x: np.where(x == -INF, 0, x * special.expit(x)), 3),
    "selu": (lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)), 4),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), None),
    "floor": (np.floor, 0),
    "ceil": (np.ceil, 0),
    "round": (np.round, 0),
    "trunc": (np.trunc, 0),
}
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    INF,
    -INF,
    NAN,
    1e-45,
    -1e-45,
    1e-38,
    3.4e38,
    -3.4e38,
    88.7,
    88.73,
    -87.4,
    -103.9,
    -104.5,
    0.5,
    2.5,
    -2.5,
]


def sweep():
    """Values of every magnitude, more of them where functions bend."""
    r = np.random.default_rng(1)
    parts = [
        np.array(SPECIAL),
        r.uniform(-1, 1, 20000),
        r.uniform(-20, 20, 20000),
        r.uniform(-110, 110, 20000),
        r.standard_normal(20000) * np.exp2(r.integers(-40, 40, 20000).astype(float)),
        r.uniform(0.5, 2, 10000),
    ]
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize("name", UNARY)
def test_unary_float32(name, level):
    reference, bound = UNARY[name]
    x = sweep()
    if name in ("sin", "cos", "tan"):
        x = x[~(np.abs(x) > 1e15)]  # float64 NumPy is the reference: fine up to where it is itself exact
    if name in ("lgamma", "digamma"):
        x = x[(x > 0) | ~np.isfinite(x) | (x == 0)]
        x = x[~np.isneginf(x)]
    if name == "silu":  # the exponential is denormal below
        x = x[~(x < -85)]
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64))
    y = E.elementwise(name, x)
    if bound is None:
        assert np.nanmax(np.abs(y - expected)) < 2e-7
    else:
        assert ulps(y, expected) <= bound
    assert np.array_equal(np.isnan(y), np.isnan(expected))


def test_erfc_and_gelu(level):
    x = np.random.default_rng(0).uniform(-5, 9, 50000).astype(np.float32)
    assert ulps(E.erfc(x), special.erfc(x.astype(np.float64))) <= 5
    x = x[x > -5]
    assert ulps(E.gelu(x), gelu(x.astype(np.float64))) <= 5
    assert ulps(E.gelu_tanh(x[x > -3]), gelu_tanh(x[x > -3].astype(np.float64))) <= 16
    ends = np.array([INF, -INF, NAN, 200, -200], np.float32)
    np.testing.assert_array_equal(E.gelu(ends), np.float32([INF, 0, NAN, 200, 0]))
    np.testing.assert_array_equal(E.gelu_tanh(ends), np.float32([INF, 0, NAN, 200, 0]))
    np.testing.assert_array_equal(E.silu(ends), np.float32([INF, 0, NAN, 200, 0]))


@pytest.mark.parametrize("name", sorted(set(UNARY) | {"erfc", "gelu", "gelu_tanh"}))
def test_unary_float64(name):
    reference = UNARY.get(name, ({"erfc": special.erfc, "gelu": gelu, "gelu_tanh": gelu_tanh}.get(name), 0))[0]
    x = np.random.default_rng(0).uniform(-4, 4, 997)
    if name in ("lgamma", "digamma"):
        x = np.abs(x)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(E.elementwise(name, x), reference(x), rtol=4e-14, atol=1e-15)


def test_digamma_below_zero_and_at_its_root():
    x = np.array([-0.5, -1.25, -7.3, 1.4616321449683623, 1.47, 1e-6, -3.0, -INF])
    expected = special.psi(x)
    expected[3] = 0
    np.testing.assert_allclose(E.digamma(x)[:6], expected[:6], rtol=1e-13, atol=1e-15)
    assert np.isnan(E.digamma(x)[6:]).all()


BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "mod": np.mod,
    "fmod": np.fmod,
    "floor_div": np.floor_divide,
    "max": np.maximum,
    "min": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "copysign": np.copysign,
    "nextafter": np.nextafter,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}


def pairs(dtype):
    r = np.random.default_rng(2)
    values = np.array(SPECIAL[:12] + [3.0, -7.0, 2.0])
    a, b = (v.ravel() for v in np.meshgrid(values, values))
    a = np.concatenate([a, r.standard_normal(3000) * 10])
    b = np.concatenate([b, r.standard_normal(3000) * 3])
    return a.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BINARY)
def test_binary_equals_numpy(name, dtype, level):
    a, b = pairs(dtype)
    with np.errstate(all="ignore"):
        expected = BINARY[name](a, b)
    y = E.elementwise(name, a, b)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)


def test_pow(level):
    r = np.random.default_rng(3)
    a = np.concatenate([np.exp(r.uniform(-20, 20, 20000)), -np.exp(r.uniform(-5, 5, 2000))]).astype(np.float32)
    b = np.concatenate([r.uniform(-6, 6, 20000), r.integers(-9, 9, 2000)]).astype(np.float32)
    assert ulps(E.pow(a, b), np.power(a.astype(np.float64), b.astype(np.float64))) <= 1
    a, b = pairs("float32")
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(E.pow(a, b), np.power(a, b), rtol=2e-7)
        np.testing.assert_array_equal(np.signbit(E.pow(a, b)), np.signbit(np.power(a, b)))


@pytest.mark.parametrize("name,reference", [("atan2", np.arctan2), ("hypot", np.hypot), ("logaddexp", np.logaddexp)])
def test_binary_within_ulps(name, reference, level):
    a, b = pairs("float32")
    with np.errstate(all="ignore"):
        expected = reference(a.astype(np.float64), b.astype(np.float64))
    y = E.elementwise(name, a, b)
    if name == "logaddexp":  # cancellation near a result of 0 costs digits
        np.testing.assert_allclose(y, expected.astype(np.float32), rtol=1e-6, atol=3e-7)
    else:
        assert ulps(y, expected) <= 2


def test_ldexp_and_activations_with_a_parameter(level):
    x = np.float32([1.5, -2, 0, INF, NAN])
    np.testing.assert_array_equal(E.ldexp(x, 3.0), x * np.float32(8))
    x = np.linspace(-4, 4, 101, dtype=np.float32)
    np.testing.assert_allclose(E.elu(x, 0.7), np.where(x > 0, x, 0.7 * np.expm1(x)), rtol=1e-6)
    np.testing.assert_allclose(E.leaky_relu(x, 0.3), np.where(x >= 0, x, np.float32(0.3) * x), rtol=1e-6)
    z = (x > 0).astype(np.float32)
    wide = x.astype(np.float64)
    expected = -z * np.log(special.expit(wide)) - (1 - z) * np.log(special.expit(-wide))
    np.testing.assert_allclose(E.bce_logits(x, z), expected, rtol=2e-6)


GRADIENTS = {  # (function of x, takes the result instead of x)
    "sigmoid_grad": (special.expit, True),
    "tanh_grad": (np.tanh, True),
    "relu_grad": (lambda x: np.maximum(x, 0), True),
    "selu_grad": (UNARY["selu"][0], True),
    "relu6_grad": (lambda x: np.clip(x, 0, 6), False),
    "gelu_grad": (gelu, False),
    "gelu_tanh_grad": (gelu_tanh, False),
    "silu_grad": (lambda x: x * special.expit(x), False),
    "softplus_grad": (softplus, False),
    "hard_sigmoid_grad": (UNARY["hard_sigmoid"][0], False),
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backward_helpers(name, dtype, level):
    f, from_result = GRADIENTS[name]
    r = np.random.default_rng(4)
    x, g = r.uniform(-8, 8, 500), r.standard_normal(500)
    saved = f(x) if from_result else x
    y = E.elementwise(name, g.astype(dtype), saved.astype(dtype))
    np.testing.assert_allclose(y, g * numeric_gradient(f, x), rtol=1e-4 if dtype == "float32" else 1e-7, atol=1e-6)
    if not from_result:
        assert np.isfinite(E.elementwise(name, np.ones(4, dtype), np.array([INF, -INF, 3e38, -3e38]).astype(dtype))).all()


def test_ternary(level):
    x = np.float32([-3, -1, 0, 1, NAN, 7])
    np.testing.assert_array_equal(E.clip(x, -2.0, 2.0), np.clip(x, -2, 2))
    np.testing.assert_array_equal(E.where(x > 0, x, -1.0), np.where(x > 0, x, np.float32(-1)))
    np.testing.assert_array_equal(E.muladd(x, x, 0.1), x * x + np.float32(0.1))
    np.testing.assert_allclose(E.elu_grad(x, x, 0.5)[:4], np.where(x > 0, x, x * (x + 0.5))[:4])
    np.testing.assert_allclose(E.leaky_relu_grad(x, x, 0.5)[:4], np.where(x >= 0, x, 0.5 * x)[:4])


INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("dtype", INTS)
def test_integers(dtype, level):
    info = np.iinfo(dtype)
    values = np.array(
        [info.min, info.min + 1, 0, 1, 2, 3, 7, 100, info.max - 1, info.max] + ([-1, -2, -7] if info.min else []), dtype
    )
    a, b = (np.ascontiguousarray(v.ravel()) for v in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        for name in ("add", "sub", "mul", "max", "min", "eq", "lt", "ge", "logical_and", "floor_div", "mod"):
            np.testing.assert_array_equal(E.elementwise(name, a, b), BINARY[name](a, b), err_msg=name)
        np.testing.assert_array_equal(E.fmod(a, b), np.fmod(a, b))
        small = b.astype(np.int64).clip(0, 5).astype(dtype)
        np.testing.assert_array_equal(E.pow(a, small), np.power(a, small))
        for name, f in {"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor}.items():
            np.testing.assert_array_equal(E.elementwise(name, a, b), f(a, b))
        for name, f in {
            "neg": np.negative,
            "abs": np.abs,
            "sign": np.sign,
            "square": np.square,
            "bitwise_not": np.invert,
        }.items():
            np.testing.assert_array_equal(E.elementwise(name, a), f(a), err_msg=name)
    np.testing.assert_array_equal(E.clip(a, 1, 5), np.clip(a, 1, 5))
    np.testing.assert_array_equal(E.where(a > b, a, b), np.maximum(a, b))


def test_integer_shifts_are_defined_for_any_count():
    a = np.array([1, -8, 5, -1, 3], np.int64)
    n = np.array([62, 1, 64, 200, -1], np.int64)
    np.testing.assert_array_equal(E.left_shift(a, n), [1 << 62, -16, 0, 0, 0])
    np.testing.assert_array_equal(E.right_shift(a, n), [0, -4, 0, -1, 0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["add", "mul", "div", "max"])
def test_half_types_round_once(name, dtype, level):
    dtype = numpy_dtype(dtype)
    r = np.random.default_rng(5)
    a, b = (r.standard_normal((2, 1003)) * 100).astype(dtype)
    expected = BINARY[name](a.astype(np.float32), b.astype(np.float32)).astype(dtype)
    np.testing.assert_array_equal(E.elementwise(name, a, b).view(np.uint16), expected.view(np.uint16))


@pytest.mark.parametrize("to", ["float32", "float16", "bfloat16", "float64", "uint8", "int32"])
@pytest.mark.parametrize("source", ["float32", "bfloat16", "uint8"])
def test_large_casts_go_past_the_cache_with_the_same_bits(source, to, level):
    """Results of 8 MB and more are streamed; the parts of a result are what each part gives alone."""
    n = (8 << 20) // np.dtype(numpy_dtype(to)).itemsize + 1037
    x = (np.arange(n) % 251).astype(numpy_dtype(source))
    y = E.cast(x, to)
    for part in (slice(0, 5000), slice(n // 2, n // 2 + 3000), slice(n - 1100, n)):
        np.testing.assert_array_equal(y[part], E.cast(x[part].copy(), to))
        np.testing.assert_array_equal(y[part].astype(np.float64), x[part].astype(np.float64))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_large_halves_go_past_the_cache_with_the_same_bits(dtype, level):
    n = (4 << 20) + 1037
    x = (np.arange(n) % 1021 / 7).astype(numpy_dtype(dtype))
    y = E.mul(x, x)
    for part in (slice(0, 5000), slice(n // 2, n // 2 + 3000), slice(n - 1100, n)):
        np.testing.assert_array_equal(y[part], E.mul(x[part].copy(), x[part].copy()))
