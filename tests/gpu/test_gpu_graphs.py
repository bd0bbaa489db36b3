"""On a GPU only: kernels that are placed early, run beside each other or come from cuBLASLt leave the same bits in memory."""

import numpy as np
import pytest
from random_programs import results
from test_cuda_conv import CASES
from test_cudnn import run as convolution
from test_gpu_device import put, train

from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda, gemm
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.library_calls import LibraryLaunch
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.spec import read as spec_of

pytestmark = pytest.mark.gpu
SETTINGS = [("1", "0"), ("0", "auto"), ("0", "all"), ("1", "auto"), ("1", "all")]


@pytest.fixture
def setting(monkeypatch, on_gpu):
    """A function that sets KERASGPU_PDL and KERASGPU_BRANCHES for graphs that are built from then on."""
    driver = drivers.current()

    def choose(pdl, branches):
        monkeypatch.setenv("KERASGPU_PDL", pdl)
        monkeypatch.setenv("KERASGPU_BRANCHES", branches)
        driver._early.clear()

    yield choose
    driver._early.clear()


@pytest.mark.parametrize("seed", range(20))
def test_random_programs(setting, seed):
    setting("0", "0")
    want = results(seed, (1, 8, 200))
    for pdl, branches in SETTINGS:
        setting(pdl, branches)
        for a, b in zip(want, results(seed, (1, 8, 200))):
            np.testing.assert_array_equal(a, b, err_msg=f"KERASGPU_PDL={pdl} KERASGPU_BRANCHES={branches}")


@pytest.mark.parametrize("elements", [64, 1 << 14, 1 << 22])
def test_early_launch_over_a_distance(setting, elements):
    """A ring of arrays: a kernel reads what the one 1, 2 and 7 places before it wrote, and overwrites what the last one reads."""
    found = []
    for pdl in "01":
        setting(pdl, "0")
        arrays = [put(np.random.default_rng(k).normal(size=elements).astype("float32")) for k in range(8)]
        program = programs.Program(0)
        numbers = [program.add_buffer(a) for a in arrays]
        for k in range(64):
            for distance in (1, 2, 7):
                program.add_call("copy", [numbers[(k - distance) % 8]], [numbers[k % 8]])
                program.add_call("softmax", [numbers[k % 8]], [numbers[k % 8]], spec_of("softmax", (elements // 64, 64, 1)))
        program.run(40)
        found.append([a.get() for a in arrays])
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_this_gpu_launches_early(setting):
    setting("1", "auto")
    driver = drivers.current()
    early, why = driver.early_launch(0)
    if driver.cuda.capability(0) < (9, 0) or driver.cuda.driver_version() < (12, 3):
        assert not early and why
    else:
        assert early, why
        program = programs.Program(0)
        a, b = (program.add_buffer(put(np.zeros(64, "float32"))) for _ in range(2))
        program.add_call("copy", [a], [b])
        program.run(programs.UNROLL)
        assert driver.early_launch(0)[0], f"programmatic edges were refused: {driver.early_launch(0)[1]}"


def test_training_is_the_same_bits(setting):
    setting("0", "0")
    want = train("gpu:0", epochs=1)
    for pdl, branches in SETTINGS:
        setting(pdl, branches)
        got = train("gpu:0", epochs=1)
        assert got[1] == want[1]
        for a, b in zip(got[2], want[2]):
            np.testing.assert_array_equal(a, b)


# -- cuBLASLt -------------------------------------------------------------------------------------------------------
@pytest.fixture
def blaslt(on_gpu):
    problem = drivers.current().library_problem("cublasLt")
    if problem:
        pytest.skip(problem)
    tensor_cores.set_products("cublaslt")
    yield drivers.current()
    tensor_cores.set_products(None)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("ta, tb", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("m, n, k", [(64, 48, 80), (33, 17, 5), (1, 7, 129), (512, 256, 384)])
@pytest.mark.parametrize("bias, relu", [(0, 0), (1, 1)])
def test_products(blaslt, dtype, ta, tb, batch, m, n, k, bias, relu):
    import ml_dtypes

    rng, of = np.random.default_rng(0), getattr(ml_dtypes, dtype, dtype)
    make = lambda *s: rng.integers(-3, 4, s).astype(of)
    a, b, v = make(batch, *((k, m) if ta else (m, k))), make(batch, *((n, k) if tb else (k, n))), make(n)
    ins, out = [put(x) for x in ((a, b, v) if bias else (a, b))], put(make(batch, m, n))
    ints = (batch, m, n, k, ta, tb, m * k, k * n, bias, relu, 0)
    cuda.launch("gemm", tuple(ins), (out,), spec_of("gemm", ints, (0.5,)))
    x, y = (w.astype("float64").transpose(0, 2, 1) if t else w.astype("float64") for w, t in ((a, ta), (b, tb)))
    want = 0.5 * (x @ y) + (v.astype("float64") if bias else 0)
    want = np.maximum(want, 0) if relu else want
    np.testing.assert_allclose(out.get().astype("float64"), want, rtol=1e-2 if out.dtype.itemsize == 2 else 1e-5, atol=1e-6)


def test_products_in_a_captured_step(blaslt):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-3, 4, (256, 256)).astype("float32") for _ in range(2))
    program = programs.Program(0)
    x, y, z, t = (program.add_buffer(put(v)) for v in (a, b, np.zeros_like(a), np.zeros_like(a)))
    ints = (1, 256, 256, 256, 0, 0, 0, 0, 0, 0, 0)
    program.add_call("gemm", [x, y], [z], spec_of("gemm", ints, (1.0,)))
    program.add_call("copy", [z], [t])
    program.run()
    np.testing.assert_array_equal(program._buffers[t].get(), a @ b)
    other = rng.integers(-3, 4, (256, 256)).astype("float32")
    program.rebind(x, put(other))
    program.run(10)
    np.testing.assert_array_equal(program._buffers[t].get(), other @ b)


def test_training_with_the_library(blaslt):
    got = train("gpu:0", epochs=2)
    tensor_cores.set_products("mma")
    want = train("gpu:0", epochs=2)
    np.testing.assert_allclose(got[1], want[1], rtol=2e-2)


def test_the_library_is_used(blaslt):
    a = put(np.ones((256, 256), "float32"))
    gemm.gemm(a, a)
    plans = [p for key, p in cuda._plans.items() if key[0] == "gemm"]
    assert any(isinstance(one, LibraryLaunch) for p in plans for one in p.launches)


# -- cuDNN ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("part", ["conv", "conv_input_grad", "conv_filter_grad"])
@pytest.mark.parametrize("case", CASES)
def test_convolutions(on_gpu, monkeypatch, case, part, dtype):
    problem = drivers.current().library_problem("cudnn")
    if problem:
        pytest.skip(problem)
    monkeypatch.setenv("KERASGPU_CONV", "cudnn")
    cuda.forget()
    try:
        extra = {} if part == "conv_filter_grad" else {"bias": True, "activation": "relu"}
        got, want = convolution(part, case, dtype, **extra)
        np.testing.assert_allclose(got, want, rtol=2**-7 if dtype == "bfloat16" else 2**-9, atol=1e-2)
        used = [one for key, p in cuda._plans.items() if key[0] == part for one in p.launches if isinstance(one, LibraryLaunch)]
        print(case, part, dtype, "by cuDNN" if used else "has no engine: ours")
    finally:
        cuda.forget()
