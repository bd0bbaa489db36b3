"""keras.optimizers."""

# ruff: noqa: F401 (the names are exported)

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.configs import serialization
from kerasgpu.configs.identifiers import hint
from kerasgpu.optimizers import legacy, schedules
from kerasgpu.optimizers.adadelta import Adadelta
from kerasgpu.optimizers.adafactor import Adafactor
from kerasgpu.optimizers.adagrad import Adagrad
from kerasgpu.optimizers.adam import Adam
from kerasgpu.optimizers.adamax import Adamax
from kerasgpu.optimizers.adamw import AdamW
from kerasgpu.optimizers.ftrl import Ftrl
from kerasgpu.optimizers.lamb import Lamb
from kerasgpu.optimizers.lion import Lion
from kerasgpu.optimizers.loss_scale_optimizer import LossScaleOptimizer
from kerasgpu.optimizers.multi_optimizer import MultiOptimizer
from kerasgpu.optimizers.muon import Muon
from kerasgpu.optimizers.nadam import Nadam
from kerasgpu.optimizers.optimizer import Optimizer
from kerasgpu.optimizers.optimizer_map import OptimizerMap
from kerasgpu.optimizers.rmsprop import RMSprop
from kerasgpu.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from kerasgpu.optimizers.sgd import SGD

_CLASSES = (
    Optimizer, Adam, SGD, RMSprop, Adadelta, AdamW, Adagrad, Adamax, Adafactor, Muon, MultiOptimizer, OptimizerMap, Nadam, Ftrl,
    Lion, Lamb, LossScaleOptimizer, ScheduleFreeAdamW,
)  # fmt: skip

ALL_OBJECTS = frozenset(_CLASSES)
ALL_OBJECTS_DICT = {cls.__name__.lower(): cls for cls in _CLASSES}


def serialize(optimizer):
    """The configuration dictionary of an optimizer."""
    return serialization.serialize_keras_object(optimizer)


def deserialize(config, custom_objects=None):
    """The optimizer that `serialize` described. Names of our classes may be in lower case."""
    if config["class_name"].lower() in ALL_OBJECTS_DICT:
        config = {**config, "class_name": config["class_name"].lower()}
    return serialization.deserialize_keras_object(config, module_objects=ALL_OBJECTS_DICT, custom_objects=custom_objects)


def get(identifier):
    """An optimizer from its name ("adam", any case), configuration dictionary, or instance; None for None.

    Raises ValueError when there is no such optimizer.

    >>> import kerasgpu as keras
    >>> type(keras.optimizers.get("rmsprop")).__name__
    'RMSprop'
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        cls = ALL_OBJECTS_DICT.get(identifier.lower())
        found = cls() if cls is not None else deserialize({"class_name": identifier, "config": {}})
    else:
        found = identifier
    if isinstance(found, Optimizer):
        return found

    raise ValueError(f"Could not interpret optimizer identifier: {identifier}{hint(identifier, ALL_OBJECTS_DICT, 'optimizer')}")


__getattr__ = missing.names(__name__, {})
