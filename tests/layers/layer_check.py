"""One helper for all layers: what must hold for any of them."""

import json

import numpy as np

import kerasgpu as keras
from kerasgpu.engine import nest


def check_layer(
    cls,
    arguments,
    inputs,
    *,
    shape=None,
    weights=0,
    frozen=0,
    seeds=0,
    losses=0,
    masking=True,
    call=None,
    custom_objects=None,
):
    """Config round trip, symbolic against eager shapes and dtypes, weights, seeds, losses, masking; returns (layer, outputs).

    inputs: arrays (or a list of them); shape: the expected output shape(s); weights, frozen: numbers of trainable and
        other weights;
    seeds: number of seed generators; losses: number of losses after a call; masking: the expected `supports_masking`.
    """
    call = call or {}
    layer = cls(**arguments)
    twin = cls.from_config(json.loads(json.dumps(layer.get_config())))
    assert json.dumps(twin.get_config()) == json.dumps(layer.get_config())
    with keras.saving.custom_object_scope(custom_objects or {}):
        again = keras.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))
    assert type(again) is cls and json.dumps(again.get_config()) == json.dumps(layer.get_config())

    outputs = layer(inputs, **call)
    symbols = nest.map_structure(lambda x: keras.KerasTensor(x.shape, dtype=np.asarray(x).dtype.name), inputs)
    unknown = nest.map_structure(lambda x: keras.Input(x.shape[1:], dtype=np.asarray(x).dtype.name), inputs)
    for made in (layer(symbols, **call), cls(**arguments)(symbols, **call)):
        assert nest.map_structure(lambda x: (x.shape, x.dtype), made) == nest.map_structure(
            lambda x: (x.shape, x.dtype), outputs
        )
    for x, y in zip(nest.flatten(cls(**arguments)(unknown, **call)), nest.flatten(outputs)):
        assert x.shape == (None, *y.shape[1:])
    if shape is not None:
        assert nest.map_structure(lambda x: x.shape, outputs) == shape
    assert layer.built
    assert (len(layer.trainable_weights), len(layer.non_trainable_weights)) == (weights, frozen)
    assert len(layer._seed_generators) == seeds
    layer(inputs, **call)
    assert len(layer.losses) == losses
    assert layer.supports_masking is masking
    assert len({v.path for v in layer.variables}) == len(layer.variables)

    config = layer.get_build_config()
    if config is not None and weights:
        rebuilt = cls.from_config(layer.get_config())
        rebuilt.build_from_config(json.loads(json.dumps(config)))
        rebuilt.set_weights(layer.get_weights())
        for a, b in zip(nest.flatten(rebuilt(inputs)), nest.flatten(layer(inputs))):
            np.testing.assert_array_equal(a, b)
    return layer, outputs
