"""Fixtures of the CUDA tests without a GPU: the device of tests/cuda_shim as "gpu:0", and the real driver on stand-ins."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # cuda_shim
sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))  # case tables
sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))  # window_reference
sys.path.append(str(Path(__file__).parents[2]))  # benchmarks

from cuda_shim import device as shim
from fake_driver import FakeCompiler, fake_driver

from kerasgpu import config
from kerasgpu.engine import device as devices
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import nvrtc


@pytest.fixture(scope="session")
def shim_driver():
    if shim.compiler() is None:
        pytest.skip("no C++ compiler to build the kernels for the CPU")
    return shim.ShimDriver()


@pytest.fixture
def gpu(shim_driver):
    """The shim as gpu:0. New tensors stay on the CPU unless a test says otherwise. float32 products are exact (no TF32)."""
    before = drivers.install(shim_driver)
    tf32 = config.is_tf32_enabled()
    config.disable_tf32()
    shim_driver.schedule = shim.FORWARD
    devices.forget()
    yield shim_driver
    if tf32:
        config.enable_tf32()
    drivers.install(before)
    devices.forget()


@pytest.fixture
def on_gpu(gpu):
    """The same, and new tensors are made there."""
    with devices.device("gpu:0"):
        yield gpu


@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """A stand-in for NVRTC, with a cache folder of its own."""
    monkeypatch.setenv("KERASGPU_CACHE", str(tmp_path / "cache"))
    one = FakeCompiler()
    monkeypatch.setattr(nvrtc, "load", lambda most=99: one)
    return one


@pytest.fixture
def driver(compiler):
    return fake_driver()


@pytest.fixture
def installed(driver):
    """The same, in use."""
    before = drivers.install(driver)
    yield driver
    drivers.install(before)
