"""keras.activations: the activation functions that layers name, and the conversion of names and configs into them."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.activations.functions import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    legacy_hard_sigmoid,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from kerasgpu.configs import identifiers, registry, serialization

_FUNCTIONS = (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
_NAMES = {**{f.__name__: f for f in _FUNCTIONS}, "swish": swish, "hard_swish": hard_swish}

__all__ = [*_NAMES, "deserialize", "get", "serialize"]

_NAMES["legacy_hard_sigmoid"] = legacy_hard_sigmoid  # for files of Keras 1 and 2


def serialize(activation):
    """The name of one of these functions; the config of a registered function or of an object."""
    if _NAMES.get(getattr(activation, "__name__", None)) is activation:
        return activation.__name__

    config = serialization.serialize_keras_object(activation)
    if not isinstance(config, dict):
        return config
    if "config" not in config:
        raise ValueError(
            f"Unknown activation function '{activation}' cannot be serialized due to invalid function name. Make sure to use "
            "an activation name that matches the references defined in activations.py or use "
            f"`@keras.saving.register_keras_serializable()` to register any custom activations. config={config}"
        )
    if isinstance(config["config"], str):
        config["config"] = registry.get_registered_name(activation)
    return config


def deserialize(config, custom_objects=None):
    """The function of a name or config."""
    if _names_class(config):
        return serialization.deserialize_keras_object(config, custom_objects=custom_objects)
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_NAMES)


def _names_class(config):
    """Whether a config is that of an object, such as a layer in the place of a function."""
    return isinstance(config, dict) and isinstance(config.get("config"), dict) and config.get("class_name") not in _NAMES


def get(identifier):
    """An activation from a name ("relu"), a config, a callable, a layer or its class, or None, which is `linear`.

    >>> import kerasgpu as keras
    >>> keras.activations.get("relu") is keras.activations.relu
    True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str) and identifier in _NAMES:
        return _NAMES[identifier]

    if _names_class(identifier):
        return deserialize(identifier)
    return identifiers.get(identifier, _NAMES, "activation function")


__getattr__ = missing.names(__name__, {})
