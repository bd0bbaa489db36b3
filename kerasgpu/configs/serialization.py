"""Objects to plain data and back, in the format of Keras 3.

    {"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": None, "build_config": {...}}

Reading looks names up in the table of public objects (`public_names.py`) and among custom objects (`registry.py`); nothing in a
config is imported, evaluated, unpickled or used as a path. What is unset is safe.
"""

from __future__ import annotations

import inspect
import types
import uuid
import warnings
import weakref

import numpy as np

from kerasgpu.configs import public_names, registry
from kerasgpu.engine import dtypes, state
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.engine.variable import Variable

PLAIN_TYPES = (str, int, float, bool)
MAX_DEPTH = 200

# Lambdas serialised in this process, by a random key: a copy of a model can share them, a file cannot carry them.
_live_lambdas: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


class SafeModeScope:
    """Context manager: the safe mode of deserialization inside. Anything but False is safe."""

    def __init__(self, safe_mode=True):
        self.safe_mode = safe_mode

    def __enter__(self):
        self._before = in_safe_mode()
        state.set_global_attribute("safe_mode_saving", self.safe_mode)

    def __exit__(self, *exc):
        state.set_global_attribute("safe_mode_saving", self._before)


def in_safe_mode():
    """The safe mode in force: True, False, or None when nothing has set it."""
    return state.thread.attributes.get("safe_mode_saving")


class ObjectSharingScope:
    """Context manager: an object met twice is written, and read, as one shared object."""

    def __enter__(self):
        attributes = state.thread.attributes
        self._before = attributes.get("shared_objects"), attributes.get("shared_configs")
        attributes["shared_objects"], attributes["shared_configs"] = {}, {}

    def __exit__(self, *exc):
        attributes = state.thread.attributes
        attributes["shared_objects"], attributes["shared_configs"] = self._before


def get_shared_object(obj_id):
    """The object already read under this id inside an ObjectSharingScope, or None."""
    return (state.thread.attributes.get("shared_objects") or {}).get(obj_id)


class _Deeper:
    """Bounds the nesting of configs, so that hostile or circular data ends in one sentence."""

    def __enter__(self):
        depth = state.thread.attributes.get("config_depth", 0) + 1
        if depth > MAX_DEPTH:
            raise ValueError(
                f"The config is nested more than {MAX_DEPTH} levels deep, or refers to itself; it cannot be (de)serialized"
            )
        state.thread.attributes["config_depth"] = depth

    def __exit__(self, *exc):
        state.thread.attributes["config_depth"] -= 1


_deeper = _Deeper()


# -- writing ----------------------------------------------------------------------------------------------------
def serialize_keras_object(obj):
    """Plain data (dicts, lists, strings, numbers) from which `deserialize_keras_object` makes an equal object.

    Takes Keras objects (anything with `get_config()`), functions, tensors, NumPy arrays, slices, bytes, and nested structures
    of these. Raises TypeError for other objects.

    >>> import kerasgpu as keras
    >>> keras.saving.serialize_keras_object(slice(0, 3))
    {'class_name': '__slice__', 'config': {'start': 0, 'stop': 3, 'step': None}}
    """
    if obj is None or isinstance(obj, PLAIN_TYPES):
        return obj.item() if isinstance(obj, np.generic) else obj
    with _deeper:
        if isinstance(obj, (list, tuple)):
            parts = [serialize_keras_object(x) for x in obj]
            return tuple(parts) if isinstance(obj, tuple) else parts
        if isinstance(obj, dict):
            return serialize_dict(obj)
        special = _serialize_special(obj)
        return special if special is not None else _serialize_object(obj)


def serialize_dict(obj):
    return {key: serialize_keras_object(value) for key, value in obj.items()}


