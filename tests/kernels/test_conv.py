"""kernels.conv against float64 NumPy written from the definition: geometries, dtypes, groups, threads, memory, bad input."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from kerasgpu import _core
from kerasgpu.kernels import reduce
from kerasgpu.kernels.conv import conv, conv_filter_grad, conv_input_grad
from kerasgpu.kernels.launch import empty, launch, numpy_dtype
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.kernels.window import Window

EPS = {"float32": 2.0**-24, "float64": 2.0**-53, "float16": 2.0**-11, "bfloat16": 2.0**-8}


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


def window(size, kernel, stride=1, dilation=1, padding="valid"):
    """The geometry with Keras's padding; stride and dilation for all dims."""
    count, before = [], []
    for n, k in zip(size, kernel):
        reach = (k - 1) * dilation + 1
        c = -(-n // stride) if padding == "same" else max((n - reach) // stride + 1, 0)
        count.append(c)
        before.append(max((c - 1) * stride + reach - n, 0) // 2 if padding == "same" else 0)
    d = len(size)
    return Window(tuple(size), tuple(count), tuple(kernel), (stride,) * d, (dilation,) * d, tuple(before))


def pairs(w):
    """(tap, index of the output, index of the input) for every tap of every window that lies inside the input."""
    for tap in itertools.product(*map(range, w.kernel)):
        dims = []
        for t, n, c, s, d, b in zip(tap, w.size, w.count, w.stride, w.dilation, w.before):
            dims.append([(o, o * s + t * d - b) for o in range(c) if 0 <= o * s + t * d - b < n])
        outs = np.ix_(*[[o for o, _ in dim] for dim in dims])
        ins = np.ix_(*[[i for _, i in dim] for dim in dims])
        yield tap, (slice(None), *outs), (slice(None), *ins)


def exact(kind, a, b, w, groups, channels, filters):
    """conv(x, w), conv_input_grad(dy, w) or conv_filter_grad(x, dy) in float64, with the sum of absolute terms for bounds."""
    a, b = a.astype("float64"), b.astype("float64")
    shape = {
        "conv": (a.shape[0], *w.count, filters),
        "conv_input_grad": (a.shape[0], *w.size, channels),
        "conv_filter_grad": (*w.kernel, channels // groups, filters),
    }[kind]
    out, size = np.zeros(shape), np.zeros(shape)
    for g in range(groups):
        c = slice(g * channels // groups, (g + 1) * channels // groups)
        f = slice(g * filters // groups, (g + 1) * filters // groups)
        for tap, o, i in pairs(w):
            for total, p, q in ((out, a, b), (size, np.abs(a), np.abs(b))):
                if kind == "conv":
                    total[..., f][o] += p[..., c][i] @ q[tap][:, f]
                elif kind == "conv_input_grad":
                    total[..., c][i] += p[..., f][o] @ q[tap][:, f].T
                else:
                    seen, grad = p[..., c][i], q[..., f][o]
                    total[tap][:, f] += seen.reshape(-1, seen.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
    return out, size


def assert_accurate(got, want, size, terms, dtype):
    bound = (2 * terms + 4) * EPS["float64" if dtype == "float64" else "float32"] * size
    if dtype in ("float16", "bfloat16"):
        bound = bound + EPS[dtype] * np.abs(want) + 2.0**-25
    assert np.all(np.abs(got.astype("float64") - want) <= bound), np.max(np.abs(got.astype("float64") - want) - bound)


def check(w, batch, channels, filters, groups=1, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, *w.size, channels)).astype(numpy_dtype(dtype))
    k = rng.standard_normal((*w.kernel, channels // groups, filters)).astype(numpy_dtype(dtype))
    dy = rng.standard_normal((batch, *w.count, filters)).astype(numpy_dtype(dtype))
    taps = int(np.prod(w.kernel))
    for function, a, b, terms in (
        (conv, x, k, taps * channels // groups),
        (conv_input_grad, dy, k, taps * filters // groups),
        (conv_filter_grad, x, dy, batch * int(np.prod(w.count))),
    ):
        got = function(a, b, w, groups)
        want, size = exact(function.__name__, a, b, w, groups, channels, filters)
        assert got.shape == want.shape and got.dtype == numpy_dtype(dtype)
        assert_accurate(got, want, size, terms, dtype)


GEOMETRIES = {
    "1x1": window((5, 7), (1, 1)),
    "1x1 stride 2": window((6, 7), (1, 1), 2, 1, "same"),
    "3x3 valid": window((9, 11), (3, 3)),
    "3x3 same": window((9, 11), (3, 3), 1, 1, "same"),
    "3x3 stride 2": window((9, 12), (3, 3), 2, 1, "same"),
    "3x3 stride 2 valid": window((9, 12), (3, 3), 2),
    "3x3 stride 3 does not divide": window((11, 10), (3, 3), 3),
    "2x2 stride 3 skips": window((11, 10), (2, 2), 3, 1, "same"),
    "3x3 dilated": window((9, 11), (3, 3), 1, 2, "same"),
    "3x2 dilated with stride": window((13, 11), (3, 2), 2, 3),
    "3x3 dilation and stride share a factor": window((13, 12), (3, 3), 4, 2, "same"),
    "5x4": window((8, 9), (5, 4), 1, 1, "same"),
    "7x7 stride 2": window((17, 15), (7, 7), 2, 1, "same"),
    "larger than the input": window((2, 3), (5, 7), 1, 1, "same"),
    "larger than the input, stride": window((2, 3), (5, 7), 2, 1, "same"),
    "1d": window((29,), (5,), 2, 1, "same"),
    "1d dilated": window((29,), (3,), 1, 4),
    "3d": window((5, 6, 7), (3, 2, 3), 1, 1, "same"),
    "3d stride 2": window((5, 6, 7), (3, 3, 2), 2, 1, "valid"),
    "one pixel": window((1, 1), (3, 3), 1, 1, "same"),
}


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("sizes", [(2, 3, 5), (1, 16, 16), (3, 20, 33), (2, 1, 7), (1, 4, 70)], ids=str)
def test_geometries(name, sizes, level):
    check(GEOMETRIES[name], *sizes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("name", ["1x1", "3x3 same", "3x3 stride 2", "3x2 dilated with stride", "1d", "3d stride 2"])
def test_dtypes_and_groups(name, groups, dtype, level):
    check(GEOMETRIES[name], 2, 6, 12, groups, dtype)


@pytest.mark.parametrize("sizes", [(1, 600, 40), (1, 40, 600), (1, 513, 7), (2, 130, 260)], ids=str)
def test_many_channels(sizes, level):
    check(window((5, 4), (3, 3), 1, 1, "same"), *sizes)
    check(window((5, 4), (3, 3), 2, 1, "same"), *sizes)


@pytest.mark.parametrize("sizes", [(3, 1, 32), (2, 3, 16), (2, 32, 32), (2, 16, 48)], ids=str)
def test_larger_images(sizes, level):
    check(window((28, 29), (3, 3), 1, 1, "same"), *sizes)
    check(window((28, 29), (3, 3), 2, 1, "same"), *sizes)
    check(window((31, 28), (3, 3)), *sizes)


@pytest.mark.parametrize("channels,filters", [(16, 16), (64, 40), (24, 130), (512, 16)])
def test_the_error_of_winograd_stays_below_1e_5_of_the_largest_output(channels, filters, level):
    rng = np.random.default_rng(channels)
    for w in (window((16, 18), (3, 3), 1, 1, "same"), window((11, 9), (3, 3))):
        k = rng.standard_normal((3, 3, channels, filters)).astype("float32")
        dy = rng.standard_normal((4, *w.count, filters)).astype("float32")
        for x in (rng.standard_normal((4, *w.size, channels)), rng.random((4, *w.size, channels))):
            x = x.astype("float32")
            for function, a, b in ((conv, x[:1], k), (conv_input_grad, dy[:1], k), (conv_filter_grad, x, dy)):
                want, _ = exact(function.__name__, a, b, w, 1, channels, filters)
                assert np.abs(function(a, b, w) - want).max() <= 1e-5 * np.abs(want).max()


@pytest.mark.parametrize("kernel,stride", [((1, 1), 1), ((1, 1), 2), ((3, 2), 2), ((5, 1), 1)])
def test_large_results_have_the_bits_of_small_ones(kernel, stride, level):
    """From 8 MB on, results are written past the cache."""
    rng = np.random.default_rng(0)
    w = window((128 * stride, 65), kernel, stride, 1, "same")
    k = rng.standard_normal((*kernel, 64, 128)).astype("float32")
    x = rng.standard_normal((4 // stride, *w.size, 64)).astype("float32")
    bias = rng.standard_normal(128).astype("float32")
    dy = rng.standard_normal((4 // stride, *w.count, 128)).astype("float32")
    for function, a, more in ((conv, x, {"bias": bias, "activation": "relu"}), (conv_input_grad, dy, {})):
        whole = function(a, k, w, **more)
        for n in range(len(a)):
            np.testing.assert_array_equal(whole[n : n + 1], function(a[n : n + 1], k, w, **more))


@pytest.mark.parametrize("channels,filters", [(16, 16), (33, 20), (8, 70), (64, 300)])
def test_tiles_of_a_gradient_that_is_spread(channels, filters, level):
    """Without padding the input gradient is larger than dy: it is made from tiles of dy, which overlap in it."""
    rng = np.random.default_rng(channels)
    k = rng.standard_normal((3, 3, channels, filters)).astype("float32")
    bias = rng.standard_normal(channels).astype("float32")
    for batch, size in ((5, (13, 13)), (4, (6, 9)), (9, (7, 5)), (4, (34, 41))):
        w = window(size, (3, 3))
        dy = rng.standard_normal((batch, *w.count, filters)).astype("float32")
        want, _ = exact("conv_input_grad", dy, k, w, 1, channels, filters)
        before, results = _core.num_threads(), []
        for n in (1, 2, 3):
            _core.set_num_threads(n)
            results.append(conv_input_grad(dy, k, w))
        _core.set_num_threads(before)
        assert np.abs(results[0] - want).max() <= 1e-5 * np.abs(want).max()
        for other in results[1:]:
            np.testing.assert_array_equal(other, results[0])
        both = conv_input_grad(dy, k, w, bias=bias, activation="relu")
        np.testing.assert_array_equal(both, np.maximum(results[0] + bias, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_bias_and_relu_give_the_bits_of_separate_steps(dtype, level):
    rng = np.random.default_rng(0)
    for geometry, depth in (("3x3 same", 6), ("3x3 same", 24), ("1x1", 6), ("3x3 stride 2", 6)):
        w = GEOMETRIES[geometry]
        for function, a_shape, channels in (
            (conv, (2, *w.size, depth), 33),
            (conv_input_grad, (2, *w.count, 33), depth),
        ):
            a = rng.standard_normal(a_shape).astype(numpy_dtype(dtype))
            k = rng.standard_normal((*w.kernel, depth, 33)).astype(numpy_dtype(dtype))
            bias = rng.standard_normal(channels).astype(numpy_dtype(dtype))
            plain = function(a, k, w)
            both = function(a, k, w, bias=bias, activation="relu")
            if dtype == "bfloat16":  # rounded once, not twice
                np.testing.assert_allclose(
                    both.astype("float32"),
                    np.maximum(plain.astype("float32") + bias.astype("float32"), 0),
                    rtol=0.02,
                    atol=0.05,
                )
            else:
                np.testing.assert_array_equal(both, np.maximum(plain + bias, 0))
                np.testing.assert_array_equal(function(a, k, w, activation="relu"), np.maximum(plain, 0))


def test_empty_batch_and_empty_channels():
    for name in ("3x3 same", "3x3 stride 2", "1x1"):
        w = GEOMETRIES[name]
        k = np.ones((*w.kernel, 3, 4), "float32")
        assert conv(np.ones((0, *w.size, 3), "float32"), k, w).shape == (0, *w.count, 4)
        assert conv_input_grad(np.ones((0, *w.count, 4), "float32"), k, w).shape == (0, *w.size, 3)
        grad = conv_filter_grad(np.ones((0, *w.size, 3), "float32"), np.ones((0, *w.count, 4), "float32"), w)
        np.testing.assert_array_equal(grad, np.zeros_like(k))
        none = np.ones((*w.kernel, 0, 4), "float32")
        bias = np.arange(4, dtype="float32")
        out = conv(np.ones((2, *w.size, 0), "float32"), none, w, bias=bias)
        np.testing.assert_array_equal(out, np.broadcast_to(bias, (2, *w.count, 4)))
        assert conv_filter_grad(np.ones((2, *w.size, 0), "float32"), out, w).shape == none.shape


def test_the_number_of_threads_changes_no_bit(threads, level):
    rng = np.random.default_rng(0)
    for w, channels, filters, groups in (
        (window((30, 29), (3, 3), 1, 1, "same"), 16, 24, 1),
        (window((30, 29), (3, 3), 1, 1, "same"), 4, 24, 1),
        (window((3, 2), (3, 3), 1, 1, "same"), 20, 24, 1),
        (window((30, 29), (3, 3), 2, 1, "same"), 3, 64, 1),
        (window((14, 14), (1, 1)), 64, 40, 1),
        (window((20, 20), (5, 5)), 32, 32, 2),
    ):
        x = rng.standard_normal((4, *w.size, channels)).astype("float32")
        k = rng.standard_normal((*w.kernel, channels // groups, filters)).astype("float32")
        dy = rng.standard_normal((4, *w.count, filters)).astype("float32")
        results = []
        for n in (1, 2, 4):
            threads(n)
            results.append((conv(x, k, w, groups), conv_input_grad(dy, k, w, groups), conv_filter_grad(x, dy, w, groups)))
        for other in results[1:]:
            for one, two in zip(results[0], other):
                np.testing.assert_array_equal(one, two)


MEMORY_SCRIPT = """
import sys
import numpy as np
from kerasgpu import _core
from kerasgpu.kernels import conv
from kerasgpu.kernels.window import Window
n = 600
w = Window((n, n), (n, n), (3, 3), (1, 1), (1, 1), (1, 1))
x, k = np.zeros((1, n, n, 32), "float32"), np.zeros((3, 3, 32, 32), "float32")
result = getattr(conv, sys.argv[1])(x, x if sys.argv[1] == "conv_filter_grad" else k, w)
print(_core.memory_stats()["peak"] - result.nbytes)
"""


@pytest.mark.parametrize("name", ["conv", "conv_input_grad", "conv_filter_grad"])
def test_scratch_memory_does_not_grow_with_the_image(name):
    # A new process, since the pool's peak never goes down. The matrix of all windows would take 415 MB.
    run = subprocess.run([sys.executable, "-c", MEMORY_SCRIPT, name], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 24 << 20


def test_bad_arguments_are_explained():
    w = GEOMETRIES["3x3 same"]
    x, k = np.ones((2, 9, 11, 4), "float32"), np.ones((3, 3, 4, 6), "float32")
    with pytest.raises(ValueError, match=r"conv: x must be \(batch, 9, 11, 4\) of float32. Received: \(2, 9, 10, 4\)"):
        conv(x[:, :, :10], k, w)
    with pytest.raises(ValueError, match=r"conv: x must be .* of float64"):
        conv(x, k.astype("float64"), w)
    with pytest.raises(ValueError, match=r"conv: w must be \(3, 3, '...', '...'\) for this window"):
        conv(x, k[:2], w)
    with pytest.raises(ValueError, match="conv: channels and filters must be multiples of groups"):
        conv(x, k, w, groups=4)
    with pytest.raises(ValueError, match="conv: channels and filters must be multiples of groups"):
        conv(x, k, w, groups=0)
    with pytest.raises(ValueError, match="conv: activation must be None or 'relu'"):
        conv(x, k, w, activation="tanh")
    with pytest.raises(ValueError, match=r"conv: bias must be \(6,\) of float32"):
        conv(x, k, w, bias=np.ones(4, "float32"))
    with pytest.raises(ValueError, match=r"conv_input_grad: dy must be \(batch, 9, 11, 6\)"):
        conv_input_grad(x, k, w)
    with pytest.raises(ValueError, match="conv_filter_grad: x and dy must have one batch size"):
        conv_filter_grad(x, np.ones((1, 9, 11, 6), "float32"), w)
    with pytest.raises(ValueError, match="conv: x must have a float dtype"):
        conv(x.astype("int32"), k.astype("int32"), w)


@pytest.mark.parametrize("name", ["conv", "conv_input_grad", "conv_filter_grad"])
def test_hostile_integers_throw(name):
    w = GEOMETRIES["3x3 same"]
    good = [2, 4, 6, 1, 0, 0, *w.ints()]
    shapes = {
        "conv": ((2, 9, 11, 4), (3, 3, 4, 6), (2, 9, 11, 6)),
        "conv_input_grad": ((2, 9, 11, 6), (3, 3, 4, 6), (2, 9, 11, 4)),
        "conv_filter_grad": ((2, 9, 11, 4), (2, 9, 11, 6), (3, 3, 4, 6)),
    }[name]
    a, b = (np.ones(s, "float32") for s in shapes[:2])
    out = empty(shapes[2], "float32")
    launch(name, (a, b), (out,), spec_of(name, tuple(good)))
    with pytest.raises(ValueError):
        launch(name, (a, b), (out,), spec_of(name, tuple(good[:-1])))
    with pytest.raises(ValueError):
        launch(name, (a,), (out,), spec_of(name, tuple(good)))
    with pytest.raises(ValueError):
        launch(name, (a, b.astype("float64")), (out,), spec_of(name, tuple(good)))
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3000):
        ints = list(good)
        for position in rng.integers(0, len(ints), rng.integers(1, 4)):
            ints[position] = int(rng.choice([-1, 0, 1, 2, 3, 5, 17, 2**20, 2**31, 2**32 + 5, 2**62, 2**63 - 1]))
        try:
            launch(name, (a, b), (out,), spec_of(name, tuple(ints)))
        except ValueError:
            refused += 1
    assert refused > 1000
    # Windows that pass every check of sizes and reach far outside.
    huge = 2**31
    for field in (9, 10, 11), (12, 13, 14), (15, 16, 17):
        for value in (huge, huge - 1, 4097, 2**16):
            for also in (None, 18, 19, 20, 21, 22, 23):
                ints = list(good)
                ints[field[1] + 6] = ints[field[2] + 6] = value
                if also is not None:
                    ints[also] = huge
                try:
                    launch(name, (a, b), (out,), spec_of(name, tuple(ints)))
                except ValueError:
                    pass


def test_offsets_that_point_outside_read_zeros():
    # Windows that begin far before or end far behind the input see padding only.
    x, k = np.ones((1, 4, 1), "float32"), np.ones((2, 1, 1), "float32")
    y = conv(x, k, Window((4,), (9,), (2,), (1,), (1,), (3,)))
    np.testing.assert_array_equal(y.ravel(), [0, 0, 1, 2, 2, 2, 1, 0, 0])
    back = conv_input_grad(y, k, Window((4,), (9,), (2,), (1,), (1,), (3,)))
    np.testing.assert_array_equal(back.ravel(), [3, 4, 4, 3])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("filters,groups", [(8, 1), (40, 2), (1, 1), (600, 1)])
def test_filter_gradient_also_sums_the_gradient(level, dtype, filters, groups):
    w = Window((9, 20), (9, 20), (3, 3), (1, 1), (1, 1), (1, 1))
    rng = np.random.default_rng(filters)
    x, dy = (rng.normal(size=(3, 9, 20, n)).astype(dtype) for n in (4, filters))
    out, sums = np.ones((3, 3, 4 // groups, filters), dtype), np.ones(filters, dtype)
    launch("conv_filter_grad", (x, dy), (out, sums), spec_of("conv_filter_grad", (3, 4, filters, groups, 0, 0, *w.ints())))
    np.testing.assert_array_equal(out, conv_filter_grad(x, dy, w, groups))
    np.testing.assert_array_equal(sums, reduce.sum(dy, axis=(0, 1, 2)))
