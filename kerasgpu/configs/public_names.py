"""The table between our public objects and their Keras names: ("keras.layers", "Dense") <-> the class Dense.

It is the whole list of built-in objects that a config can name. It is filled, once, from the public names of the packages
below, and holds only classes with a config (layers, losses, metrics, ...) and functions meant for configs (activations,
losses, metrics, ops).
"""

from __future__ import annotations

import inspect
import sys
import types

from kerasgpu.engine.op import Primitive

# In this order: an object in several namespaces is written under the first.
_NAMESPACES = (
    "layers",
    "losses",
    "metrics",
    "optimizers.schedules",
    "optimizers",
    "initializers",
    "regularizers",
    "constraints",
    "dtype_policies",
    "quantizers",
    "random",
    "activations",
    "ops",
    "models",
    "distillation",
)
# Written as keras.Name, as real Keras does.
_TOP_LEVEL = frozenset(
    "DTypePolicy FloatDTypePolicy Loss Initializer Metric Operation Regularizer InputSpec Quantizer Layer Optimizer Model "
    "Function "
    "Sequential".split()
)
# Not in a public namespace of Keras: written under the path of Keras's own source, which is what real files hold.
_PRIVATE_MODULES = {"Functional": "keras.src.models.functional"}
# Functions known by name alone are searched here, in this order.
FUNCTION_NAMESPACES = ("activations", "losses", "metrics", "initializers", "regularizers", "constraints", "optimizers")
_NOT_OBJECTS = frozenset({"get", "serialize", "deserialize", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})

_forward: dict | None = None  # (module, name) -> object
_backward: dict = {}  # object -> (module, name)


def _import(namespace):
    try:
        __import__(f"kerasgpu.{namespace}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("kerasgpu"):
            raise
        return None
    return sys.modules[f"kerasgpu.{namespace}"]


def is_function(obj) -> bool:
    return isinstance(obj, (types.FunctionType, types.BuiltinFunctionType, Primitive))


def _admitted(obj, name, namespace) -> bool:
    if name.startswith("_") or name in _NOT_OBJECTS or not str(getattr(obj, "__module__", "")).startswith("kerasgpu."):
        return False
    if inspect.isclass(obj):
        return hasattr(obj, "from_config") and hasattr(obj, "get_config")
    if not is_function(obj):
        return False
    if namespace == "ops":
        return isinstance(obj, Primitive) or getattr(obj, "is_symbolic_op", False)
    return namespace in FUNCTION_NAMESPACES


def _tables():
    global _forward
    if _forward is None:
        found: dict = {}
        for namespace in _NAMESPACES:
            module = _import(namespace)
            if module is None:
                continue
            for name in getattr(module, "__all__", None) or dir(module):
                obj = getattr(module, name, None)
                if _admitted(obj, name, namespace):
                    _add(found, namespace, name, obj)
        _add_feature_space(found)
        _add_legacy_layers(found)
        _forward = found
    return _forward


def _add_feature_space(found):
    """FeatureSpace, and its parts under the path of Keras's own source."""
    for module, objects in _import("utils.feature_space").CONFIG_OBJECTS.items():
        for name, obj in objects.items():
            found[module, name] = obj
            _backward[obj] = module, name


def _add_legacy_layers(found):
    """Layers that only files of Keras 1 and 2 name."""
    layers = _import("saving.legacy.layers")
    for name in layers.__all__:
        obj = getattr(layers, name)
        found["keras.legacy.layers", name] = obj
        _backward[obj] = "keras.legacy.layers", name
    # This one Keras 3 still reads, and writes under a path of its own.
    found["keras._legacy.layers", "ThresholdedReLU"] = layers.ThresholdedReLU
    _backward[layers.ThresholdedReLU] = "keras._legacy.layers", "ThresholdedReLU"


def _add(found, namespace, name, obj):
    module = f"keras.{namespace}"
    found[module, name] = obj
    is_class = inspect.isclass(obj)
    own_name = obj.__name__ == name
    if is_class and own_name and name in _TOP_LEVEL:
        found["keras", name] = obj
        module = "keras"
    if is_class and name in _PRIVATE_MODULES:
        module = _PRIVATE_MODULES[name]
        found[module, name] = obj
    # An alias (Convolution2D) is read but never written.
    if own_name or not is_class:
        _backward.setdefault(obj, (module, name))


def public_name(obj):
    """("keras.layers", "Dense") for the class Dense; None for what is not a public object of ours."""
    _tables()
    try:
        return _backward.get(obj)
    except TypeError:
        return None


def lookup(module, name):
    """The public object of this Keras module and name, or None. `module` is only compared with names in the table."""
    table = _tables()
    found = table.get((module, name))
    if found is not None or not isinstance(module, str):
        return found
    parts = [p for p in module.split(".") if p != "src"]
    if parts[0] not in ("keras", "tf_keras", "keras_core"):
        return None
    if parts[1:2] == ["backend"]:  # its optimizers for PyTorch are saved under "keras.src.backend.torch.optimizers"
        del parts[1:3]
    for namespace in (".".join(parts[1:3]), *parts[1:2]):
        found = table.get((f"keras.{namespace}", name))
        if found is not None:
            return found
    return None


def lookup_function(name):
    """A built-in function known by its name alone ("relu", "mean_squared_error"), or None."""
    table = _tables()
    for namespace in FUNCTION_NAMESPACES:
        found = table.get((f"keras.{namespace}", name))
        if found is not None and is_function(found):
            return found
    return None


def lookup_class(name):
    """A built-in class known by its name alone, as in files of Keras 2; None if unknown."""
    table = _tables()
    for namespace in (*_NAMESPACES, "legacy.layers"):
        found = table.get((f"keras.{namespace}", name))
        if inspect.isclass(found):
            return found
    return None


def reset():
    """Forget the table: it is filled again from the namespaces at the next look-up."""
    global _forward
    _forward = None
    _backward.clear()