def _serialize_special(obj):
    if isinstance(obj, bytes):
        return _special("bytes", value=obj.decode("utf-8"))
    if isinstance(obj, slice):
        parts = {k: serialize_keras_object(getattr(obj, k)) for k in ("start", "stop", "step")}
        return _special("slice", **parts)
    if obj is Ellipsis:
        return _special("ellipsis")
    if isinstance(obj, KerasTensor):
        history = getattr(obj, "_keras_history", None)
        if history:
            history = [history[0].name, *history[1:]]
        return _special("keras_tensor", shape=obj.shape, dtype=obj.dtype, keras_history=history)
    if isinstance(obj, (Tensor, Variable)):
        return _special("tensor", value=np.asarray(obj).tolist(), dtype=obj.dtype)
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        return _special("numpy", value=obj.tolist(), dtype=dtypes.standardize_dtype(obj.dtype))
    if isinstance(obj, (np.ndarray, np.generic)):
        return obj.item()
    if isinstance(obj, np.dtype):
        return dtypes.standardize_dtype(obj)
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        return _serialize_lambda(obj)
    return None


def _special(kind, **config):
    return {"class_name": f"__{kind}__", "config": config}


def _serialize_lambda(function):
    warnings.warn(
        "The object being serialized includes a `lambda`, which no file can hold safely: a model saved with it cannot be "
        "loaded. Use a "
        "named function decorated with @keras.saving.register_keras_serializable() instead",
        stacklevel=2,
    )
    key = next((k for k, known in _live_lambdas.items() if known is function), None)
    if key is None:
        key = uuid.uuid4().hex
        _live_lambdas[key] = function
    return _special("lambda", value=key)


def _serialize_object(obj):
    if public_names.is_function(obj):
        # As in Keras, functions are known by their (registered) name alone.
        name = registry.get_registered_name(obj)
        config = {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    else:
        config = {**serialize_with_public_class(type(obj)), "config": _config_of(obj)}
        config = {k: config[k] for k in ("module", "class_name", "config", "registered_name")}
        _add_build_and_compile_config(obj, config)
    if config["module"] == "__main__":
        config["module"] = None
    _record_shared(obj, config)
    return config


def serialize_with_public_class(cls, inner_config=None):
    """The dict of a class: its public Keras name, or its own module and registered name."""
    public = public_names.public_name(cls)
    if public is not None:
        # Real Keras gives its classes without a public name (Functional) a registered one.
        registered = public[1] if public[0].startswith("keras.src.") else None
        return {"module": public[0], "class_name": public[1], "config": inner_config, "registered_name": registered}
    return {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "config": inner_config,
        "registered_name": registry.get_registered_name(cls),
    }


def _config_of(obj):
    if hasattr(obj, "get_config"):
        config = obj.get_config()
        if not isinstance(config, dict):
            raise TypeError(f"The `get_config()` method of {obj} should return a dict. It returned: {config}")
        return serialize_dict(config)
    if hasattr(obj, "__name__"):
        return registry.get_registered_name(obj)
    raise TypeError(
        f"Cannot serialize object {obj} of type {type(obj)}. To be serializable, a class must implement the `get_config()` "
        "method."
    )


def _add_build_and_compile_config(obj, config):
    for key in ("build_config", "compile_config"):
        getter = getattr(obj, f"get_{key}", None)
        found = getter() if getter is not None else None
        if found is not None:
            config[key] = serialize_dict(found)


def _record_shared(obj, config):
    known = state.thread.attributes.get("shared_configs")
    if known is None:
        return
    first = known.setdefault(id(obj), config)
    if first is not config:
        config["shared_object_id"] = first["shared_object_id"] = id(obj)


# -- reading ----------------------------------------------------------------------------------------------------
def deserialize_keras_object(config, custom_objects=None, safe_mode=True, **kwargs):
    """The object described by plain data from `serialize_keras_object` or a file of Keras 3.

    Args:
        config: dict with "class_name" and "config", or a nested structure of such dicts and plain values.
        custom_objects: dict from names to classes or functions that the config may name.
        safe_mode: only False is unsafe, and even then nothing in the config is executed.

    Raises TypeError for names that are neither built in nor registered.

    >>> import kerasgpu as keras
    >>> keras.saving.deserialize_keras_object({"class_name": "__bytes__", "config": {"value": "ab"}})
    b'ab'
    """
    module_objects = kwargs.pop("module_objects", None)
    scoped = in_safe_mode()
    if scoped is not None:
        safe_mode = scoped
    safe_mode = safe_mode is not False
    custom = {**(custom_objects or {}), **registry.scope_objects(), **registry.GLOBAL_CUSTOM_OBJECTS}
    with _deeper:
        if module_objects is not None and config is not None:
            return _from_module_objects(config, module_objects, custom, safe_mode)
        return _deserialize(config, custom, safe_mode)


def _nested(x, custom, safe_mode):
    with _deeper:
        return _deserialize(x, custom, safe_mode)


def _deserialize(config, custom, safe_mode):
    if config is None:
        return None
    if isinstance(config, str) and custom.get(config) is not None:
        return custom[config]
    if isinstance(config, (list, tuple)):
        return [_nested(x, custom, safe_mode) for x in config]
    if isinstance(config, PLAIN_TYPES):
        return config
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: _nested(value, custom, safe_mode) for key, value in config.items()}
    class_name = config["class_name"]
    if not isinstance(class_name, str):
        raise TypeError(f"Expected 'class_name' to be a str, instead got {type(class_name)}. Full object config: {config}")
    inner = config["config"] if config["config"] is not None else {}
    if class_name.startswith("__") and class_name.endswith("__"):
        return _deserialize_special(class_name, inner, config, custom, safe_mode)
    if class_name == "function":
        if not isinstance(inner, str):
            raise TypeError(
                f"Expected 'config' to be a non-null str for a function classname, instead got {type(inner)}. Full config: "
                f"{config}"
            )
        return _find_function(inner, config, custom)
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {class_name}, instead got {type(inner)}. Full config: {config}")
    if "shared_object_id" in config:
        shared = get_shared_object(config["shared_object_id"])
        if shared is not None:
            return shared
    found = _find_class(class_name, config, custom)
    return found if public_names.is_function(found) else _build(found, inner, config, custom, safe_mode)


