"""keras.legacy.saving: objects as Keras 2 wrote them, {"class_name": ..., "config": ...} without a module."""

from __future__ import annotations

from kerasgpu.configs import registry, serialization

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance):
    """The class name and config of an object, or the name of a function.

    >>> import kerasgpu as keras
    >>> keras.legacy.saving.serialize_keras_object(keras.regularizers.L2(0.5))
    {'class_name': 'L2', 'config': {'l2': 0.5}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": registry.get_registered_name(type(instance)), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return registry.get_registered_name(instance)
    raise ValueError(
        f"Cannot serialize {instance} because it doesn't implement `get_config()`: give its class get_config(), or pass a function"
    )


def deserialize_keras_object(identifier, module_objects=None, custom_objects=None, printable_module_name="object"):
    """The object of a config or name that `serialize_keras_object` or Keras 2 made.

    Args:
        identifier: None, a name, a {"class_name", "config"} dict, or a function, which is returned.
        module_objects: {name: class or function} to look in.
        custom_objects: the same, looked in first.
        printable_module_name: what the object is called in an error.

    >>> import kerasgpu as keras
    >>> keras.legacy.saving.deserialize_keras_object({"class_name": "L2", "config": {"l2": 0.5}}).get_config()
    {'l2': 0.5}
    """
    if identifier is None or callable(identifier):
        return identifier
    if isinstance(identifier, dict) and not {"class_name", "config"} <= identifier.keys():
        raise ValueError(f"Improper config format for {identifier}: it needs the keys 'class_name' and 'config'")
    known = {**(module_objects or {}), **registry.get_custom_objects(), **(custom_objects or {})}
    if isinstance(identifier, str):
        found = known.get(identifier)
        if found is None:
            raise ValueError(f"Unknown {printable_module_name}: {identifier}. Name it in `custom_objects` or register it")
        return found() if isinstance(found, type) else found
    return serialization.deserialize_keras_object(
        identifier, custom_objects={**(custom_objects or {}), **(module_objects or {})} or None
    )
