"""keras.ops: operations on tensors, and symbolically on KerasTensors."""

import importlib

from kerasgpu.ops import numpy
from kerasgpu.ops.numpy import *  # noqa: F403

for _family in ("core", "nn", "math", "linalg", "image"):
    try:
        _module = importlib.import_module(f"kerasgpu.ops.{_family}")
    except ModuleNotFoundError as error:
        if not error.name.startswith("kerasgpu"):
            raise
        continue
    globals().update({n: getattr(_module, n) for n in getattr(_module, "__all__", ())})
