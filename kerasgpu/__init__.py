"""kerasgpu: a tensor engine with its own CPU and CUDA kernels behind the Keras 3 API.

`import kerasgpu as keras` is enough to move a script. Modules and names load when they are first used, so the import itself
takes about as long as NumPy's.
"""

from __future__ import annotations

import importlib
import sys

__version__ = "0.1.0"

# Sub-packages that are public, loaded on first use.
_MODULES = (
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "distillation",
    "distribution",
    "dtype_policies",
    "export",
    "initializers",
    "kernels",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "quantizers",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "visualization",
    "wrappers",
)

# Public names at the top level and where they are defined.
_NAMES = {
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Function": "models.function",
    "GradientTape": "engine.tape",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "engine.keras_tensor",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Operation": "engine.operation",
    "Optimizer": "optimizers",
    "Quantizer": "quantizers",
    "Regularizer": "regularizers",
    "RematScope": "engine.remat",
    "Sequential": "models",
    "StatelessScope": "engine.stateless",
    "SymbolicScope": "engine.scopes",
    "Tensor": "engine.tensor",
    "Variable": "engine.variable",
    "device": "engine.device",
    "empty_cache": "engine.memory",
    "enable_grad": "engine.tape",
    "grad": "engine.tape",
    "install": "cli.aliases",
    "jit": "engine.jit",
    "memory_stats": "engine.memory",
    "name_scope": "engine.naming",
    "no_grad": "engine.tape",
    "remat": "engine.remat",
    "value_and_grad": "engine.tape",
}


def version() -> str:
    """The version of kerasgpu, such as "0.1.0"."""
    return __version__


def load_ipython_extension(ipython) -> None:
    """`%load_ext kerasgpu` in Jupyter: from then on `import keras` and `tensorflow.keras` give kerasgpu."""
    importlib.import_module("kerasgpu.cli.aliases").install()


class _FacadeFinder:
    """Asked for `kerasgpu.<module>` when no file answers: names/table.py knows modules that hold nothing of their own."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if not fullname.startswith("kerasgpu.") or fullname.startswith("kerasgpu.names"):
            return None
        return importlib.import_module("kerasgpu.names.finder").find(fullname)


sys.meta_path.append(_FacadeFinder)


def __getattr__(name):
    if name in _NAMES:
        value = getattr(importlib.import_module(f"kerasgpu.{_NAMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"kerasgpu.{name}")
    else:
        from kerasgpu.missing import suggestion

        hint = "" if name.startswith("_") else suggestion(name, (*_NAMES, *_MODULES))
        raise AttributeError(f"module 'kerasgpu' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_MODULES, *_NAMES})
