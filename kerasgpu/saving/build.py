"""The model that the config in a file describes."""

from __future__ import annotations

from kerasgpu.configs.serialization import deserialize_keras_object
from kerasgpu.layers.layer import Layer
from kerasgpu.saving.limits import BadModelFile


def build(config, name, custom_objects=None, safe_mode=True):
    """The model of a config from a file. What is wrong with it ends in one sentence, whatever it broke."""
    try:
        model = deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
    except (ValueError, TypeError, NotImplementedError):
        raise  # these say what is wrong
    except (LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError, MemoryError, OSError) as error:
        raise BadModelFile(
            f"{name}: the model in its config cannot be built ({type(error).__name__}: {error}). The config is damaged, or a "
            "custom class of yours does not accept it"
        ) from error
    if not isinstance(model, Layer):
        raise BadModelFile(f"{name} holds a {type(model).__name__}, not a model")
    return model
