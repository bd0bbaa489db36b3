"""relu_grad as an epilogue of products and input gradients on the shim: the bits of the separate kernel, whatever makes the product."""

import numpy as np
import pytest
from test_cuda_conv import CASES, use  # noqa: F401  `use` is a fixture
from test_cuda_conv import small as small_tile
from test_gemm_tiles import DTYPES, KINDS, SCHEDULES, force, put  # noqa: F401  `force` is a fixture

from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels.gpu.plans import gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

MASKED = 2


def mask_of(rng, shape, dtype):
    """Positive, negative, and all that is neither."""
    y = rng.normal(size=shape).astype(dtype)
    flat = y.reshape(-1)
    for k, special in enumerate((0.0, -0.0, np.nan, np.inf, -np.inf)):
        flat[k::17] = special
    return y


def same_bits(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    np.testing.assert_array_equal(a.view(f"u{a.dtype.itemsize}"), b.view(f"u{b.dtype.itemsize}"))


def check(dtype, m, n, k, batch=1, ta=False, tb=False, bias=0, alpha=1.0):
    rng = np.random.default_rng(m + n + k)
    make = lambda *s: put(rng.normal(size=s).astype(DTYPES[dtype]))
    a, b, extra = make(batch, m, k), make(batch, k, n), [make(n if bias == 1 else m)] if bias else []
    y = put(mask_of(rng, (batch, m, n), DTYPES[dtype]))
    ints = (batch, m, n, k, ta, tb, m * k, k * n, bias)
    plain, out = put(np.zeros((batch, m, n), DTYPES[dtype])), put(np.zeros((batch, m, n), DTYPES[dtype]))
    cuda.launch("gemm", (a, b, *extra), (plain,), spec_of("gemm", (*ints, 0, 0), (alpha,)))
    cuda.launch("gemm", (a, b, *extra, y), (out,), spec_of("gemm", (*ints, MASKED, 0), (alpha,)))
    same_bits(out.get(), ew.relu_grad(plain, y).get())
    assert (out.get() == 0).any()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", [*KINDS, ("turing", "float16")])
def test_every_arithmetic(gpu, force, kind, dtype, schedule):  # noqa: F811
    gpu.schedule = schedule
    tile = gemm_table.TILES[kind][-1]
    for splits in (1, 3):
        force(kind, tile.name, splits)
        check(dtype, tile.m + 3, tile.n + 5, 5 * tile.k + 1, tb=True)  # elements one by one
        check(dtype, tile.m + 8, tile.n + 8, 4 * tile.k, ta=True, bias=1)
        check(dtype, 8, 12, 3 * tile.k, batch=3, bias=2, alpha=-0.5)


@pytest.mark.parametrize("kind,dtype", [("half", "bfloat16"), ("tf32", "float32")])
def test_hopper(gpu, force, kind, dtype):  # noqa: F811
    tiles = [min(gemm_table.WGMMA[kind], key=lambda t: t.m * t.n), *gemm_table.BOXES.get(kind, ())[-1:]]
    for tile in tiles:
        for gpu.schedule, splits in zip(SCHEDULES, (1, 2, 1, 2)):
            force(kind, tile.name, splits)
            check(dtype, tile.m + 8, tile.n + 16, 5 * tile.k, tb=True, bias=splits % 2)
            check(dtype, 24, 40, 4 * tile.k, batch=2, tb=True)


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_integers(gpu, dtype):
    rng = np.random.default_rng(0)
    a, b, y = (rng.integers(0, 5, s).astype(dtype) for s in ((9, 7), (7, 11), (9, 11)))
    if dtype == "int32":
        y -= 2
    out = put(np.zeros((9, 11), dtype))
    cuda.launch("gemm", (put(a), put(b), put(y)), (out,), spec_of("gemm", (1, 9, 11, 7, 0, 0, 0, 0, 0, MASKED, 0), (1.0,)))
    np.testing.assert_array_equal(out.get(), np.where(y > 0, gemm.gemm(a, b), 0))


def test_what_is_not_allowed():
    f = lambda n: ("float32", 4 * n)
    call = lambda ins, ints: make_plan("gemm", ins, (f(6),), spec_of("gemm", (1, 2, 3, 4, 0, 0, 0, 0, *ints), (1.0,)))
    with pytest.raises(ValueError, match="cannot be combined with accumulate"):
        call((f(8), f(12), f(6)), (0, MASKED, 1))
    with pytest.raises(ValueError, match="input"):
        call((f(8), f(12), f(5)), (0, MASKED, 0))
    with pytest.raises(ValueError, match="inputs"):
        call((f(8), f(12)), (0, MASKED, 0))
    with pytest.raises(ValueError, match="dtype"):
        call((f(8), f(12), ("float64", 48)), (0, MASKED, 0))
    window = (1, 1, 4, 1, 1, 4, 1, 1, 3, 1, 1, 1, 1, 1, 1, 0, 0, 1)
    with pytest.raises(ValueError, match="activation"):
        make_plan("conv", (f(8), f(12), f(8)), (f(8),), spec_of("conv", (1, 2, 2, 1, 0, MASKED, *window)))
    with pytest.raises(ValueError, match="input"):
        make_plan("conv_input_grad", (f(8), f(12), f(7)), (f(8),), spec_of("conv_input_grad", (1, 2, 2, 1, 0, MASKED, *window)))


def masked_gradient(dtype, case, bias):
    w, batch, channels, filters, groups = case
    rng = np.random.default_rng(channels)
    make = lambda *s: put(rng.normal(size=s).astype(DTYPES[dtype]))
    dy, f, extra = (
        make(batch, *w.count, filters),
        make(*w.kernel, channels // groups, filters),
        [make(channels)] if bias else [],
    )
    shape = (batch, *w.size, channels)
    y = put(mask_of(rng, shape, DTYPES[dtype]))
    plain, out = put(np.ones(shape, DTYPES[dtype])), put(np.ones(shape, DTYPES[dtype]))
    sizes = (batch, channels, filters, groups, int(bias))
    cuda.launch("conv_input_grad", (dy, f, *extra), (plain,), spec_of("conv_input_grad", (*sizes, 0, *w.ints())))
    cuda.launch("conv_input_grad", (dy, f, *extra, y), (out,), spec_of("conv_input_grad", (*sizes, MASKED, *w.ints())))
    same_bits(out.get(), ew.relu_grad(plain, y).get())


@pytest.mark.parametrize("name", CASES)
def test_every_window(gpu, use, name):  # noqa: F811
    use("tf32")
    masked_gradient("float32", CASES[name], name.startswith("o"))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", KINDS)
def test_every_arithmetic_of_convolutions(gpu, use, kind, dtype, schedule):  # noqa: F811
    gpu.schedule = schedule
    for splits in (1, 2):
        use(kind, small_tile(kind), splits)
        masked_gradient(dtype, CASES["3x3"], True)
        masked_gradient(dtype, CASES["odd channels"], False)
    use(kind, small_tile(kind))
    masked_gradient(dtype, CASES["stride 2"], False)
