"""Hopper's tiles on the shim: every way of the operands, epilogues, stretches of k, convolutions, and which product gets them."""

import ml_dtypes
import numpy as np
import pytest
from test_cuda_conv import CASES as CONVOLUTIONS
from test_cuda_conv import check as check_conv
from test_cuda_conv import use  # noqa: F401  a fixture
from test_gemm_tiles import SCHEDULES, check, force, put  # noqa: F401  `force` is a fixture

from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels.gpu.plans import gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

KINDS = [("half", "bfloat16"), ("half", "float16"), ("tf32", "float32")]
SMALL = {kind: min(tiles, key=lambda t: t.m * t.n) for kind, tiles in gemm_table.WGMMA.items()}
EVERY = [(kind, dtype, tile) for kind, dtype in KINDS for tile in gemm_table.WGMMA[kind] if dtype != "float16"]
WAYS = [(False, False), (False, True), (True, False), (True, True)]


@pytest.mark.parametrize("kind,dtype", KINDS)
def test_every_way_of_the_operands(gpu, force, kind, dtype):  # noqa: F811
    tile = SMALL[kind]
    force(kind, tile.name)
    for gpu.schedule, (ta, tb) in zip(SCHEDULES, WAYS):
        check(kind, dtype, tile.m + 8, tile.n + 16, 5 * tile.k + 8, ta=ta, tb=tb)  # the ring goes round


