"""Every tile of gemm_table on the shim: odd sizes, transposes, epilogues and stretches of k under all schedules, beside float64."""

import ml_dtypes
import numpy as np
import pytest
from cuda_shim import device as shim

from kerasgpu import config
from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels.gpu.plans import gemm as planned
from kerasgpu.kernels.gpu.plans import gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

SCHEDULES = [shim.FORWARD, shim.REVERSE, shim.RANDOM, shim.TURNS]
DTYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
KINDS = [("tf32", "float32"), ("simt", "float32"), ("half", "bfloat16"), ("half", "float16"), ("double", "float64")]
EVERY = [(kind, dtype, tile) for kind, dtype in KINDS for tile in gemm_table.TILES[kind]]
EVERY = [e for e in EVERY if e[1] != "float16" or e[2].m >= 128]  # the code of float16 is that of bfloat16
EVERY += [("turing", "float16", tile) for tile in gemm_table.TILES["turing"]]
# Relative to the sum of the products' absolute values: TF32 and the half types round each factor or the result once.
ERROR = {"tf32": 2**-10, "simt": 2e-6, "double": 1e-14, "half": 2**-8, "turing": 2**-10}


@pytest.fixture
def force(gpu, monkeypatch):
    """Use one tile: force(kind, name, stretches)."""

    def choose(kind, name, splits=1):
        monkeypatch.setattr(gemm_table, "forced", (name, splits))
        monkeypatch.setattr(type(gpu), "capability", lambda self: (7, 5) if kind == "turing" else (9, 0))
        (config.disable_tf32 if kind == "simt" else config.enable_tf32)()
        cuda.forget()

    before = config.is_tf32_enabled()
    yield choose
    (config.enable_tf32 if before else config.disable_tf32)()
    cuda.forget()


def put(x):
    return cuda.put(np.ascontiguousarray(x), ("gpu", 0))


def check(kind, dtype, m, n, k, batch=(), ta=False, tb=False, bias=None, relu=False, alpha=1.0, accumulate=False):
    rng = np.random.default_rng(m * 7 + n * 3 + k)
    make = lambda *s: rng.normal(size=s).astype(DTYPES[dtype])
    a, b = make(*batch, *((k, m) if ta else (m, k))), make(*batch, *((n, k) if tb else (k, n)))
    extra = None if bias is None else make(n) if bias == "column" else make(m, 1)
    start = make(*batch, m, n)
    out = put(start)
    gemm.gemm(
        put(a), put(b), None if extra is None else put(extra), transpose_a=ta, transpose_b=tb, alpha=alpha,
        activation="relu" if relu else None, out=out, accumulate=accumulate,
    )  # fmt: skip
    left, right = [np.float64(x) for x in (a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b)]
    want = alpha * (left @ right) + (0 if extra is None else np.float64(extra))
    size = abs(alpha) * (abs(left) @ abs(right)) + 1
    if relu:
        want = np.maximum(want, 0)
    if accumulate:
        want = want + np.float64(start)
    error = abs(np.float64(out.get()) - want) / size
    assert error.max() < ERROR[kind] * (4 if dtype == "bfloat16" else 1), (error.max(), np.argwhere(error > ERROR[kind])[:5])


@pytest.mark.slow
@pytest.mark.parametrize("kind,dtype,tile", EVERY, ids=lambda v: getattr(v, "name", v))
def test_every_tile(gpu, force, kind, dtype, tile):
    """Each schedule once for a tile; ways of the operands in turn."""
    force(kind, tile.name)
    number = EVERY.index((kind, dtype, tile))
    ta, tb = number % 2 == 1, number // 2 % 2 == 1
    for schedule in SCHEDULES[number % 2 :: 2]:
        gpu.schedule = schedule
        check(kind, dtype, tile.m + 3, tile.n + 5, 2 * tile.k + 7, ta=ta, tb=tb)  # elements one by one
        check(kind, dtype, tile.m + 8, tile.n + 16, 5 * tile.k + 8, ta=not ta, tb=tb)  # 16 bytes at once


SMALL = {kind: min(tiles, key=lambda t: t.m * t.n * t.k) for kind, tiles in gemm_table.TILES.items()}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", KINDS)
def test_every_way_of_the_operands(gpu, force, kind, dtype, schedule):
    gpu.schedule = schedule
    tile = SMALL[kind]
    force(kind, tile.name)
    for ta in (False, True):
        for tb in (False, True):
            check(kind, dtype, tile.m + 8, tile.n + 8, 3 * tile.k + 16, ta=ta, tb=tb)


