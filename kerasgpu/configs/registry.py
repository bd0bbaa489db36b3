"""Custom objects: classes and functions of the user that configs may name.

A config never causes an import. It names an object; the name is looked up among the objects registered here, in the scopes
that are open, and in the `custom_objects` passed to the call.
"""

from __future__ import annotations

import inspect

from kerasgpu.engine import state

GLOBAL_CUSTOM_OBJECTS: dict = {}
GLOBAL_CUSTOM_NAMES: dict = {}


def register_keras_serializable(package="Custom", name=None):
    """Decorator that makes a class or function known to saved configs as "package>name".

    Args:
        package: string, the part before ">".
        name: string, the part after it; default: the object's own name.

    Raises ValueError for a class without `get_config()`.

    >>> import kerasgpu as keras
    >>> @keras.saving.register_keras_serializable("shop")
    ... def halve(x):
    ...     return x / 2
    >>> keras.saving.get_registered_name(halve)
    'shop>halve'
    """

    def decorator(obj):
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"Cannot register a class that does not have a get_config() method. Received: {obj.__name__}; add get_config() "
                "returning its constructor arguments"
            )
        registered = f"{package}>{name if name is not None else obj.__name__}"
        GLOBAL_CUSTOM_OBJECTS[registered] = obj
        GLOBAL_CUSTOM_NAMES[obj] = registered
        return obj

    return decorator


def get_registered_name(obj):
    """The name under which an object was registered, or its Python name."""
    try:
        return GLOBAL_CUSTOM_NAMES.get(obj) or obj.__name__
    except TypeError:  # unhashable
        return obj.__name__


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The object of this name, from open scopes, registered ones, `custom_objects` or `module_objects`; None if unknown."""
    for table in (scope_objects(), GLOBAL_CUSTOM_OBJECTS, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None


def get_custom_objects():
    """The live dictionary of registered objects, "package>name" to object."""
    return GLOBAL_CUSTOM_OBJECTS


def scope_objects() -> dict:
    """The custom objects of the innermost open scope."""
    return state.thread.attributes.get("custom_objects_scope_dict") or {}


class CustomObjectScope:
    """Context manager: inside, configs may name these custom objects.

    Args:
        custom_objects: dict from names to classes or functions.

    >>> import kerasgpu as keras
    >>> def double(x):
    ...     return 2 * x
    >>> with keras.saving.custom_object_scope({"double": double}):
    ...     keras.saving.get_registered_object("double") is double
    True
    """

    def __init__(self, custom_objects):
        self.custom_objects = dict(custom_objects or {})
        self._before: list = []

    def __enter__(self):
        attributes = state.thread.attributes
        self._before.append(attributes.get("custom_objects_scope_dict"))
        attributes["custom_objects_scope_dict"] = dict(self.custom_objects)
        return self

    def __exit__(self, *exc):
        state.thread.attributes["custom_objects_scope_dict"] = self._before.pop()


custom_object_scope = CustomObjectScope
