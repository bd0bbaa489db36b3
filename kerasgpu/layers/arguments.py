"""Constructor arguments that many layers share: the initializer, regularizer and constraint of each weight, and data_format."""

from __future__ import annotations

import numpy as np

from kerasgpu import config, constraints, initializers, regularizers

_MODULES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def set_weight_arguments(layer, **given):
    """layer.kernel_initializer = initializers.get(...), and so on, for arguments named <weight>_<kind>."""
    for name, value in given.items():
        setattr(layer, name, _MODULES[name.rpartition("_")[2]].get(value))


def serialize_weight_arguments(layer, *weights, kinds=("initializer", "regularizer", "constraint")):
    """The config entries of these arguments, in Keras's order: all initializers, then regularizers, then constraints."""
    names = [f"{weight}_{kind}" for kind in kinds for weight in weights]
    return {name: _MODULES[name.rpartition("_")[2]].serialize(getattr(layer, name)) for name in names}


def add_weight_named(layer, weight, shape, **more):
    """add_weight with the initializer, regularizer and constraint that the layer holds for this weight."""
    return layer.add_weight(
        name=weight,
        shape=shape,
        initializer=getattr(layer, f"{weight}_initializer"),
        regularizer=getattr(layer, f"{weight}_regularizer", None),
        constraint=getattr(layer, f"{weight}_constraint", None),
        **more,
    )


def standardize_data_format(data_format):
    """Either "channels_last" or "channels_first"; None is the setting of keras.config."""
    if data_format is None:
        return config.image_data_format()
    data_format = str(data_format).lower()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. Received: "
            f"data_format={data_format}"
        )
    return data_format


def standardize_tuple(value, n, name, allow_zero=False):
    """An int repeated n times, or a sequence of n ints, as a tuple; ValueError naming the argument otherwise."""
    try:
        found = (value,) * n if isinstance(value, (int, np.integer)) else tuple(value)
        whole = all(isinstance(v, (int, np.integer)) or (hasattr(v, "__index__")) for v in found)
    except TypeError:
        found, whole = (), False
    if len(found) != n or not whole:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value}")
    found = tuple(int(v) for v in found)
    bad = [v for v in found if (v < 0 if allow_zero else v <= 0)]
    if bad:
        raise ValueError(
            f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value}, including values {set(bad)} that do "
            f"not satisfy `value {'>= 0' if allow_zero else '> 0'}`"
        )
    return found
