"""keras.optimizers.schedules."""

from __future__ import annotations

from kerasgpu.configs import serialization
from kerasgpu.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from kerasgpu.optimizers.schedules.decays import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from kerasgpu.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

_OBJECTS = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        LearningRateSchedule,
    )
}


def serialize(learning_rate_schedule):
    """The configuration dictionary of a schedule."""
    return serialization.serialize_keras_object(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """The schedule that `serialize` described."""
    return serialization.deserialize_keras_object(
        config, module_objects=_OBJECTS, custom_objects=custom_objects, printable_module_name="decay"
    )
