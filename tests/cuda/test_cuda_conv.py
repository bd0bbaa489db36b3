"""Convolution and its gradients on the shim, beside float64 on the CPU kernels: geometries, groups, dtypes, tiles, schedules."""

import ml_dtypes
import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu import config
from kerasgpu.kernels import conv, cuda
from kerasgpu.kernels.gpu.plans import conv as planned
from kerasgpu.kernels.gpu.plans import gemm_table
from kerasgpu.kernels.gpu.plans.plan import HostPlan, make_plan
from kerasgpu.kernels.spec import read as spec_of
from kerasgpu.kernels.window import Window

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
ERROR = {"tf32": 2**-10, "simt": 3e-6, "half": 2**-6, "double": 1e-14}
KINDS = [("tf32", "float32"), ("simt", "float32"), ("half", "bfloat16"), ("double", "float64")]


def window(size, kernel, stride=1, dilation=1, before=0, after=None):
    n = len(size)
    stride, dilation, before = [(v,) * n if isinstance(v, int) else v for v in (stride, dilation, before)]
    after = before if after is None else (after,) * n
    count = [(s + b + a - (k - 1) * d - 1) // t + 1 for s, b, a, k, d, t in zip(size, before, after, kernel, dilation, stride)]
    return Window(tuple(size), tuple(count), tuple(kernel), stride, dilation, before)


# (window, batch, channels, filters, groups)
CASES = {
    "3x3": (window((7, 9), (3, 3), before=1), 2, 8, 16, 1),
    "odd channels": (window((6, 5), (3, 2)), 2, 5, 7, 1),
    "one channel": (window((9, 8), (5, 5)), 2, 1, 12, 1),
    "three channels, stride 2": (window((11, 11), (7, 7), 2, before=3), 1, 3, 16, 1),
    "stride 2": (window((8, 9), (3, 3), 2, before=1), 2, 16, 8, 1),
    "stride over kernel": (window((9, 8), (2, 2), 3), 2, 4, 8, 1),
    "stride 2 and 3": (window((9, 10), (3, 4), (2, 3), before=(1, 2)), 1, 8, 8, 1),
    "dilated": (window((9, 10), (3, 3), dilation=2, before=2), 1, 8, 4, 1),
    "stride and dilation": (window((13, 12), (3, 2), 2, dilation=(3, 2), before=1), 1, 4, 4, 1),
    "groups": (window((6, 6), (3, 3), before=1), 2, 16, 32, 4),
    "odd groups": (window((6, 6), (3, 3), 2), 1, 6, 9, 3),
    "1d": (window((20,), (4,), 2, before=1, after=2), 3, 8, 6, 1),
    "3d": (window((4, 5, 6), (2, 3, 2), (1, 2, 1), before=(0, 1, 1)), 1, 4, 8, 1),
    "1x1": (window((5, 6), (1, 1)), 2, 8, 12, 1),
    "1x1 stride 2": (window((5, 6), (1, 1), 2), 2, 8, 12, 1),
    "1x1 groups": (window((5, 6), (1, 1)), 2, 8, 12, 2),
    "three strides": (window((5, 5, 5), (3, 3, 3), 3), 1, 4, 4, 1),
}


@pytest.fixture
def use(gpu, monkeypatch):
    def choose(kind, tile=None, splits=1):
        (config.disable_tf32 if kind == "simt" else config.enable_tf32)()
        monkeypatch.setattr(gemm_table, "forced", None if tile is None else (tile.name, splits))
        cuda.forget()

    before = config.is_tf32_enabled()
    yield choose
    (config.enable_tf32 if before else config.disable_tf32)()
    cuda.forget()


def put(x):
    return cuda.put(x, ("gpu", 0))


def small(kind):
    return min(gemm_table.TILES[kind], key=lambda t: t.m * t.n * t.k)


def check(kind, dtype, case):
    w, batch, channels, filters, groups = case
    rng = np.random.default_rng(channels)
    make = lambda *s: rng.normal(size=s).astype(DTYPES[dtype])
    x, f = make(batch, *w.size, channels), make(*w.kernel, channels // groups, filters)
    dy, bias, row = make(batch, *w.count, filters), make(filters), make(channels)

    def close(got, function, left, right, *more, **options):
        wide = lambda a: np.float64(a) if isinstance(a, np.ndarray) else a
        want = function(wide(left), wide(right), *more, **{k: wide(v) for k, v in options.items()})
        size = function(abs(wide(left)), abs(wide(right)), *more) + 1
        got = got.get()
        assert got.dtype == x.dtype and got.shape == want.shape
        assert (abs(np.float64(got) - want) / size).max() < ERROR[kind]

    act = {"bias": put(bias), "activation": "relu"}
    close(conv.conv(put(x), put(f), w, groups, **act), conv.conv, x, f, w, groups, bias=bias, activation="relu")
    close(conv.conv(put(x), put(f), w, groups), conv.conv, x, f, w, groups)
    act = {"bias": put(row), "activation": "relu"}
    got = conv.conv_input_grad(put(dy), put(f), w, groups, **act)
    close(got, conv.conv_input_grad, dy, f, w, groups, bias=row, activation="relu")
    close(conv.conv_filter_grad(put(x), put(dy), w, groups), conv.conv_filter_grad, x, dy, w, groups)


@pytest.mark.parametrize("name", CASES)
def test_geometries(use, name):
    use("tf32", small("tf32"))
    check("tf32", "float32", CASES[name])


@pytest.mark.parametrize("kind,dtype", KINDS)
def test_kinds_and_their_own_choices(use, kind, dtype):
    use(kind)
    for name in ("3x3", "odd channels", "groups"):
        check(kind, dtype, CASES[name])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", KINDS)
def test_schedules_and_stretches(gpu, use, kind, dtype, schedule):
    gpu.schedule = schedule
    use(kind, small(kind), 3)
    for name in ("3x3", "stride 2", "odd channels", "groups"):
        check(kind, dtype, CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("tile", gemm_table.TILES["tf32"] + gemm_table.TILES["half"], ids=lambda t: t.name)
def test_every_tile(use, tile):
    kind = "tf32" if tile in gemm_table.TILES["tf32"] else "half"
    use(kind, tile)
    check(kind, "float32" if kind == "tf32" else "bfloat16", (window((9, 11), (3, 3), before=1), 2, 24, 40, 1))


def test_divisors():
    rng = np.random.default_rng(0)
    for value in [1, 2, 3, 5, 7, 49, 56, 64, 1000, 12345, (1 << 30) - 1, 1 << 30, (1 << 31) - 1]:
        factor, shift, _ = planned.divisor(value).values()
        assert factor < 1 << 32
        for n in [0, 1, value - 1, value, (1 << 31) - 1, *map(int, rng.integers(0, 1 << 31, 50))]:
            assert n * factor >> shift == n // value


def ints(w, batch, channels, filters, groups=1, bias=0, relu=0):
    return (batch, channels, filters, groups, bias, relu, *w.ints())


def test_hostile_arguments():
    w = window((4, 4), (3, 3))
    good = ints(w, 1, 2, 3)
    operands = (("float32", 128), ("float32", 216)), (("float32", 48),)
    assert make_plan("conv", *operands, spec_of("conv", good)).launches
    for at, value in [(0, 2), (0, -1), (1, 1 << 40), (3, 0), (3, 2), (4, 1), (5, 2), (8, -1), (8, 1 << 40), (16, 0)]:
        bad = list(good)
        bad[at] = value
        with pytest.raises(ValueError, match="conv"):
            make_plan("conv", *operands, spec_of("conv", bad))
    with pytest.raises(ValueError, match="dtype"):
        make_plan("conv", (("int32", 128), ("int32", 216)), (("int32", 48),), spec_of("conv", good))
    with pytest.raises(ValueError, match="dims of the window"):
        make_plan("conv", *operands, spec_of("conv", good)._replace(window=Window(*[(1, 1)] * 6)))


def test_counts_that_do_not_follow_from_sizes_stay_inside(use):
    """A window may say that there are more output positions than the input has room for: they see padding."""
    use("tf32", small("tf32"))
    w = Window((4, 4), (9, 8), (3, 3), (2, 2), (1, 1), (1, 1))
    check("tf32", "float32", (w, 2, 8, 8, 1))


def test_what_does_not_fit_in_32_bits_runs_on_the_host():
    w = window((4,), (2,), dilation=1 << 30, before=1 << 30)
    plan = make_plan(
        "conv", (("float32", 16), ("float32", 8)), (("float32", 4 * w.count[0]),), spec_of("conv", ints(w, 1, 1, 1))
    )
    assert isinstance(plan, HostPlan)


def test_large_arrays_use_wide_indices():
    w = window((1 << 15, 1 << 10), (3, 3), before=1)
    n = 64 << 25
    plan = make_plan(
        "conv", (("float16", 2 * n), ("float16", 2 * 9 * 64 * 64)), (("float16", 2 * n),), spec_of("conv", ints(w, 1, 64, 64))
    )
    assert dict(plan.launches[0].defines)["KG_INDEX"] == "int64_t"
