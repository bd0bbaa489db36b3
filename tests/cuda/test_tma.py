"""Products whose panels come as boxes: on the shim beside float64, with faults that must show, and how tensor maps are made."""

import ctypes
import re

import ml_dtypes
import numpy as np
import pytest
from cuda_shim import device as shim
from test_cuda_conv import ints, window
from test_gemm_tiles import SCHEDULES, check, force, put  # noqa: F401  `force` is a fixture
from test_shim import write

from kerasgpu.kernels import gemm
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import libcuda, sources
from kerasgpu.kernels.gpu.driver.launch import Box
from kerasgpu.kernels.gpu.plans import gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

TILE = gemm_table.BOXES["half"][-1]
WAYS = [(False, False), (False, True), (True, False), (True, True)]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_every_way_of_the_operands(gpu, force, dtype):  # noqa: F811
    force("half", TILE.name)
    for gpu.schedule, (ta, tb) in zip(SCHEDULES, WAYS):
        check("half", dtype, 136, 144, 8 * 64 + 16, ta=ta, tb=tb)  # edges everywhere; the ring goes round


@pytest.mark.slow
@pytest.mark.parametrize("tile", gemm_table.BOXES["half"], ids=lambda t: t.name)
def test_every_tile(gpu, force, tile):  # noqa: F811
    force("half", tile.name)
    for gpu.schedule, (ta, tb) in zip(SCHEDULES[::-1], WAYS):
        check("half", "bfloat16", tile.m + 8, tile.n + 16, 7 * 64 - 8, ta=ta, tb=tb)


def test_batches_epilogues_and_stretches(gpu, force):  # noqa: F811
    force("half", TILE.name)
    check("half", "bfloat16", 24, 40, 64, batch=(2, 2), bias="column", relu=True, accumulate=True)
    check("half", "bfloat16", 8, 16, 8, batch=(2,), ta=True, alpha=-0.5, bias="row")
    check("half", "bfloat16", 40, 32, 0, bias="row")  # nothing to copy: other tiles
    check("half", "bfloat16", 5, 33, 3)  # rows that do not begin at multiples of 16 bytes
    force("half", TILE.name, 3)
    check("half", "bfloat16", 136, 136, 5 * 64 + 8, tb=True, bias="column", relu=True)


def test_an_operand_that_all_entries_share(gpu, force):  # noqa: F811
    force("half", TILE.name)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(16, 32)).astype(ml_dtypes.bfloat16), rng.normal(size=(3, 32, 24)).astype(ml_dtypes.bfloat16)
    out = put(np.zeros((3, 16, 24), ml_dtypes.bfloat16))
    from kerasgpu.kernels import cuda

    gpu.launches.clear()
    gpu.log = True
    cuda.launch("gemm", (put(a), put(b)), (out,), spec_of("gemm", (3, 16, 24, 32, 0, 0, 0, 32 * 24, 0, 0, 0), (1.0,)))
    gpu.log = False
    assert dict(gpu.launches[-1].defines)["KG_MMA"] == "3"
    np.testing.assert_allclose(out.get().astype("float32"), np.float32(a) @ np.float32(b), rtol=0.02, atol=0.05)


