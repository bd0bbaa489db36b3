"""Random kernels: known answers of Philox, the same bits everywhere, and the shape of every distribution."""

import ml_dtypes
import numpy as np
import pytest
from scipy import stats

from kerasgpu import _core
from kerasgpu.kernels import random as rd
from kerasgpu.kernels.launch import launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of

numpy_dtype("bfloat16")
STATE = np.array([1234, 7], "uint32")


def philox(counter, key):
    """Philox4x32-10 in plain Python, from the paper."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def test_known_answers():
    # From kat_vectors of Random123: philox4x32, 10 rounds.
    zeros = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox((0, 0, 0, 0), (0, 0)) == zeros
    ones = 0xFFFFFFFF
    assert philox((ones,) * 4, (ones,) * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    pi = philox((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))
    assert pi == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
    words = rd.bits(np.zeros(2, "uint32"), (64,))
    assert [int(words[16 * w]) for w in range(4)] == zeros


def test_layout():
    words = rd.bits(STATE, (1000,), stream=5)
    for k in range(1000):
        block, word = k // 64 * 16 + k % 16, k // 16 % 4
        assert int(words[k]) == philox((block, 0, 7, 0), (1234, 5))[word]


DRAWS = {
    "bits": lambda s, n: rd.bits(s, n),
    "uniform": lambda s, n: rd.uniform(s, n, -3, 5),
    "normal": lambda s, n: rd.normal(s, n, 1.5, 2),
    "truncated": lambda s, n: rd.truncated_normal(s, n, 0.5, 0.1),
    "bernoulli": lambda s, n: rd.bernoulli(s, n, 0.3),
    "randint": lambda s, n: rd.randint(s, n, -5, 100),
    "gamma": lambda s, n: rd.gamma(s, n, 0.7),
    "poisson": lambda s, n: rd.poisson(s, n, 30.0),
    "binomial": lambda s, n: rd.binomial(s, n, 90, 0.4),
    "beta": lambda s, n: rd.beta(s, n, 0.7, 2.0),
    "permutation": lambda s, n: rd.permutation(s, n[0]),
    "dropout": lambda s, n: rd.dropout(np.ones(n, "float32"), s, 0.4),
}


@pytest.mark.parametrize("name", DRAWS)
def test_same_bits_everywhere(name):
    draw = DRAWS[name]
    level, threads = _core.level(), _core.num_threads()
    try:
        expected = draw(STATE, (30011,)).tobytes()
        for instruction_set in range(_core.machine_level() + 1):
            for n in (1, 2, 3):
                _core.set_level(instruction_set)
                _core.set_num_threads(n)
                assert draw(STATE, (30011,)).tobytes() == expected
    finally:
        _core.set_level(level)
        _core.set_num_threads(threads)
    assert draw(np.array([1234, 8], "uint32"), (30011,)).tobytes() != expected
    assert draw(np.array([1235, 7], "uint32"), (30011,)).tobytes() != expected


@pytest.mark.parametrize("name", [n for n in DRAWS if n not in ("permutation", "gamma")])
def test_prefix_and_small_sizes(name):
    whole = DRAWS[name](STATE, (300,))
    for n in (0, 1, 15, 64, 65, 130):
        assert DRAWS[name](STATE, (n,)).tobytes() == whole[:n].tobytes()


N = 200_000


def close(sample, distribution, bound=0.0035):
    """Kolmogorov-Smirnov distance; 0.0035 is about the 1.5% point for N samples, and the seed is fixed."""
    assert stats.kstest(sample, distribution.cdf).statistic < bound


def test_continuous_distributions():
    close(rd.uniform(STATE, (N,), -2, 6), stats.uniform(-2, 8))
    close(rd.normal(STATE, (N,), 1, 3), stats.norm(1, 3))
    close(rd.truncated_normal(STATE, (N,), 1, 3), stats.truncnorm(-2, 2, 1, 3))
    for alpha in (0.1, 0.7, 1.0, 3.5, 200.0):
        close(rd.gamma(STATE, (N,), alpha), stats.gamma(alpha))
    close(rd.beta(STATE, (N,), 0.5, 2.5), stats.beta(0.5, 2.5))


def discrete(sample, distribution):
    sample = np.asarray(sample, "int64")
    support = np.arange(sample.max() + 2)
    cdf = np.cumsum(np.bincount(sample, minlength=support.size)) / sample.size
    assert abs(cdf - distribution.cdf(support)).max() < 0.0035


def test_discrete_distributions():
    for rate in (0.0, 0.3, 9.5, 10.5, 80.0, 5000.0):
        discrete(rd.poisson(STATE, (N,), rate), stats.poisson(rate))
    for trials, p in [(1, 0.5), (20, 0.1), (40, 0.9), (50, 0.5), (1000, 0.03), (10000, 0.7), (5, 0.0), (5, 1.0), (0, 0.5)]:
        discrete(rd.binomial(STATE, (N,), trials, p), stats.binom(trials, p))
    discrete(rd.randint(STATE, (N,), 0, 37), stats.randint(0, 37))
    assert abs(rd.bernoulli(STATE, (N,), 0.3).mean() - 0.3) < 0.004
    assert rd.bernoulli(STATE, (N,), 1.0).all() and not rd.bernoulli(STATE, (N,), 0.0).any()


def test_moments_and_independence():
    z = rd.normal(STATE, (N,)).astype("float64")
    assert abs(z.mean()) < 0.01 and abs(z.var() - 1) < 0.01 and abs((z**3).mean()) < 0.03 and abs((z**4).mean() - 3) < 0.06
    for lag in (1, 15, 16, 32, 48, 64):  # the pairs of Box and Muller are 16 apart
        assert abs((z[:-lag] * z[lag:]).mean()) < 0.01
    other = rd.normal(np.array([1234, 8], "uint32"), (N,))
    assert abs((z * other).mean()) < 0.01


def test_ranges():
    for low, high in [(0, 1), (1, 2), (-1, 0), (-2, -1), (0, 1e-40), (5, 5), (1e30, 2e30)]:
        for dtype in ("float16", ml_dtypes.bfloat16, "float32", "float64"):
            if dtype == "float16" and high > 1e4:
                continue
            y = rd.uniform(STATE, (100_000,), low, high, dtype).astype("float64")
            bottom = float(np.asarray(low, dtype))
            assert y.min() >= bottom and (y.max() < high or low == high), (low, high, dtype)
    assert abs(rd.truncated_normal(STATE, (100_000,))).max() < 2
    for dtype, low, high in [
        ("int8", -128, 128),
        ("uint8", 0, 256),
        ("int32", -(2**31), 2**31),
        ("uint32", 5, 6),
        ("int64", -(2**63), 2**62),
    ]:
        y = rd.randint(STATE, (50_000,), low, high, dtype)
        assert y.dtype == dtype and int(y.min()) >= low and int(y.max()) < high
        assert high - low == 1 or abs((y.astype("float64") - low).mean() / (high - low) - 0.5) < 0.01


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float64"])
def test_other_dtypes_are_rounded_float32(dtype):
    np.testing.assert_array_equal(rd.normal(STATE, (99,), dtype=dtype), rd.normal(STATE, (99,)).astype(dtype))
    x = rd.normal(STATE, (99,), dtype=dtype)
    kept = rd.dropout(np.ones(99, "float32"), STATE, 0.25) > 0
    y = rd.dropout(x, STATE, 0.25)
    assert y.dtype == x.dtype and not y[~kept].any()
    np.testing.assert_allclose(
        y[kept].astype("float64"), x[kept].astype("float64") / 0.75, rtol=1e-2 if dtype != "float64" else 1e-15
    )


def test_dropout():
    x = np.random.default_rng(0).normal(size=(100, 33)).astype("float32")
    y = rd.dropout(x, STATE, 0.3)
    mask = rd.bernoulli(STATE, x.shape, 0.7)
    np.testing.assert_array_equal(y, np.where(mask, x * np.float32(1 / 0.7), 0))
    np.testing.assert_array_equal(rd.dropout(x, STATE, 0.0), x)
    assert not rd.dropout(x, STATE, 1.0).any()
    assert not rd.dropout(np.full(9, np.nan, "float32"), STATE, 1.0).any()
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="rate"):
            rd.dropout(x, STATE, rate)


def test_permutation():
    for n in (0, 1, 2, 63, 64, 65, 255, 256, 60_000):
        p = rd.permutation(STATE, n)
        assert p.dtype == np.int64 and sorted(p.tolist()) == list(range(n))
    keys = rd.bits(STATE, (1000,))
    np.testing.assert_array_equal(rd.permutation(STATE, 1000), np.argsort(keys, kind="stable"))
    counts = np.zeros((4, 4))
    for k in range(4000):
        for place, item in enumerate(rd.permutation(np.array([k, 0], "uint32"), 4)):
            counts[place, item] += 1
    assert abs(counts / 4000 - 0.25).max() < 0.03


def test_advance_seed():
    state, saved = np.array([5, 2**32 - 1], "uint32"), np.zeros(2, "uint32")
    rd.advance_seed(state, saved)
    assert state.tolist() == [5, 0] and saved.tolist() == [5, 2**32 - 1]
    rd.advance_seed(state, ordered=False)
    assert state.tolist() == [6 * 5387 % 933199, 5387]


def test_parameter_arrays_and_errors():
    alpha = np.array([-1, 0, 2, np.nan], "float32")
    y = rd.gamma(STATE, (4,), alpha)
    assert np.isnan(y).tolist() == [True, False, False, True] and y[1] == 0
    assert np.isnan(rd.poisson(STATE, (1,), -1.0)).all()
    assert np.isnan(rd.binomial(STATE, (2,), 3, np.array([1.5, -0.5], "float32"))).all()
    assert rd.poisson(STATE, (2,), -1.0, "int32").tolist() == [0, 0]
    with pytest.raises(ValueError, match="broadcast it first"):
        rd.gamma(STATE, (4,), np.ones(3, "float32"))
    with pytest.raises(ValueError, match="randint"):
        rd.randint(STATE, (2,), 3, 3)
    with pytest.raises(ValueError, match="bernoulli"):
        rd.bernoulli(STATE, (2,), 1.5)
    y = np.empty(4, "float32")
    for inputs, ints, floats in [
        ((STATE,), (1, 5, 0), (0.0, 1.0)),
        ((STATE,), (1, -1, 0), (0.0, 1.0)),
        ((STATE,), (11, 4, 0), (0.0, 1.0)),
        ((STATE[:1],), (1, 4, 0), (0.0, 1.0)),
        ((STATE,), (5, 4, 0, 0, 9), ()),
        ((STATE, np.ones(3, "float32")), (6, 4, 0), ()),
    ]:
        with pytest.raises(ValueError, match="random"):
            launch("random", inputs, (y,), spec_of("random", ints, floats))
