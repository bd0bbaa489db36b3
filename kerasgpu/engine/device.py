"""Devices, named as in Keras: "cpu:0", "gpu:0". Tensors on the CPU hold NumPy arrays, those on a GPU CuPy arrays."""

from __future__ import annotations

import functools
import re
import sys

from kerasgpu import config
from kerasgpu.config.installed import cuda
from kerasgpu.engine import state
from kerasgpu.kernels import launch


@functools.lru_cache(None)
def gpu_count() -> tuple[int, str]:
    """How many GPUs can be used, and if none: why, in one sentence."""
    return cuda.count()


def parse(name: str) -> tuple[str, int]:
    """("gpu", 0) for "gpu:0", "gpu" and "cuda:0"; case does not matter."""
    match = re.fullmatch(r"(?:/?device:)?(cpu|gpu|cuda)(?::(\d+))?", str(name).strip().lower())
    if not match:
        raise ValueError(f"Unknown device {name!r}. Use a name such as 'cpu', 'cpu:0', 'gpu' or 'gpu:0'")
    kind = "gpu" if match[1] == "cuda" else match[1]
    return kind, int(match[2] or 0)


def check(name: str) -> str:
    """The canonical name of a device that exists here; else an error that says what is missing."""
    kind, index = parse(name)
    if kind == "gpu":
        count, why = gpu_count()
        if index >= count:
            raise RuntimeError(f"device {name!r} is not available: {why or f'this machine has {count} GPU(s)'}")
    elif index != 0:
        raise ValueError(f"device {name!r} does not exist: the CPU is one device, 'cpu:0'")
    return f"{kind}:{index}"


@functools.lru_cache(None)
def default_device() -> str:
    """KERASGPU_DEVICE if set, else the first GPU that works, else the CPU."""
    wanted = config.device()
    if wanted == "cpu":
        return "cpu:0"
    if wanted != "auto":
        return check(wanted)
    if "cupy" not in sys.modules and not _has_driver():
        return "cpu:0"
    return "gpu:0" if gpu_count()[0] else "cpu:0"


def _has_driver() -> bool:
    """Whether an NVIDIA driver is present, without importing CuPy and without starting a process, as find_library does."""
    import ctypes

    for name in ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def forget() -> None:
    """Look for GPUs again when next asked."""
    gpu_count.cache_clear()
    default_device.cache_clear()


def current_device() -> str:
    """The device on which new tensors are made in this thread."""
    return state.thread.device or default_device()


class device:
    """Context manager: new tensors and variables are made on this device.

    >>> import kerasgpu as keras
    >>> with keras.device("cpu:0"):
    ...     x = keras.ops.ones((2, 2))
    >>> x.device
    'cpu:0'
    """

    def __init__(self, device_name: str):
        self._name = check(device_name)
        self._before: list = []

    def __enter__(self):
        self._before.append(state.thread.device)
        state.thread.device = self._name
        return self

    def __exit__(self, *exc):
        state.thread.device = self._before.pop()


def of_array(array) -> str:
    """The device name of a NumPy or CuPy array."""
    if launch.is_host(array):
        return "cpu:0"
    return f"gpu:{cuda.of_array(array)}"


def put(array, device_name: str):
    """`array` on that device: itself when it is there already, else a copy."""
    if launch.is_host(array) and device_name.startswith("cpu"):
        return array
    return cuda.put(array, parse(device_name))
