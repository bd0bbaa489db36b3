"""Tests that need a GPU (`pytest -m gpu`). Without one, or without what it needs, every one is skipped with the reason."""

import sys
from pathlib import Path

import pytest

for folder in ("ops", "kernels", "cuda", ""):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from kerasgpu.engine import device as devices  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def a_gpu():
    count, why = devices.gpu_count()
    if not count:
        pytest.skip(f"no GPU: {why}")


@pytest.fixture
def on_gpu(a_gpu):
    with devices.device("gpu:0"):
        yield
