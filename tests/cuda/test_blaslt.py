"""Products by cuBLASLt against a stand-in that computes what its column-major descriptors say: the results are those of rows."""

import ctypes

import ml_dtypes
import numpy as np
import pytest
from fake_blaslt import FakeBlasLt
from fake_driver import FakeArray

from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import libraries, modules
from kerasgpu.kernels.gpu.driver import library_calls as vendor
from kerasgpu.kernels.gpu.driver.launch import IN, OUT
from kerasgpu.kernels.gpu.driver.library_calls import LibraryLaunch
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.gpu.plans import gemm_table
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.gpu.vendor import blaslt
from kerasgpu.kernels.spec import read as spec_of


class Memory(FakeArray):
    """An array of the stand-in GPU that really holds values."""

    def __init__(self, value):
        value = np.asarray(value)
        block = np.zeros(value.nbytes + 256, "uint8")
        begin = -block.ctypes.data % 256
        self.value = block[begin : begin + value.nbytes].view(value.dtype).reshape(value.shape)
        self.value[...] = value
        super().__init__(self.value.ctypes.data, value.size, value.dtype)
        self.shape = value.shape


def with_library(driver, **answers):
    driver.library = FakeBlasLt(driver.lib, **answers)
    driver.vendor.found["cublasLt"] = blaslt.Library(driver.library, "/somewhere/libcublasLt.so.12"), ""
    driver.empty = lambda shape, dtype, index: Memory(np.zeros(shape, dtype))
    return driver


@pytest.fixture
def library(installed):
    """The stand-in driver with the stand-in library, and products forced to it."""
    tensor_cores.set_products("cublaslt")
    yield with_library(installed)
    tensor_cores.set_products(None)


def arrays(rng, dtype, batch, m, n, k, ta, tb):
    make = lambda *s: rng.integers(-4, 5, s).astype(dtype)
    a, b = make(batch, *((k, m) if ta else (m, k))), make(batch, *((n, k) if tb else (k, n)))
    return a, b, make(n), make(batch, m, n)


def expected(a, b, bias, c, ta, tb, relu, accumulate, alpha):
    x, y = (v.astype("float64").transpose(0, 2, 1) if t else v.astype("float64") for v, t in ((a, ta), (b, tb)))
    value = alpha * (x @ y) + (0 if bias is None else bias.astype("float64")) + (c.astype("float64") if accumulate else 0)
    return np.maximum(value, 0) if relu else value


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("ta, tb", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("bias, relu, accumulate", [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1)])
def test_rows_by_a_library_of_columns(library, dtype, ta, tb, batch, bias, relu, accumulate):
    m, n, k = 5, 3, 7
    a, b, v, c = arrays(np.random.default_rng(0), dtype, batch, m, n, k, ta, tb)
    ins, out = [Memory(x) for x in ((a, b, v) if bias else (a, b))], Memory(c)
    ints = (batch, m, n, k, ta, tb, m * k, k * n, bias, relu, accumulate)
    cuda.launch("gemm", tuple(ins), (out,), spec_of("gemm", ints, (0.5,)))
    want = expected(a, b, v if bias else None, c, ta, tb, relu, accumulate, 0.5)
    np.testing.assert_allclose(out.value.astype("float64"), want, rtol=1e-2 if np.dtype(dtype).itemsize == 2 else 1e-6)
    tf32 = "tf32" if dtype == "float32" else "float32"
    assert library.library.computed == ["float64" if dtype == "float64" else tf32]
    assert library.library.alignments == [[16] * 4] * 2
    assert "cuLaunchKernel" not in library.lib.calls


def test_without_tf32_float32_is_exact(library):
    from kerasgpu import config

    config.disable_tf32()
    try:
        a = Memory(np.ones((2, 2), "float32"))
        cuda.launch(
            "gemm", (a, a), (Memory(np.zeros((2, 2), "float32")),), spec_of("gemm", (1, 2, 2, 2, 0, 0, 4, 4, 0, 0, 0), (1.0,))
        )
        assert library.library.computed == ["float32"]
    finally:
        config.enable_tf32()


def plan_of(bias_kind=0, relu=0, accumulate=0, k=8, dtype="float32"):
    ins = [(dtype, 4096)] * (3 if bias_kind else 2)
    ints = (1, 8, 8, k, 0, 0, 8 * k, 8 * k, bias_kind, relu, accumulate)
    return make_plan("gemm", tuple(ins), ((dtype, 4096),), spec_of("gemm", ints, (1.0,)))


