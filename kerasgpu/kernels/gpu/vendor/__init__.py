"""NVIDIA's libraries, beside our kernels: cuBLASLt for matrix products, cuDNN for convolutions. None is ever needed.

Above `driver`, which runs what they do. A library is imported when a plan or `python -m kerasgpu info` first asks for it.
"""

from __future__ import annotations

import functools
import importlib

from kerasgpu.kernels.gpu.driver import library_calls


def install() -> None:
    """Make the libraries known to drivers, by the names that launches have."""
    for name, module in (("cublasLt", "blaslt"), ("cudnn", "cudnn")):
        library_calls.register(name, functools.partial(importlib.import_module, f"{__name__}.{module}"))