@pytest.mark.parametrize("kind,dtype", KINDS + [("turing", "float16")])
def test_epilogues_batches_and_small_sizes(gpu, force, kind, dtype):
    force(kind, gemm_table.TILES[kind][-1].name)
    for m, n, k in [(1, 1, 1), (5, 33, 3), (17, 2, 70)]:
        for ta in (False, True):
            check(kind, dtype, m, n, k, batch=(3,), ta=ta, tb=not ta, bias="column", relu=True)
            check(kind, dtype, m, n, k, batch=(2,), ta=ta, tb=ta, alpha=-0.5, bias="row", accumulate=True)
    check(kind, dtype, 40, 36, 0, bias="row", relu=True)
    check(kind, dtype, 24, 40, 64, batch=(2, 2), bias="column", relu=True, accumulate=True)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind,dtype", KINDS)
def test_stretches_of_k(gpu, force, kind, dtype, schedule):
    gpu.schedule = schedule
    tile = gemm_table.TILES[kind][-1]
    for splits in (2, 3):
        force(kind, tile.name, splits)
        check(kind, dtype, tile.m + 5, tile.n + 7, 5 * tile.k + 1, ta=True, bias="column", relu=True, alpha=2.0)
        check(kind, dtype, 8, 12, 4 * tile.k, batch=(3,), bias="row", accumulate=True)


def test_results_are_the_same_on_every_run(gpu, force):
    a, b = np.random.default_rng(0).normal(size=(2, 40, 300)).astype("float32")
    force("tf32", gemm_table.TILES["tf32"][-1].name, 3)
    bits = []
    for schedule in SCHEDULES:
        gpu.schedule = schedule
        bits.append(gemm.gemm(put(a), put(b), transpose_b=True).get())
    assert all(np.array_equal(bits[0], x) for x in bits[1:])


def test_nan_and_infinity_come_through(gpu, force):
    for kind in ("tf32", "simt"):
        force(kind, gemm_table.TILES[kind][-1].name)
        a = np.array([[np.nan, 1], [np.inf, 1], [1, 1]], "float32")
        got = gemm.gemm(put(a), put(np.eye(2, dtype="float32") + 1), activation="relu").get()
        assert np.isnan(got[0]).all() and np.isposinf(got[1]).all() and (got[2] == 3).all()


SHAPES = [(m, n, k, b) for m in (1, 32, 1000, 8192) for n in (1, 128, 4096) for k in (1, 784, 100000) for b in (1, 256)]


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 6), (9, 0), (12, 0)])
@pytest.mark.parametrize("kind", gemm_table.TILES)
def test_choices_fit_every_chip(gpu, monkeypatch, kind, capability):
    if (kind in ("tf32", "half")) and capability < (8, 0):
        return
    monkeypatch.setattr(type(gpu), "capability", lambda self: capability)
    limit = {(7, 5): 64, (8, 0): 163, (9, 0): 227}.get(capability, 99) << 10
    for m, n, k, batch in SHAPES:
        choice = gemm_table.choose(kind, m, n, k, batch)
        assert choice.tile.shared({"tf32": 4, "simt": 4, "double": 8}.get(kind, 2)) <= limit
        assert choice.tile.threads <= 1024
        assert choice.stretch % choice.tile.k == 0
        assert (choice.splits - 1) * choice.stretch < k <= choice.splits * choice.stretch


def test_chips_without_tf32(gpu, monkeypatch):
    config.enable_tf32()
    call = lambda d, b: make_plan(
        "gemm", ((d, 4096 * b),) * 2, ((d, 4096 * b),), spec_of("gemm", (1, 64, 64, 64) + (0,) * 7, (1.0,))
    )
    monkeypatch.setattr(type(gpu), "capability", lambda self: (7, 5))
    for dtype, item, mma in [("float32", 4, "0"), ("bfloat16", 2, "0"), ("float16", 2, "1")]:
        assert dict(call(dtype, item).launches[0].defines)["KG_MMA"] == mma
    monkeypatch.setattr(type(gpu), "capability", lambda self: (8, 0))
    assert dict(call("float32", 4).launches[0].defines)["KG_MMA"] == "1"
    assert call("int32", 4).launches[0].source == "gemm.cu"


def test_sizes_beyond_32_bits_use_the_plain_kernel(gpu):
    m = 1 << 31
    plan = make_plan(
        "gemm", (("float16", 2 * m), ("float16", 2)), (("float16", 2 * m),), spec_of("gemm", (1, m, 1, 1) + (0,) * 7, (1.0,))
    )
    assert plan.launches[0].source == "gemm.cu"
    assert planned.MOST_BLOCKS >= plan.launches[0].grid[0]


def test_batches_beyond_a_grid_are_several_launches(gpu, force):
    force("simt", gemm_table.TILES["simt"][-1].name)
    a = np.random.default_rng(0).normal(size=(70000, 1, 1)).astype("float32")
    np.testing.assert_array_equal(gemm.gemm(put(a), put(a)).get(), a * a)