@pytest.mark.slow
@pytest.mark.parametrize("kind,dtype,tile", EVERY, ids=lambda v: getattr(v, "name", v))
def test_every_tile(gpu, force, kind, dtype, tile):  # noqa: F811
    number = EVERY.index((kind, dtype, tile))
    force(kind, tile.name)
    for turn, (ta, tb) in enumerate(WAYS):
        gpu.schedule = SCHEDULES[(turn + number) % 4]
        check(kind, dtype, tile.m + 8, tile.n + 8, 6 * tile.k - 8, ta=ta, tb=tb)
    check(kind, dtype, tile.m + 3, tile.n + 5, tile.k + 7, ta=number % 2 == 0, tb=number // 2 % 2 == 0)  # elements one by one


@pytest.mark.parametrize("kind,dtype", KINDS)
def test_epilogues_batches_and_stretches(gpu, force, kind, dtype):  # noqa: F811
    name, k = SMALL[kind].name, SMALL[kind].k
    force(kind, name)
    check(kind, dtype, 24, 40, k, batch=(2, 2), bias="column", relu=True, accumulate=True)
    check(kind, dtype, 5, 33, 3, batch=(2,), ta=True, alpha=-0.5, bias="row", accumulate=True)
    check(kind, dtype, 40, 36, 0, bias="row", relu=True)
    for splits in (2, 3):
        force(kind, name, splits)
        check(kind, dtype, 72, 72, 5 * k + 8, ta=splits == 3, bias="column", relu=True, alpha=2.0)


@pytest.mark.slow
@pytest.mark.parametrize("splits", [1, 3])
@pytest.mark.parametrize("kind,dtype", [KINDS[0], KINDS[2]])
def test_convolutions(gpu, use, kind, dtype, splits):  # noqa: F811
    use(kind, SMALL[kind], splits)
    for gpu.schedule, name in zip(SCHEDULES, ("3x3", "stride 2", "groups", "odd channels")):
        check_conv(kind, dtype, CONVOLUTIONS[name])


def test_a_convolution(gpu, use):  # noqa: F811
    use("half", SMALL["half"])
    check_conv("half", "bfloat16", CONVOLUTIONS["dilated"])


@pytest.mark.parametrize("ta,tb", WAYS)
def test_floats_are_rounded_to_tf32(gpu, force, monkeypatch, ta, tb):  # noqa: F811
    """To the nearest as mma.sync has them, or cut when that is turned off."""
    rng = np.random.default_rng(1)
    a, b = (
        rng.normal(size=(96, 64) if ta else (64, 96)).astype("float32"),
        rng.normal(size=(72, 96) if tb else (96, 72)).astype("float32"),
    )
    for rounded in (True, False):
        monkeypatch.setattr(gemm_tiles, "ROUND", rounded)
        force("tf32", SMALL["tf32"].name)
        got = gemm.gemm(put(a), put(b), transpose_a=ta, transpose_b=tb).get()
        to = lambda x: (((x.view("uint32") + (0x1000 if rounded else 0)) & 0xFFFFE000).view("float32")).astype("float64")  # noqa: B023
        left, right = to(a).T if ta else to(a), to(b).T if tb else to(b)
        assert (abs(got - left @ right) / (abs(left) @ abs(right))).max() < 1e-6


def test_bits_do_not_depend_on_the_schedule(gpu, force):  # noqa: F811
    a, b = (np.random.default_rng(0).normal(size=(2, 64, 320))).astype(ml_dtypes.bfloat16)
    force("half", SMALL["half"].name, 2)
    bits = []
    for schedule in SCHEDULES:
        gpu.schedule = schedule
        bits.append(gemm.gemm(put(a), put(b), transpose_b=True).get().tobytes())
    assert len(set(bits)) == 1


def planned(dtype, n, item, ta=0, tb=0):
    operand = (dtype, n * n * item)
    return dict(
        make_plan("gemm", (operand, operand), (operand,), spec_of("gemm", (1, n, n, n, ta, tb) + (0,) * 5, (1.0,)))
        .launches[0]
        .defines
    )


def test_which_products_get_them(gpu, monkeypatch):
    """Only on compute capability 9.0: by a measured row, or where KERASGPU_GEMM=wgmma and 16 bytes can be copied at once."""
    from kerasgpu import config

    config.enable_tf32()
    before = tensor_cores.products()
    chip = lambda *c: monkeypatch.setattr(type(gpu), "capability", lambda self: c)
    name = SMALL["half"].name
    try:
        for products, capability, n, want in [
            ("auto", (9, 0), 1024, "1"), ("mma", (9, 0), 1024, "1"), ("wgmma", (9, 0), 1024, "2"), ("wgmma", (9, 0), 1001, "1"),
            ("wgmma", (8, 0), 1024, "1"), ("wgmma", (10, 0), 1024, "1"), ("wgmma", (7, 5), 1024, "1"),
        ]:  # fmt: skip
            tensor_cores.set_products(products)
            chip(*capability)
            for dtype, item in [("float16", 2), ("float32", 4), ("bfloat16", 2)]:
                if capability >= (8, 0) or dtype == "float16":
                    assert planned(dtype, n, item)["KG_MMA"] in (want, "3" if want == "2" and item == 2 else want)
        chip(9, 0)
        tensor_cores.set_products("wgmma")
        assert planned("bfloat16", 4096, 2)["KG_MMA"] == "3" and planned("float32", 4096, 4)["KG_MMA"] == "2"
        monkeypatch.setitem(gemm_table.MEASURED, gemm_table.shape_class("half", 1024, 1024, 1024, 1), (name, 1))
        for products, want in [("auto", "2"), ("mma", "1"), ("wgmma", "2")]:
            tensor_cores.set_products(products)
            assert planned("bfloat16", 1024, 2)["KG_MMA"] == want
            assert planned("bfloat16", 1023, 2)["KG_MMA"] == "1"
        assert planned("bfloat16", 1024, 2)["KG_M"] == str(SMALL["half"].m)
    finally:
        tensor_cores.set_products(before)
        cuda.forget()


@pytest.mark.parametrize("tile,mma", [("w128x128x64s4", "2"), ("t128x128x64s6", "3")])
def test_the_product_of_the_self_test(on_gpu, monkeypatch, tile, mma):
    from kerasgpu.cli import info

    monkeypatch.setattr(on_gpu, "launches", [])
    monkeypatch.setattr(on_gpu, "log", True)
    a, b = np.ones((136, 192), "float32"), np.ones((192, 72), "float32")
    np.testing.assert_array_equal(np.asarray(info.by_wgmma(a, b, tile)), a @ b)
    assert any(dict(one.defines).get("KG_MMA") == mma for one in on_gpu.launches)
    assert gemm_table.forced is None


def test_candidates_of_a_benchmark_have_them(gpu, monkeypatch):
    names = {c.tile.name for c in gemm_table.candidates("half", 4096, 4096, 4096, 1)}
    assert {t.name for t in gemm_table.WGMMA["half"]} <= names
    monkeypatch.setattr(type(gpu), "capability", lambda self: (8, 9))
    assert not any(c.tile.wgmma for c in gemm_table.candidates("half", 4096, 4096, 4096, 1))
