"""GPUs of different kinds in one machine: a plan is made for the chip that runs it, and shared by those alike."""

import pytest
from fake_driver import fake_driver

from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.spec import read as spec_of

HALF = ("bfloat16", 2 * 512 * 512)
PRODUCT = ("gemm", (HALF, HALF), (HALF,), spec_of("gemm", (1, 512, 512, 512) + (0,) * 7, (1.0,)))


@pytest.fixture
def three(compiler):
    """An H100, a small Blackwell and another H100."""
    before = drivers.install(fake_driver(devices=3, capability=[(9, 0), (12, 0), (9, 0)]))
    tensor_cores.set_products("wgmma")
    yield drivers.current()
    tensor_cores.set_products(None)
    drivers.install(before)


def test_a_product_is_planned_for_its_gpu(three):
    hopper, blackwell, again = (cuda.plan_for(*PRODUCT, index=k) for k in range(3))
    kind = lambda plan: dict(plan.launches[0].defines)["KG_MMA"]
    assert kind(hopper) in "23" and kind(blackwell) == "1"  # wgmma is Hopper's alone
    assert blackwell.launches[0].shared <= 99 << 10
    assert again is hopper and cuda.plan_for(*PRODUCT, index=1) is blackwell


def test_what_is_planned_for_no_gpu_in_particular_suits_all(three):
    assert three.capability() == (9, 0)
    with drivers.planning(1):
        assert three.capability() == (12, 0)
        with drivers.planning(2):
            assert three.capability() == (9, 0)
        assert three.capability() == (12, 0) and drivers.planned_gpu() == 1
    assert drivers.planned_gpu() is None
