"""Hopper's tiles on a GPU of compute capability 9.0 beside float64: every tile, every way of the operands, convolutions, TF32."""

import ml_dtypes
import numpy as np
import pytest
from test_cuda_conv import CASES
from test_cuda_conv import check as check_conv
from test_gemm_tiles import check, put

from kerasgpu import config
from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.plans import gemm_table

pytestmark = pytest.mark.gpu
WAYS = [(False, False), (False, True), (True, False), (True, True)]
TILES = [(kind, dtype, tile) for kind, dtype in (("half", "bfloat16"), ("half", "float16"), ("tf32", "float32"))
         for tile in gemm_table.WGMMA[kind] + gemm_table.BOXES.get(kind, ())]  # fmt: skip


@pytest.fixture
def force(on_gpu, monkeypatch):
    """Use one tile: force(tile, stretches)."""
    if drivers.current().capability() != gemm_table.WGMMA_CHIP:
        pytest.skip("needs compute capability 9.0")

    def choose(tile, splits=1):
        monkeypatch.setattr(gemm_table, "forced", (tile.name, splits))
        config.enable_tf32()
        cuda.forget()

    before = config.is_tf32_enabled()
    yield choose
    (config.enable_tf32 if before else config.disable_tf32)()
    cuda.forget()


@pytest.mark.parametrize("kind,dtype,tile", TILES, ids=lambda v: getattr(v, "name", v))
def test_every_tile(force, kind, dtype, tile):
    for ta, tb in WAYS:
        force(tile)
        check(kind, dtype, tile.m + 8, 2 * tile.n + 16, 9 * tile.k + 8, ta=ta, tb=tb, bias="column", relu=True)
        check(kind, dtype, tile.m, tile.n, tile.k, batch=(3,), ta=ta, tb=tb, alpha=0.5, accumulate=True)
        force(tile, 3)
        check(kind, dtype, 3 * tile.m - 8, tile.n - 8, 40 * tile.k, ta=ta, tb=tb)


@pytest.mark.parametrize("kind,dtype,tile", TILES, ids=lambda v: getattr(v, "name", v))
def test_results_are_exact_and_the_same_on_every_run(force, kind, dtype, tile):
    """Small whole numbers have exact sums; a race would show in one of many runs of many blocks."""
    force(tile)
    rng = np.random.default_rng(0)
    kinds = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16, "float32": np.float32}
    a, b = (rng.integers(-1, 2, shape).astype(kinds[dtype]) for shape in ((2048, 1024), (1024, 2048)))
    on_a, on_b, want = put(a), put(b), (np.float32(a) @ np.float32(b)).astype(kinds[dtype])
    for _ in range(5):
        np.testing.assert_array_equal(gemm.gemm(on_a, on_b).get(), want)


@pytest.mark.parametrize("kind,dtype", [("half", "bfloat16"), ("tf32", "float32")])
def test_convolutions(force, kind, dtype):
    for tile in gemm_table.WGMMA[kind][-2:]:
        for splits in (1, 3):
            force(tile, splits)
            for name in ("3x3", "stride 2", "groups", "odd channels", "dilated", "1x1"):
                check_conv(kind, dtype, CASES[name])


@pytest.mark.parametrize("ta,tb", WAYS)
def test_floats_are_rounded_to_tf32(force, ta, tb):
    force(gemm_table.WGMMA["tf32"][-1])
    rng = np.random.default_rng(1)
    a, b = (
        rng.uniform(0.5, 1, shape).astype("float32") for shape in ((96, 64) if ta else (64, 96), (72, 96) if tb else (96, 72))
    )
    got = gemm.gemm(put(a), put(b), transpose_a=ta, transpose_b=tb).get()
    to = lambda x: ((x.view("uint32") + 0x1000) & 0xFFFFE000).view("float32").astype("float64")
    left, right = to(a).T if ta else to(a), to(b).T if tb else to(b)
    np.testing.assert_allclose(got, left @ right, rtol=2e-5)
