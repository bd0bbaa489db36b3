"""What `info` says about libraries: found with version and place, or missing with the line that installs them."""

import ctypes
import types

import pytest
from fake_blaslt import FakeBlasLt
from fake_driver import fake_driver

from kerasgpu.kernels.gpu.driver import libraries, nvrtc
from kerasgpu.kernels.gpu.driver import library_calls as vendor
from kerasgpu.kernels.gpu.vendor import blaslt
from kerasgpu.kernels.gpu.vendor import cudnn as libcudnn


@pytest.fixture
def places(monkeypatch, compiler):
    """{path: library}: what can be loaded."""
    found = {}

    def load(path):
        if path not in found:
            raise OSError(path)
        return found[path]

    monkeypatch.setattr(
        libraries, "candidates", lambda name, majors: [p for p in [*found, "missing"] if name in p or p == "missing"]
    )
    monkeypatch.setattr(ctypes, "CDLL", load)
    compiler.path = "/wheels/libnvrtc.so.12"
    return found


def cudnn(number):
    def version():
        return number

    return types.SimpleNamespace(cudnnGetVersion=version)


def test_libraries_that_are_there(places):
    places["/wheels/libcublasLt.so.12"] = FakeBlasLt(None)
    places["/wheels/libcudnn.so.9"] = cudnn(90501)
    lines = dict(fake_driver().info())
    assert lines["cuBLASLt"] == "12.8.5 at /wheels/libcublasLt.so.12"
    assert lines["cuDNN"] == "9.5.1 at /wheels/libcudnn.so.9"
    assert lines["NVRTC"] == "12.8 at /wheels/libnvrtc.so.12"
    assert lines["CuPy"] == "14.2.0, for CUDA 12"
    assert "132 multiprocessors" in lines["gpu:0"] and lines["gpu:0 memory"] == "1024 of 81920 MiB free"
    assert lines["gpu:0 graphs"] == "kernels are placed before the last has ended"


@pytest.mark.parametrize(
    "version, blas, dnn", [(12080, "nvidia-cublas-cu12", "nvidia-cudnn-cu12"), (13000, "nvidia-cublas", "nvidia-cudnn-cu13")]
)
def test_missing_libraries_have_a_line_to_install_them(places, monkeypatch, version, blas, dnn):
    def missing(most=99):
        raise RuntimeError(f"run: {libraries.pip_line('nvrtc', most)}")

    monkeypatch.setattr(nvrtc, "load", missing)
    lines = dict(fake_driver(version=version, capability=(8, 0)).info())
    assert lines["cuBLASLt"].endswith(f"run: pip install {blas}")
    assert lines["cuDNN"].endswith(f"run: pip install {dnn}")
    assert lines["NVRTC"] == f"run: pip install nvidia-cuda-nvrtc{'-cu12' if version < 13000 else ''}"
    assert "nvidia-cuda-nvrtc" in lines["GPU"]


def test_no_driver():
    driver = fake_driver()
    driver._open = lambda: (_ for _ in ()).throw(OSError("libcuda.so.1: cannot open"))
    assert driver.info() == [("NVIDIA driver", "none that works: libcuda.so.1: cannot open")]


def test_older_cudnn(places):
    places["/usr/lib/libcudnn.so.8"] = cudnn(8907)
    with pytest.raises(RuntimeError, match="cuDNN was not found"):
        libcudnn.open_library(12)
    assert libcudnn.Library(cudnn(8907), "").version == (8, 9, 7)
    places["/usr/lib/libcudnn.so.8"] = types.SimpleNamespace()  # without the function
    with pytest.raises(RuntimeError, match="cuDNN was not found"):
        libcudnn.open_library(12)


def test_the_real_library_takes_our_descriptors():
    """cuBLASLt makes descriptors without a GPU: every attribute is one that it knows, of the size that it expects."""
    try:
        library = blaslt.open_library(99)
    except RuntimeError as error:
        pytest.skip(str(error))

    class Unchosen(blaslt.Matmul):
        def _choose(self, workspace):
            with pytest.raises(vendor.LibraryError, match="cublasLtMatmulAlgoGetHeuristic"):  # which needs a GPU
                super()._choose(workspace)

    for dtype in blaslt._TYPES:
        product = blaslt.Product(dtype, True, 3, 64, 32, 16, True, False, 64 * 16, 16 * 32, True, True, False, 0.5)
        made = Unchosen(library, ctypes.c_void_p(), product, 1 << 20)
        value, size = ctypes.c_uint64(), ctypes.c_size_t()
        library.call(
            "cublasLtMatrixLayoutGetAttribute", made.second, 4, ctypes.byref(value), ctypes.c_size_t(8), ctypes.byref(size)
        )
        assert value.value == 64 and size.value == 8