# What is changed in gemm_tma.cuh, and what must be said unless results are just wrong.
FAULTS = {
    "slots are given back too early": (
        r"wgmma_wait<1>\(\);\n\s*barrier_arrive\(empty \+ before, s > 0\);", "barrier_arrive(empty + slot, true);\nwgmma_wait<1>();",
        "overwritten",
    ),
    "slots are not given back": (r"barrier_arrive\(empty \+ before, s > 0\);", "", "never comes"),
    "nobody waits for a full slot": (r"barrier_wait\(full \+ slot, phase\);", "", None),
    "nobody waits for an empty slot": (r"barrier_wait\(empty \+ slot, phase \^ 1\);", "", None),
    "too few bytes are announced": (r"PanelA::kBytes \+ Tile::PanelB::kBytes\);", "PanelA::kBytes);", None),
    "too many bytes are announced": (r"PanelB::kBytes\);", "PanelB::kBytes + 16);", "never comes"),
    "the wrong phase": (r"barrier_wait\(full \+ slot, phase\);", "barrier_wait(full + slot, phase ^ 1);", None),
    "too many readers": (r"kReaders = Tile::kThreads / 32", "kReaders = Tile::kThreads / 16", "never comes"),
    "barriers are not made": (r"barrier_init\(full \+ s, 1\);", "", "no barrier"),
    "panels are not aligned": (r"shared \+= -shared_address\(shared\) & 1023u;", "", "not aligned"),
    "blocks of a wide panel": (r"panel \+ at \* 64", "panel + at * 32", None),
    "sums are not waited for": (r"wgmma_wait<0>\(\);", "", "never waited"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_faults_show(tmp_path, gpu, force, name):  # noqa: F811
    what, by, message = FAULTS[name]
    force("half", TILE.name)
    rng = np.random.default_rng(0)
    a, b = (
        rng.integers(-8, 8, (128, 768)).astype(ml_dtypes.bfloat16),
        rng.integers(-8, 8, (768, 128)).astype(ml_dtypes.bfloat16),
    )
    want = np.float32(a) @ np.float32(b)
    text = (shim.Path(sources.root()) / "cuda" / "gemm_tma.cuh").read_text()
    changed, count = re.subn(what, by, text)
    assert count == 1, f"gemm_tma.cuh has {count} places like {what}"
    write(tmp_path / "csrc", "gemm_tma.cuh", changed)
    broken = shim.ShimDriver(folder=tmp_path / "built", root=tmp_path / "csrc")
    before = drivers.install(broken)
    found = []
    try:
        for broken.schedule in SCHEDULES:
            try:
                got = gemm.gemm(put(a), put(b)).get().astype("float32")
            except shim.BarrierError as error:
                found.append(str(error))
            else:
                if not np.allclose(got, want, rtol=1e-2, atol=1e-2):
                    found.append("wrong result")
    finally:
        drivers.install(before)
    assert found, f"nothing shows: {name}"
    assert message is None or any(message in f for f in found), found


def test_convolutions_have_no_boxes(gpu, force):  # noqa: F811
    force("half", TILE.name)
    w = window((8, 8), (3, 3), before=1)
    n = 2 * 64 * 64
    plan = make_plan(
        "conv",
        (("bfloat16", 2 * n), ("bfloat16", 2 * 9 * 64 * 64)),
        (("bfloat16", 2 * n),),
        spec_of("conv", ints(w, 2, 64, 64)),
    )
    assert all(dict(one.defines).get("KG_MMA") != "3" for one in plan.launches)


class Maps:
    """libcuda with one function, which keeps what it was given."""

    def cuTensorMapEncodeTiled(self, to, kind, rank, address, sizes, strides, box, steps, interleave, swizzle, promotion, fill):
        self.aligned = to.value % 64 == 0
        self.given = (
            kind,
            rank,
            address.value,
            list(sizes),
            list(strides),
            list(box),
            list(steps),
            interleave,
            swizzle,
            promotion,
            fill,
        )
        ctypes.memset(to, 7, 128)
        return 0


def test_the_driver_makes_tensor_maps():
    lib = Maps()
    made = libcuda.LibCuda(lib).tensor_map(Box("bfloat16", (96, 40, 3), (192, 7680), (64, 128)), 0x1000)
    assert made == bytes([7]) * 128 and lib.aligned
    assert lib.given == (9, 3, 0x1000, [96, 40, 3], [192, 7680], [64, 128, 1], [1, 1, 1], 0, 3, 3, 0)


def test_a_launch_has_the_maps_of_its_addresses(gpu, force):  # noqa: F811
    force("half", TILE.name)
    operand = ("bfloat16", 128 * 128 * 2)
    (one,) = make_plan("gemm", (operand, operand), (operand,), spec_of("gemm", (1, 128, 128, 128) + (0,) * 7, (1.0,))).launches
    assert one.block == (TILE.threads + 128, 1, 1) and len(one.params) % 64 == 0
    (at_a, k_a, box_a), (at_b, k_b, box_b) = one.maps
    assert (k_a, k_b) == (0, 1) and at_a % 64 == at_b % 64 == 0
    assert box_a.box == (64, 128) and box_b.box == (64, 64)
    filled = one.fill([0x1000, 0x2000], [0x3000], 0)
    assert filled[at_a : at_a + 128] == gpu.tensor_map(box_a, 0x1000)
    assert filled[at_b : at_b + 128] == gpu.tensor_map(box_b, 0x2000)


def test_a_program_makes_maps_anew_when_it_is_given_other_arrays(gpu, force):  # noqa: F811
    from kerasgpu.kernels.gpu.graph.program import Program

    force("half", TILE.name)
    rng = np.random.default_rng(0)
    make = lambda: rng.integers(-3, 4, (64, 64)).astype(ml_dtypes.bfloat16)
    x, y, w = make(), make(), make()
    program = Program(0)
    out = put(np.zeros((64, 64), ml_dtypes.bfloat16))
    given, weights, result = program.add_buffer(put(x)), program.add_buffer(put(w)), program.add_buffer(out)
    program.add_call("gemm", [given, weights], [result], spec_of("gemm", (1, 64, 64, 64) + (0,) * 7, (1.0,)))
    for one in (x, y, x):
        program.rebind(given, put(one))
        program.run()
        np.testing.assert_array_equal(out.get().astype("float32"), (np.float32(one) @ np.float32(w)).astype(ml_dtypes.bfloat16))
