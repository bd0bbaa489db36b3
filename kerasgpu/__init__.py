"""kerasgpu: a tensor engine with its own CPU and CUDA kernels behind the Keras 3 API.

`import kerasgpu as keras` is enough to move a script. Modules and names load when they are first used, so the import itself
takes about as long as NumPy's.
"""

from __future__ import annotations

import importlib
import sys

__version__ = "0.1.0"

# For editors and type checkers: the names that __getattr__ finds, as imports that never run.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from kerasgpu import (
        activations as activations,
    )
    from kerasgpu import (
        callbacks as callbacks,
    )
    from kerasgpu import (
        config as config,
    )
    from kerasgpu import (
        constraints as constraints,
    )
    from kerasgpu import (
        data as data,
    )
    from kerasgpu import (
        datasets as datasets,
    )
    from kerasgpu import (
        distribution as distribution,
    )
    from kerasgpu import (
        dtype_policies as dtype_policies,
    )
    from kerasgpu import (
        initializers as initializers,
    )
    from kerasgpu import (
        kernels as kernels,
    )
    from kerasgpu import (
        layers as layers,
    )
    from kerasgpu import (
        losses as losses,
    )
    from kerasgpu import (
        metrics as metrics,
    )
    from kerasgpu import (
        models as models,
    )
    from kerasgpu import (
        ops as ops,
    )
    from kerasgpu import (
        optimizers as optimizers,
    )
    from kerasgpu import (
        quantizers as quantizers,
    )
    from kerasgpu import (
        random as random,
    )
    from kerasgpu import (
        regularizers as regularizers,
    )
    from kerasgpu import (
        saving as saving,
    )
    from kerasgpu import (
        tree as tree,
    )
    from kerasgpu import (
        utils as utils,
    )
    from kerasgpu import (
        visualization as visualization,
    )
    from kerasgpu import (
        wrappers as wrappers,
    )
    from kerasgpu.cli.aliases import install as install
    from kerasgpu.dtype_policies import DTypePolicy as DTypePolicy
    from kerasgpu.dtype_policies import FloatDTypePolicy as FloatDTypePolicy
    from kerasgpu.engine.device import device as device
    from kerasgpu.engine.jit import jit as jit
    from kerasgpu.engine.keras_tensor import KerasTensor as KerasTensor
    from kerasgpu.engine.memory import empty_cache as empty_cache
    from kerasgpu.engine.memory import memory_stats as memory_stats
    from kerasgpu.engine.naming import name_scope as name_scope
    from kerasgpu.engine.operation import Operation as Operation
    from kerasgpu.engine.remat import RematScope as RematScope
    from kerasgpu.engine.remat import remat as remat
    from kerasgpu.engine.scopes import SymbolicScope as SymbolicScope
    from kerasgpu.engine.stateless import StatelessScope as StatelessScope
    from kerasgpu.engine.tape import GradientTape as GradientTape
    from kerasgpu.engine.tape import enable_grad as enable_grad
    from kerasgpu.engine.tape import grad as grad
    from kerasgpu.engine.tape import no_grad as no_grad
    from kerasgpu.engine.tape import value_and_grad as value_and_grad
    from kerasgpu.engine.tensor import Tensor as Tensor
    from kerasgpu.engine.variable import Variable as Variable
    from kerasgpu.initializers import Initializer as Initializer
    from kerasgpu.layers import Input as Input
    from kerasgpu.layers import InputSpec as InputSpec
    from kerasgpu.layers import Layer as Layer
    from kerasgpu.losses import Loss as Loss
    from kerasgpu.metrics import Metric as Metric
    from kerasgpu.models import Model as Model
    from kerasgpu.models import Sequential as Sequential
    from kerasgpu.models.function import Function as Function
    from kerasgpu.optimizers import Optimizer as Optimizer
    from kerasgpu.quantizers import Quantizer as Quantizer
    from kerasgpu.regularizers import Regularizer as Regularizer

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
