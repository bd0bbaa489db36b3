"""Column sums beside weight gradients on the shim: the bits of `reduce`, whatever makes the product and whatever the sizes."""

import numpy as np
import pytest
from test_cuda_conv import CASES, use, window  # noqa: F401  `use` is a fixture
from test_cuda_conv import small as small_tile
from test_gemm_tiles import DTYPES, KINDS, SCHEDULES, force, put  # noqa: F401  `force` is a fixture
from test_relu_grad_epilogue import same_bits

from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.plans import column_sums, gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of


def both(name, left, right, shape, ints, floats, columns):
    """(result, sums) at once, and of two calls."""
    a, b = put(left), put(right)
    dtype = left.dtype
    out = [put(np.ones(s, dtype)) for s in (shape, columns, shape, columns)]
    cuda.launch(name, (a, b), (out[0], out[1]), spec_of(name, ints, floats))
    cuda.launch(name, (a, b), (out[2],), spec_of(name, ints, floats))
    cuda.launch("reduce", (b,), (out[3],), spec_of("reduce", (0, 1, right.size // max(columns, 1), columns)))
    return [x.get() for x in out]


def check(dtype, m, n, k, seed=0):
    rng = np.random.default_rng(seed)
    x, dz = rng.normal(size=(k, m)).astype(DTYPES[dtype]), rng.normal(size=(k, n)).astype(DTYPES[dtype])
    result, sums, want, want_sums = both("gemm", x, dz, (m, n), (1, m, n, k, 1, 0, 0, 0, 0, 0, 0), (1.0,), n)
    same_bits(result, want)
    same_bits(sums, want_sums)
    np.testing.assert_allclose(np.float64(sums), np.float64(dz).sum(0), rtol=0.05, atol=0.05 * np.sqrt(k))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", [*KINDS, ("turing", "float16")])
def test_every_arithmetic(gpu, force, kind, dtype, schedule):  # noqa: F811
    gpu.schedule = schedule
    tile = gemm_table.TILES[kind][-1]
    for splits in (1, 3):
        force(kind, tile.name, splits)
        check(dtype, 24, 40, 3 * tile.k + 16)
        check(dtype, 5, 33, 2 * tile.k + 1)


@pytest.mark.parametrize("kind,dtype", [("half", "bfloat16"), ("tf32", "float32")])
def test_hopper(gpu, force, kind, dtype):  # noqa: F811
    for tile in [min(gemm_table.WGMMA[kind], key=lambda t: t.m * t.n), *gemm_table.BOXES.get(kind, ())[-1:]]:
        for gpu.schedule, splits in zip(SCHEDULES, (1, 2, 1, 2)):
            force(kind, tile.name, splits)
            check(dtype, 72, 144, 4 * tile.k)


@pytest.mark.parametrize(
    "m,n,k", [(3, 1, 20), (7, 2, 1), (4, 3, 0), (0, 5, 9), (3, 0, 5), (2, 31, 700), (2, 64, 5000), (1, 40, 30000)]
)
@pytest.mark.parametrize("splits", [1, 4])
def test_sizes_that_need_chunks_and_some_that_need_nothing(gpu, force, m, n, k, splits):  # noqa: F811
    force("simt", gemm_table.TILES["simt"][-1].name, splits)
    check("float32", m, n, k)


def test_sums_take_no_launch_of_their_own(gpu, force):  # noqa: F811
    def launches(k, summed, splits):
        force("tf32", gemm_table.TILES["tf32"][-1].name, splits)
        f = lambda *s: ("float32", 4 * int(np.prod(s)))
        outputs = (f(16, 48), f(48)) if summed else (f(16, 48),)
        return len(
            make_plan(
                "gemm", (f(k, 16), f(k, 48)), outputs, spec_of("gemm", (1, 16, 48, k, 1, 0, 0, 0, 0, 0, 0), (1.0,))
            ).launches
        )

    assert [launches(100, s, 1) for s in (False, True)] == [1, 1]
    assert [launches(20000, s, 8) for s in (False, True)] == [2, 2]
    assert [launches(20000, s, 1) for s in (False, True)] == [1, 3]  # nothing follows that could join the chunks
    assert column_sums.pieces(1, 20000, 48)[0] > 1


@pytest.mark.parametrize("name", CASES)
def test_every_window(gpu, use, name):  # noqa: F811
    use("tf32")
    convolution("float32", CASES[name])


def convolution(dtype, case):
    w, batch, channels, filters, groups = case
    rng = np.random.default_rng(channels)
    x = rng.normal(size=(batch, *w.size, channels)).astype(DTYPES[dtype])
    dy = rng.normal(size=(batch, *w.count, filters)).astype(DTYPES[dtype])
    shape = (*w.kernel, channels // groups, filters)
    ints = (batch, channels, filters, groups, 0, 0, *w.ints())
    result, sums, want, want_sums = both("conv_filter_grad", x, dy, shape, ints, (), filters)
    same_bits(result, want)
    same_bits(sums, want_sums)


LONG = (window((40, 40), (3, 3), before=1), 6, 8, 16, 1)  # chunks of the sums
FEW = (window((40, 40), (3, 3), before=1), 6, 1, 16, 1)  # of a direct convolution


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", KINDS)
def test_every_arithmetic_of_convolutions(gpu, use, kind, dtype, schedule):  # noqa: F811
    gpu.schedule = schedule
    for splits in (1, 3):
        use(kind, small_tile(kind), splits)
        convolution(dtype, CASES["3x3"])
        convolution(dtype, CASES["odd channels"])
    if schedule == SCHEDULES[0]:
        use(kind)
        convolution(dtype, LONG)
        convolution(dtype, FEW)


def test_what_is_not_allowed():
    f = lambda n: ("float32", 4 * n)
    call = lambda ints, *outs, ins=(f(8), f(12)): make_plan("gemm", ins, outs, spec_of("gemm", ints, (1.0,)))
    with pytest.raises(ValueError, match="not transposed"):
        call((1, 2, 3, 4, 1, 1, 0, 0, 0, 0, 0), f(6), f(3))
    with pytest.raises(ValueError, match="column sums need floats"):
        call((2, 2, 3, 4, 1, 0, 0, 0, 0, 0, 0), f(12), f(3))
    with pytest.raises(ValueError, match="output"):
        call((1, 2, 3, 4, 1, 0, 0, 0, 0, 0, 0), f(6), f(2))
    with pytest.raises(ValueError, match="dtype"):
        call((1, 2, 3, 4, 1, 0, 0, 0, 0, 0, 0), f(6), ("float64", 24))
    ones = (1, 1, 4, 1, 1, 4, 1, 1, 3, 1, 1, 1, 1, 1, 1, 0, 0, 1)
    with pytest.raises(ValueError, match="outputs"):
        make_plan("conv", (f(8), f(12)), (f(8), f(2)), spec_of("conv", (1, 2, 2, 1, 0, 0, *ones)))
    with pytest.raises(ValueError, match="output"):
        make_plan("conv_filter_grad", (f(8), f(8)), (f(12), f(1)), spec_of("conv_filter_grad", (1, 2, 2, 1, 0, 0, *ones)))
