"""What lower floors use of the floors above them, by name: the engine calls operations, gradient rules are written with operations.

Imports point down only, so a lower floor cannot import these. Each upper package hands over its public names when it is imported
(`installed.ops.install(...)` is the last line of `kerasgpu/ops/__init__.py`); one that is needed earlier is imported then.

The machinery of GPUs and of files is reached the same way, although it stands below: a start on a CPU does not load it.
"""

from __future__ import annotations

import importlib
from typing import Any


class Floor:
    """The public names of a package above, as attributes."""

    def __init__(self, package: str):
        self._package = package

    def install(self, names: dict[str, Any]) -> None:
        self.__dict__.update((name, value) for name, value in names.items() if not name.startswith("_"))

    def __getattr__(self, name: str) -> Any:
        # Only before the package is imported, or for a name that it does not have.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self._package), name)


cuda = Floor("kerasgpu.kernels.cuda")
gpu_driver = Floor("kerasgpu.kernels.gpu.driver.interface")
gpu_transfer = Floor("kerasgpu.kernels.gpu.driver.transfer")
gpu_exchange = Floor("kerasgpu.kernels.gpu.driver.exchange")
gpu_program = Floor("kerasgpu.kernels.gpu.graph.program")
tape = Floor("kerasgpu.engine.tape")
ops = Floor("kerasgpu.ops")
initializers = Floor("kerasgpu.initializers")
dtype_policies = Floor("kerasgpu.dtype_policies")
functional = Floor("kerasgpu.models.functional")
saving = Floor("kerasgpu.saving")
