"""keras.saving: saved models, weights and configs."""

from kerasgpu import missing
from kerasgpu.configs.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.saving.api import load_model, load_weights, save_model, save_weights
from kerasgpu.saving.file_editor import KerasFileEditor

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

__getattr__ = missing.names(__name__, {})
