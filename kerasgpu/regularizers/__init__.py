"""keras.regularizers."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.configs import identifiers, serialization
from kerasgpu.engine.naming import to_snake_case
from kerasgpu.regularizers.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

# The functions of Keras 1 and 2.
l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_CLASSES = (Regularizer, L1, L2, L1L2, OrthogonalRegularizer)
ALL_OBJECTS = frozenset(_CLASSES)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in _CLASSES}
ALL_OBJECTS_DICT.update({to_snake_case(cls.__name__): cls for cls in _CLASSES})
ALL_OBJECTS_DICT["l1_l2"] = L1L2


def serialize(regularizer):
    """The configuration dictionary of a regularizer."""
    return serialization.serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer that `serialize` described (a dictionary or a name)."""
    return serialization.deserialize_keras_object(config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects)


def get(identifier):
    """A regularizer from its name ("l2", "L1L2"), configuration dictionary, class or instance; None for None.

    Raises ValueError when there is no such regularizer.

    >>> import kerasgpu as keras
    >>> keras.regularizers.get("l2").l2
    0.01
    """
    return identifiers.get(identifier, ALL_OBJECTS_DICT, "regularizer")


__getattr__ = missing.names(__name__, {})
