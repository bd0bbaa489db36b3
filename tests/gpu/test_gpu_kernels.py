"""The kernel tests of tests/cuda on the GPU instead of the shim: the same calls against the CPU kernels."""

import inspect

import pytest
import test_conv_direct_cuda
import test_cuda_movement
import test_depthwise_cuda
import test_foundation
import test_sampling_cuda
import test_training_kernels

pytestmark = pytest.mark.gpu


class NoShim:
    """Stands where the tests set the shim's schedule."""

    schedule = 0


def kernel_tests(module):
    for name, function in vars(module).items():
        if name.startswith("test_") and "gpu" in inspect.signature(function).parameters:
            marks = [m for m in getattr(function, "pytestmark", []) if m.name == "parametrize"]
            yield pytest.param(function, marks, id=f"{module.__name__}-{name}")


MODULES = (
    test_foundation, test_cuda_movement, test_training_kernels, test_depthwise_cuda, test_sampling_cuda, test_conv_direct_cuda,
)  # fmt: skip
ALL = [p for module in MODULES for p in kernel_tests(module)]


def combinations(marks):
    """The keyword arguments that pytest would call the test with; of the schedules only the first."""
    found = [{}]
    for mark in marks:
        names, values = mark.args
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        if names == ["schedule"]:
            values = list(values)[:1]
        rows = [v if len(names) > 1 else (v,) for v in values]
        found = [{**one, **dict(zip(names, row))} for one in found for row in rows]
    return found


@pytest.mark.parametrize("function, marks", ALL)
def test_kernels(on_gpu, function, marks, monkeypatch):
    wants = inspect.signature(function).parameters
    extra = {"monkeypatch": monkeypatch} if "monkeypatch" in wants else {}
    for keywords in combinations(marks):
        function(gpu=NoShim(), **extra, **keywords)