def _deserialize_special(kind, inner, config, custom, safe_mode):
    if kind == "__typespec__":
        if not isinstance(inner, (tuple, list)):
            raise TypeError(
                f"Expected 'config' to be a list or a tuple for a __typespec__, instead got {type(inner)}. Full config: "
                f"{config}"
            )
        raise NotImplementedError("TensorFlow TypeSpecs cannot be deserialized: kerasgpu does not use TensorFlow")
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {kind}, instead got {type(inner)}. Full config: {config}")
    try:
        if kind == "__keras_tensor__":
            made = KerasTensor(inner["shape"], dtype=inner["dtype"])
            made._pre_serialization_keras_history = inner["keras_history"]
            return made
        if kind == "__tensor__":
            return convert_to_tensor(inner["value"], dtype=inner["dtype"])
        if kind == "__numpy__":
            name = dtypes.standardize_dtype(inner["dtype"])
            return np.array(inner["value"]) if name == "string" else np.array(convert_to_tensor(inner["value"], name))
        if kind == "__bytes__":
            return inner["value"].encode("utf-8")
        if kind == "__ellipsis__":
            return Ellipsis
        if kind == "__slice__":
            return slice(*(_nested(inner[k], custom, safe_mode) for k in ("start", "stop", "step")))
        if kind == "__tuple__":
            return tuple(_nested(x, custom, safe_mode) for x in inner["value"])
    except KeyError as error:
        raise TypeError(f"The config of a {kind} misses the key {error}. Full object config: {config}") from None
    if kind == "__lambda__":
        return _deserialize_lambda(inner, safe_mode)
    raise TypeError(f"Unknown kind of object {kind!r}. Full object config: {config}")


def _deserialize_lambda(inner, safe_mode):
    if safe_mode:
        raise ValueError(
            "Requested the deserialization of a Python lambda. This carries a potential risk of arbitrary code execution and "
            "thus it is "
            "disallowed by default. Replace the lambda by a named function decorated with "
            "@keras.saving.register_keras_serializable()"
        )
    value = inner.get("value")
    found = _live_lambdas.get(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            "This config holds a Python lambda as byte code. kerasgpu never executes code from a file, in any mode: replace "
            "the lambda by "
            "a named function decorated with @keras.saving.register_keras_serializable(), or pass the layer in custom_objects"
        )
    return found


def _refuse_registered_name(config, name, resolved):
    explicit = config.get("registered_name")
    if explicit and explicit not in (name, config.get("class_name")):
        raise ValueError(
            f"`registered_name={explicit!r}` was provided in the config, but '{resolved}' resolved to a Keras built-in and "
            "does not use "
            f"registered names. Remove the `registered_name` field from the config. Full object config: {config}"
        )


