"""Convolutions by cuDNN against a stand-in for it, on the shim: filters that our kernels move, bias and ReLU, engines that are passed over."""

import contextlib
import ctypes
import os
import types

import numpy as np
import pytest
from cuda_shim import device as shim
from fake_cudnn import FakeCudnn
from test_cuda_conv import CASES, DTYPES

import kerasgpu as keras
from kerasgpu import config, layers
from kerasgpu.cli import info
from kerasgpu.engine import device as devices
from kerasgpu.kernels import conv, cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver import libraries
from kerasgpu.kernels.gpu.driver import library_calls as vendor
from kerasgpu.kernels.gpu.driver.library_calls import LibraryLaunch, Vendor
from kerasgpu.kernels.gpu.vendor import cudnn
from kerasgpu.kernels.spec import read as spec_of


class ShimWithLibraries(shim.ShimDriver):
    """The shim, whose arrays a library on the host can reach."""

    def __init__(self, **answers):
        super().__init__()
        self.vendor = Vendor(self)
        self.cuda = types.SimpleNamespace(driver_version=lambda: (12, 8), capability=lambda index: (9, 0))
        self.library = FakeCudnn(types.SimpleNamespace(put_on_stream=lambda stream, work: work()), **answers)
        self.vendor.found["cudnn"] = cudnn.Library(self.library, "/somewhere/libcudnn.so.9"), ""

    def library_problem(self, name):
        return self.vendor.library(name)[1]

    def library_workspace(self, work):
        return self.vendor.workspace(work)

    def on(self, index):
        return contextlib.nullcontext()

    def prepare(self, launches, index):
        super().prepare([one for one in launches if not isinstance(one, LibraryLaunch)], index)

    def function(self, launch, index):
        return self.vendor.ready(launch, index) if isinstance(launch, LibraryLaunch) else super().function(launch, index)

    def run(self, function, launch, params, index):
        if isinstance(launch, LibraryLaunch):
            self.launches.append(launch)
            function.start(params, 0)
        else:
            super().run(function, launch, params, index)


@pytest.fixture
def library(gpu, monkeypatch):
    """A function that installs the shim with a stand-in for cuDNN, asked for by KERASGPU_CONV."""
    monkeypatch.setenv("KERASGPU_CONV", "cudnn")

    def install(**answers):
        made = ShimWithLibraries(**answers)
        drivers.install(made)  # the fixture `gpu` installs what was before
        return made

    return install


def put(x):
    return cuda.put(x, ("gpu", 0))


