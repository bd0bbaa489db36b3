"""keras.utils.legacy: the old home of keras.legacy.saving."""

from kerasgpu.legacy.saving import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
