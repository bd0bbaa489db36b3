"""keras.initializers: the first values of variables. The same seed gives the same bits on every machine."""

from __future__ import annotations

from kerasgpu import missing
from kerasgpu.config import installed
from kerasgpu.configs import identifiers, serialization
from kerasgpu.engine.dtypes import standardize_dtype
from kerasgpu.engine.naming import to_snake_case
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.initializers.constant import STFT, Constant, Identity, Ones, Zeros
from kerasgpu.initializers.initializer import Initializer
from kerasgpu.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from kerasgpu.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    VarianceScaling,
)

constant = Constant
identity = IdentityInitializer = Identity
ones = Ones
zeros = Zeros
stft = STFTInitializer = STFT
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling

_CLASSES = (
    Initializer,
    Constant,
    Identity,
    Ones,
    STFT,
    Zeros,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
_NAMES = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in _CLASSES},
    "IdentityInitializer": Identity,
    "normal": RandomNormal,
    "one": Ones,
    "STFTInitializer": STFT,
    "stft": STFT,
    "OrthogonalInitializer": Orthogonal,
    "uniform": RandomUniform,
    "zero": Zeros,
}

__all__ = [
    *sorted(cls.__name__ for cls in _CLASSES),
    "IdentityInitializer",
    "OrthogonalInitializer",
    "STFTInitializer",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]


def serialize(initializer):
    """The config of an initializer, as saved models hold it."""
    return serialization.serialize_keras_object(initializer)


def deserialize(config, custom_objects=None):
    """The initializer of a config, or of a name in one."""
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_NAMES)


def get(identifier):
    """An initializer from a name ("glorot_uniform"), a config, a class, a callable (shape, dtype) or a tensor.

    A tensor or array becomes an initializer that returns it and raises ValueError for another shape.

    >>> import kerasgpu as keras
    >>> keras.initializers.get("zeros")((2,)).tolist()
    [0.0, 0.0]
    """
    if isinstance(identifier, str) and identifier in _NAMES:
        return _NAMES[identifier]()
    if isinstance(identifier, Tensor) or (hasattr(identifier, "__array_interface__") and hasattr(identifier, "shape")):
        return _from_values(identifier)

    return identifiers.get(identifier, _NAMES, "initializer")


def _from_values(values):
    def initialize(shape, dtype=None):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if shape != tuple(values.shape):
            raise ValueError(f"Expected `shape` to be {values.shape} for direct tensor as initializer. Received shape={shape}")

        return convert_to_tensor(values, standardize_dtype(dtype))

    return initialize


__getattr__ = missing.names(__name__, {})
installed.initializers.install(globals())