def run(part, case, dtype, seed=0, bias=None, activation=None):
    """(on the device, on the CPU in float64)."""
    window, batch, channels, filters, groups = CASES[case]
    rng = np.random.default_rng(seed)
    make = lambda *shape: rng.integers(-4, 5, shape).astype(DTYPES[dtype])
    x, y = make(batch, *window.size, channels), make(batch, *window.count, filters)
    w = make(*window.kernel, channels // groups, filters)
    first, second = {"conv": (x, w), "conv_input_grad": (y, w), "conv_filter_grad": (x, y)}[part]
    function = getattr(conv, part)
    extra = {} if part == "conv_filter_grad" else {"activation": activation}
    if bias:
        extra["bias"] = make(filters if part == "conv" else channels)
    on_gpu = {k: put(v) if k == "bias" else v for k, v in extra.items()}
    wide = {k: v.astype("float64") if k == "bias" else v for k, v in extra.items()}
    got = function(put(first), put(second), window, groups, **on_gpu).get()
    return got.astype("float64"), function(first.astype("float64"), second.astype("float64"), window, groups, **wide)


@pytest.mark.parametrize("bias", [False, True])
def test_a_mask_is_laid_over_the_gradient_by_our_kernel(library, bias):
    made = library()
    window, batch, channels, filters, groups = CASES["3x3"]
    rng = np.random.default_rng(0)
    make = lambda *shape: rng.integers(-4, 5, shape).astype("float32")
    dy, w, y = make(batch, *window.count, filters), make(*window.kernel, channels, filters), make(batch, *window.size, channels)
    b = make(channels)
    out = put(np.zeros_like(y))
    inputs = (dy, w, b, y) if bias else (dy, w, y)
    ints = (batch, channels, filters, groups, int(bias), 2, *window.ints())
    cuda.launch("conv_input_grad", tuple(map(put, inputs)), (out,), spec_of("conv_input_grad", ints))
    want = conv.conv_input_grad(dy, w, window, groups, b if bias else None)
    np.testing.assert_array_equal(out.get(), np.where(y > 0, want, 0))
    assert len(made.launches) == 1  # of the library


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("part", ["conv", "conv_input_grad", "conv_filter_grad"])
def test_every_geometry(library, case, part):
    made = library()
    got, want = run(part, case, "float32")
    np.testing.assert_array_equal(got, want)
    assert [type(one) for one in made.launches] == [LibraryLaunch] and made.library.used == [0]


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize("part", ["conv", "conv_input_grad", "conv_filter_grad"])
def test_dtypes(library, dtype, part):
    library()
    got, want = run(part, "odd groups", dtype)
    np.testing.assert_allclose(got, want, rtol=2**-8 if dtype == "bfloat16" else 2**-10)


@pytest.mark.parametrize("part", ["conv", "conv_input_grad"])
@pytest.mark.parametrize("bias, activation", [(True, None), (True, "relu"), (False, "relu")])
def test_bias_and_relu(library, part, bias, activation):
    made = library()
    np.testing.assert_array_equal(*run(part, "odd channels", "float32", bias=bias, activation=activation))
    assert made.library.used == [0]


def test_engines_that_are_passed_over(library):
    """Not deterministic; more workspace than there may be; tensor cores without TF32. Then the next one."""
    engines = (((4,), 0), ((), 1 << 40), ((0, 5), 0), ((5,), 256))
    made = library(engines=engines)  # the fixture `gpu` turns TF32 off
    run("conv", "3x3", "float32")
    run("conv", "3x3", "float16")
    assert made.library.used == [3, 2]
    config.enable_tf32()
    run("conv", "3x3", "float32")
    config.disable_tf32()
    assert made.library.used == [3, 2, 2]


def test_without_an_engine_our_kernels_run(library):
    made = library(engines=(((4,), 0),))
    np.testing.assert_array_equal(*run("conv", "3x3", "float32"))
    assert not made.library.used and not made.launches


def test_what_the_library_refuses(library):
    made = library()
    finalize = made.library.do_BackendFinalize

    def refuse(desc):
        return 3002 if made.library.descs[desc.value].kind == 15 else finalize(desc)

    made.library.do_BackendFinalize = refuse
    np.testing.assert_array_equal(*run("conv", "3x3", "float32"))
    assert not made.library.used
    made = library()
    made.library.do_BackendFinalize = lambda desc: 4000
    with pytest.raises(vendor.LibraryError, match=r"cudnnBackendFinalize: error 4000 of cuDNN 9.5.1"):
        run("conv", "3x3", "float32")


def test_forced_without_the_library(gpu, monkeypatch):
    monkeypatch.setenv("KERASGPU_CONV", "cudnn")
    with pytest.raises(RuntimeError, match="KERASGPU_CONV=cudnn: cudnn needs a GPU"):
        run("conv", "3x3", "float32")
    monkeypatch.setattr(libraries, "candidates", lambda name, majors: ["/nowhere/libcudnn.so.9"])
    with pytest.raises(RuntimeError, match="pip install nvidia-cudnn-cu12"):
        cudnn.open_library(12)
    monkeypatch.setenv("KERASGPU_CONV", "other")
    with pytest.raises(ValueError, match="KERASGPU_CONV"):
        config.convolutions()


def test_descriptors_are_destroyed(library):
    made = library()
    for _ in range(3):
        run("conv", "3x3", "float32")
    assert made.library.calls.count("cudnnCreate") == 1
    cuda.forget()
    made.vendor.on_gpu.clear()
    assert not made.library.descs


def test_the_self_test_runs_the_libraries_that_are_there(library, monkeypatch):
    monkeypatch.delenv("KERASGPU_CONV")
    made = library()
    made.vendor.found["cublasLt"] = None, "not here"
    with devices.device("gpu:0"):
        ((name, compute, expected),) = info.library_cases()
        np.testing.assert_array_equal(compute().numpy(), expected)
    assert name == "cudnn" and made.library.used == [0] and "KERASGPU_CONV" not in os.environ


def test_a_convnet_trains(library):
    """Captured steps with a library's convolutions in them, against our kernels."""

    def train():
        with devices.device("gpu:0"):
            keras.utils.set_random_seed(1)
            model = keras.Sequential(
                [
                    keras.Input((6, 6, 2)),
                    layers.Conv2D(4, 3, activation="relu"),
                    layers.Conv2D(3, 2),
                    layers.Flatten(),
                    layers.Dense(2),
                ]
            )
            model.compile("sgd", "mse")
            rng = np.random.default_rng(0)
            x, y = rng.normal(size=(16, 6, 6, 2)).astype("float32"), rng.normal(size=(16, 2)).astype("float32")
            return model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]

    made = library()
    got = train()
    assert len(made.library.used) > 20
    drivers.install(shim.ShimDriver())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASGPU_CONV", "own")
        np.testing.assert_allclose(got, train(), rtol=1e-5)


def test_the_real_library_takes_our_descriptors():
    """cuDNN makes and finishes tensors, convolutions and operations without a GPU, if not without a driver."""
    try:
        real = cudnn.open_library(99)
    except RuntimeError as error:
        pytest.skip(str(error))
    pixels = dict(size=(9, 8), count=(5, 4), kernel=(3, 2), stride=(2, 2), dilation=(1, 1), before=(1, 0), after=(1, 0))
    for part in (cudnn.FORWARD, cudnn.INPUT_GRAD, cudnn.FILTER_GRAD):
        for dtype in DTYPES:
            work = cudnn.Convolution(part, dtype, True, 2, 8, 12, 2, **pixels)
            try:
                made = cudnn.Execution(real, ctypes.c_void_p(), None, work)
            except vendor.LibraryError as error:
                if error.status != 1008:  # CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED
                    raise
                pytest.skip("parts of cuDNN do not load without libcuda")
            assert made.operation.get(cudnn._OF_OPERATION[part][0], 5 if dtype == "float64" else 4, 1) == [1.0]
