"""keras.constraints."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.configs import identifiers, serialization
from kerasgpu.constraints.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from kerasgpu.engine.naming import to_snake_case

# The functions of Keras 1 and 2.
max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm

_CLASSES = (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
ALL_OBJECTS = frozenset(_CLASSES)
ALL_OBJECTS_DICT = {cls.__name__: cls for cls in _CLASSES}
ALL_OBJECTS_DICT.update({to_snake_case(cls.__name__): cls for cls in _CLASSES})


def serialize(constraint):
    """The configuration dictionary of a constraint."""
    return serialization.serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """The constraint that `serialize` described (a dictionary or a name)."""
    return serialization.deserialize_keras_object(config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects)


def get(identifier):
    """A constraint from its name ("non_neg", "UnitNorm"), configuration dictionary, class or instance; None for None.

    Raises ValueError when there is no such constraint.

    >>> import kerasgpu as keras
    >>> keras.constraints.get("max_norm").max_value
    2
    """
    return identifiers.get(identifier, ALL_OBJECTS_DICT, "constraint")


__getattr__ = missing.names(__name__, {})
