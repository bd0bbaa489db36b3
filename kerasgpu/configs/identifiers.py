"""`keras.losses.get`, `keras.optimizers.get` and their kind: an object from a name, a config, a class or itself."""

from __future__ import annotations

import inspect

from kerasgpu.configs import registry
from kerasgpu.configs.serialization import deserialize_keras_object


def get(identifier, module_objects, kind, custom_objects=None):
    """The object that `identifier` stands for.

    Args:
        identifier: None (gives None), a name in `module_objects` or a registered one, a config dict, a class (an instance of
            it is made) or a callable or configurable object (returned as it is).
        module_objects: dict from names to classes and functions.
        kind: what it is, for the error message: "loss", "metric", ...

    Raises ValueError for anything else, with the nearest known names.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize_keras_object(identifier, custom_objects, module_objects=module_objects)
    elif isinstance(identifier, str):
        found = registry.get_registered_object(identifier, custom_objects, module_objects)
    else:
        found = identifier
    if inspect.isclass(found):
        found = found()
    if not callable(found) and not hasattr(found, "get_config"):
        raise ValueError(f"Could not interpret {kind} identifier: {identifier}{hint(identifier, module_objects, kind)}")
    return found


_NAMESPACES = {"activation function": "activations", "loss": "losses"}


def hint(identifier, module_objects, kind) -> str:
    """The end of an error message: the nearest known names, and where all of them are."""
    import difflib

    name = identifier.get("class_name") if isinstance(identifier, dict) else identifier
    close = difflib.get_close_matches(name, module_objects, n=3) if isinstance(name, str) else ()
    meant = f". Did you mean {' or '.join(repr(c) for c in close)}?" if close else "."
    return f"{meant} dir(keras.{_NAMESPACES.get(kind, kind + 's')}) lists all names"