@pytest.mark.parametrize("other", [{"bias_kind": 2}, {"relu": 1, "accumulate": 1}, {"k": 0}, {"dtype": "int32"}])
def test_what_the_library_cannot_do_is_ours(library, other):
    assert all(not isinstance(one, LibraryLaunch) for one in plan_of(**other).launches)
    assert isinstance(plan_of().launches[0], LibraryLaunch)


@pytest.mark.parametrize("bias", [0, 1])
def test_a_mask_is_laid_over_the_result_by_our_kernel(library, bias):
    ins = [("float32", 4096)] * (3 + bias)
    product, masked = make_plan(
        "gemm", tuple(ins), (("float32", 4096),), spec_of("gemm", (1, 8, 8, 8, 0, 0, 64, 64, bias, 2, 0), (1.0,))
    ).launches
    assert isinstance(product, LibraryLaunch) and not product.work.relu and product.work.bias == bool(bias)
    assert {p[1:3] for p in masked.pointers} == {(IN, 2 + bias), (OUT, 0)}


def test_no_algorithm(installed):
    tensor_cores.set_products("cublaslt")
    try:
        with_library(installed, unsupported=lambda desc: desc.made_with == (70, 1) and desc.attributes[7] == 4)
        assert not isinstance(plan_of(dtype="float64", bias_kind=1).launches[0], LibraryLaunch)
        assert isinstance(plan_of(dtype="float64").launches[0], LibraryLaunch)
        with_library(installed, workspace=1 << 40)
        installed.vendor.on_gpu.clear()
        assert not isinstance(plan_of().launches[0], LibraryLaunch)
    finally:
        tensor_cores.set_products(None)


def test_auto_follows_the_measured_rows(installed, monkeypatch):
    with_library(installed)
    assert not isinstance(plan_of().launches[0], LibraryLaunch)
    monkeypatch.setitem(gemm_table.MEASURED, gemm_table.shape_class("tf32", 8, 8, 8, 1), ("cublaslt", 1))
    assert isinstance(plan_of().launches[0], LibraryLaunch)
    installed.vendor.found["cublasLt"] = None, "cuBLASLt was not found"
    assert not isinstance(plan_of().launches[0], LibraryLaunch)  # a row that names a library that is not there
    for ours in ("mma", "own"):
        monkeypatch.setattr(tensor_cores, "_products", ours)
        assert not isinstance(plan_of().launches[0], LibraryLaunch)


def test_forced_without_the_library(installed, monkeypatch):
    monkeypatch.setattr(tensor_cores, "_products", "cublaslt")
    monkeypatch.setattr(libraries, "candidates", lambda name, majors: ["/nowhere/libcublasLt.so.12"])
    with pytest.raises(RuntimeError, match="KERASGPU_GEMM=cublaslt: .*pip install nvidia-cublas-cu12"):
        plan_of()


def test_too_new_and_too_old_libraries_are_passed_over(monkeypatch):
    numbers = {"a": 130100, "b": 120805, "c": 120100, "d": 110300}
    monkeypatch.setattr(libraries, "candidates", lambda name, majors: [*numbers, "missing"])

    def load(path):
        if path not in numbers:
            raise OSError(path)
        return FakeBlasLt(None, numbers[path])

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert blaslt.open_library(13).path == "a" and blaslt.open_library(12).version == (12, 8, 5)
    del numbers["b"], numbers["c"]
    with pytest.raises(RuntimeError, match="pip install nvidia-cublas-cu12"):
        blaslt.open_library(12)


# -- in programs ----------------------------------------------------------------------------------------------------
def program_of(a, b, c, d):
    """c = a b by the library, d = copy of c."""
    program = programs.Program(0)
    numbers = [program.add_buffer(x) for x in (a, b, c, d)]
    program.add_call("gemm", numbers[:2], numbers[2:3], spec_of("gemm", (1, 4, 4, 4, 0, 0, 16, 16, 0, 0, 0), (1.0,)))
    program.add_call("copy", numbers[2:3], numbers[3:])
    return program, numbers


