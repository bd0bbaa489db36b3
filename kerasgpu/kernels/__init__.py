"""The kernels, usable on their own on NumPy arrays (and, on a GPU, CuPy arrays): one module a family.

    from kerasgpu import kernels
    y = kernels.gemm.gemm(a, b, bias=c, activation="relu")
    p = kernels.softmax.softmax(y)

The functions check shapes, allocate the result and launch the C++ kernel of csrc/cpu (or its twin of csrc/cuda) with the mathematics in
its header comment.
"""

from __future__ import annotations

import importlib

_FAMILIES = (
    "conv",
    "cross_entropy",
    "depthwise",
    "elementwise",
    "gemm",
    "indexing",
    "launch",
    "movement",
    "norm",
    "optimizer",
    "pooling",
    "random",
    "reduce",
    "softmax",
    "sorting",
)


def __getattr__(name):
    if name not in _FAMILIES:
        raise AttributeError(f"module 'kerasgpu.kernels' has no attribute {name!r}; families: {', '.join(_FAMILIES)}")
    return importlib.import_module(f"kerasgpu.kernels.{name}")


def __dir__():
    return sorted({*globals(), *_FAMILIES})
