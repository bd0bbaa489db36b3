"""What `python -m kerasgpu info` says about the GPU side: what was found, in which version, and how to install what is missing."""

from __future__ import annotations

from kerasgpu.kernels.gpu.driver import libcuda, nvrtc


def install_line(major: int) -> str:
    return f"pip install 'kerasgpu[cuda{13 if major >= 13 else 12}]'"


def describe(driver) -> list[tuple[str, str]]:
    """(name, value) lines about a CupyDriver."""
    try:
        version = driver.cuda.driver_version()
    except (OSError, libcuda.CudaError) as error:
        return [("NVIDIA driver", f"none that works: {error}")]
    lines = [("NVIDIA driver", f"runs CUDA up to {version[0]}.{version[1]}")]
    lines.append(("CuPy", _cupy(driver, version[0])))
    lines.append(("NVRTC", _nvrtc(version[0])))
    lines.append(("cuBLASLt", _library(driver, "cublasLt")))
    lines.append(("cuDNN", _library(driver, "cudnn")))
    try:
        lines += _devices(driver)
    except libcuda.CudaError as error:
        lines.append(("GPU", str(error)))
    return lines


def _cupy(driver, major: int) -> str:
    try:
        return f"{driver.cupy.__version__}, for CUDA {driver.cupy.cuda.runtime.runtimeGetVersion() // 1000}"
    except Exception as error:  # a broken CuPy raises many things
        return f"does not work ({error}); run: {install_line(major)}"


def _nvrtc(major: int) -> str:
    try:
        found = nvrtc.load(major)
    except RuntimeError as error:
        return str(error)
    return f"{found.version[0]}.{found.version[1]} at {found.path}"


def _library(driver, name: str) -> str:
    found, problem = driver.vendor.library(name)
    return f"not needed. {problem}" if problem else f"{'.'.join(map(str, found.version))} at {found.path}"


def _devices(driver) -> list[tuple[str, str]]:
    lines = []
    for k in range(driver.cuda.device_count()):
        major, minor = driver.cuda.capability(k)
        units = driver.cuda.attribute(k, libcuda.MULTIPROCESSORS)
        lines.append((f"gpu:{k}", f"{driver.cuda.device_name(k)}, compute capability {major}.{minor}, {units} multiprocessors"))
    count, why = driver.count()
    if not count:
        return [*lines, ("GPU", why)]
    for k in range(count):
        with driver.cupy.cuda.Device(k):
            driver.cupy.cuda.runtime.free(0)
            free, total = driver.cuda.memory()
        lines.append((f"gpu:{k} memory", f"{free >> 20} of {total >> 20} MiB free"))
        early, why = driver.early_launch(k)
        lines.append((f"gpu:{k} graphs", "kernels are placed before the last has ended" if early else f"plain edges: {why}"))
    return lines