def test_a_product_is_a_child_graph(library):
    rng = np.random.default_rng(0)
    a, b, c, d = (Memory(rng.integers(-3, 4, (4, 4)).astype("float32")) for _ in range(4))
    program, numbers = program_of(a, b, c, d)
    program.run()
    np.testing.assert_array_equal(c.value, a.value @ b.value)
    lib = library.lib
    assert [node.kind for node in lib.nodes.values()] == ["child", "kernel"]
    assert [kind for *_, kind in lib.edges] == [0]  # beside a library's node edges are plain
    assert not lib.children and lib.calls.count("cuStreamDestroy_v2") == 1
    again = Memory(rng.integers(-3, 4, (4, 4)).astype("float32"))
    program.rebind(numbers[0], again)
    program.run()
    np.testing.assert_array_equal(c.value, again.value @ b.value)
    assert lib.calls.count("cuGraphInstantiateWithFlags") == 1
    assert lib.calls.count("cuGraphExecChildGraphNodeSetParams") == 1


def test_a_child_that_cannot_be_replaced(library):
    a, b, c, d = (Memory(np.eye(4, dtype="float32")) for _ in range(4))
    program, numbers = program_of(a, b, c, d)
    program.run()
    library.lib.answers["fail"]["cuGraphExecChildGraphNodeSetParams"] = 910
    program.rebind(numbers[0], Memory(np.full((4, 4), 2, "float32")))
    program.run()
    assert (c.value == 2).all() and library.lib.calls.count("cuGraphInstantiateWithFlags") == 2


def test_a_failed_capture_ends_the_capture(library):
    a = Memory(np.eye(4, dtype="float32"))
    program, _ = program_of(a, a, Memory(a.value), Memory(a.value))
    library.library.matmul = lambda *args: 13
    with pytest.raises(vendor.LibraryError, match="cublasLtMatmul: error 13 of cuBLASLt 12.8.5"):
        program.run()
    assert "cuStreamEndCapture" in library.lib.calls
    assert library.lib.calls.count("cuStreamDestroy_v2") == library.lib.calls.count("cuStreamCreate")


def test_branches_have_workspaces_of_their_own(library, monkeypatch):
    monkeypatch.setenv("KERASGPU_BRANCHES", "all")
    seen = []
    inner = library.library.matmul
    library.library.matmul = lambda *args: (seen.append(args[13].value), inner(*args))[1]
    a, c, d = (Memory(np.eye(4, dtype="float32")) for _ in range(3))
    program = programs.Program(0)
    x, y, z = (program.add_buffer(m) for m in (a, c, d))
    for out in (y, z):
        program.add_call("gemm", [x, x], [out], spec_of("gemm", (1, 4, 4, 4, 0, 0, 16, 16, 0, 0, 0), (1.0,)))
    program.run()
    assert len(seen) == 2 and abs(seen[0] - seen[1]) >= library.library.workspace


def test_descriptors_are_made_once_and_destroyed(library):
    a = Memory(np.eye(4, dtype="float32"))
    for _ in range(3):
        cuda.launch("gemm", (a, a), (Memory(a.value),), spec_of("gemm", (1, 4, 4, 4, 0, 0, 16, 16, 0, 0, 0), (1.0,)))
    assert library.library.calls.count("cublasLtMatmulAlgoGetHeuristic") == 2  # for planning, then within its workspace
    assert library.library.calls.count("cublasLtCreate") == 1
    cuda.forget()
    library.vendor.on_gpu.clear()
    assert not library.library.things


def test_the_pool_of_compilers_never_sees_a_library_call(library, compiler):
    plan = plan_of()
    library.prepare(list(plan.launches), 0)
    assert not compiler.compiled and drivers.current() is library
    assert isinstance(library.modules(0), modules.Modules)


def test_library_paths(monkeypatch, tmp_path):
    import sys

    folder = tmp_path / "nvidia" / "cublas" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcublasLt.so.12").write_bytes(b"")
    (tmp_path / "toolkit" / "lib64").mkdir(parents=True)
    (tmp_path / "toolkit" / "lib64" / "libcublasLt.so.13").write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("CUDA_PATH", str(tmp_path / "toolkit"))
    found = libraries.candidates("cublasLt", (13, 12))
    assert found[0] == str(folder / "libcublasLt.so.12") and found[1].endswith("toolkit/lib64/libcublasLt.so.13")
    assert found[-2:] == ["libcublasLt.so.13", "libcublasLt.so.12"]
    assert libraries.pip_line("cublasLt", 12) == "pip install nvidia-cublas-cu12"
    assert libraries.pip_line("cublasLt", 13) == "pip install nvidia-cublas"
    assert libraries.pip_line("cudnn", 13) == "pip install nvidia-cudnn-cu13"