def _not_found(kind, name, config):
    module = config.get("module")
    hint = ""
    if isinstance(module, str) and (module == "keras" or module.startswith("keras.")):
        hint = (
            f" `{module}.{name}` is not a modeling object of kerasgpu: only layers, losses, metrics, optimizers and the like "
            "can be named "
            "in a config, which is disallowed for anything else for security."
        )
    return TypeError(
        f"Could not locate {kind} '{name}'.{hint} Make sure custom classes and functions are decorated with "
        "`@keras.saving.register_keras_serializable()`. If they are already decorated, make sure they are all imported so "
        "that the "
        f"decorator is run before trying to load them. Full object config: {config}"
    )


def _find_class(name, config, custom):
    registered = config.get("registered_name", name)
    found = registry.get_registered_object(registered, custom) if isinstance(registered, str) else None
    if found is not None:
        return found
    module = config.get("module")
    if module is not None:
        found = public_names.lookup(module, name)
    elif "module" not in config:  # Keras 2 wrote no module
        found = public_names.lookup_class(name)
    if found is None:
        raise _not_found("class", name, config)
    _refuse_registered_name(config, name, f"{module or 'keras'}.{name}")
    return found


def _find_function(name, config, custom):
    found = registry.get_registered_object(name, custom)
    if found is not None:
        return found
    module = config.get("module")
    found = public_names.lookup_function(name) if module in ("builtins", None) else public_names.lookup(module, name)
    if found is not None:
        _refuse_registered_name(config, name, name)
        return found
    if ">" not in name:
        # Keras up to 3.6 wrote "name" instead of "package>name".
        for key, obj in custom.items():
            if key.endswith(f">{name}"):
                return obj
    raise _not_found("function", name, config)


def _build(cls, inner, config, custom, safe_mode):
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"Unable to reconstruct an instance of '{config['class_name']}' because the class is missing a `from_config()` "
            "method. Full "
            f"object config: {config}"
        )
    with registry.CustomObjectScope(custom), SafeModeScope(safe_mode):
        try:
            instance = cls.from_config(inner)
        except TypeError as error:
            raise TypeError(
                f"{cls} could not be deserialized properly. Please ensure that components that are Python object instances "
                "(layers, "
                "models, etc.) returned by `get_config()` are explicitly deserialized in the model's `from_config()` method."
                f"\n\nconfig={config}.\n\nException encountered: {error}"
            ) from error
        build_config = config.get("build_config")
        if build_config and not getattr(instance, "built", True):
            instance.build_from_config(build_config)
            instance.built = True
        compile_config = config.get("compile_config")
        if compile_config and hasattr(instance, "compile_from_config"):
            instance.compile_from_config(compile_config)
            instance.compiled = True
    if "shared_object_id" in config:
        shared = state.thread.attributes.get("shared_objects")
        if shared is not None:
            shared[config["shared_object_id"]] = instance
    return instance


def _from_module_objects(config, module_objects, custom, safe_mode):
    """The object that `config` (a name, or a dict) means among `module_objects`; an unknown name comes back as it is."""
    if isinstance(config, dict):
        if "class_name" not in config:
            raise ValueError(f"Unknown `config` as a `dict`, config={config}")
        class_name, inner = config["class_name"], config.get("config")
        names = (class_name, config.get("registered_name"), inner)
        if any(isinstance(n, str) and n in custom for n in names):
            return _deserialize({"config": {}, **config}, custom, safe_mode)
        if class_name == "function":
            name = inner if config.get("module") in ("builtins", None) else config.get("registered_name") or inner
        else:
            name = class_name
            if config.get("module", "_") is None:
                raise TypeError(
                    f"Cannot deserialize object of type `{class_name}`. If `{class_name}` is a custom class, please register "
                    "it using the "
                    "`@keras.saving.register_keras_serializable()` decorator."
                )
    else:
        name, inner = config, None
        if isinstance(name, str) and name in custom:
            return custom[name]
    if not isinstance(name, str) or name not in module_objects:
        return name
    found = module_objects[name]
    if not inspect.isclass(found):
        return found
    given = config if isinstance(config, dict) else {}
    _refuse_registered_name(given, name, name)
    return _build(found, dict(inner or {}), {"class_name": name, **given}, custom, safe_mode)
