"""Configs of compiled models: equal to those of real Keras, readable there, and the other way round."""

import json

import numpy as np
import oracle
import pytest

import kerasgpu
from kerasgpu.configs import serialization

keras = oracle.load()
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def build(k):
    x = k.Input((4,), name="x")
    h = k.layers.Dense(3, activation="relu", name="d")(x)
    y = k.ops.mean(k.ops.add(h, h * 2.0), axis=-1, keepdims=True)
    model = k.Model(x, [k.layers.Dense(2, name="o", kernel_regularizer="l2")(y), h[:, 1]], name="m")
    schedule = k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(
        k.optimizers.Adam(schedule, name="adam"),
        loss=["mse", k.losses.LogCosh(name="log_cosh")],
        loss_weights=[1.0, 2.0],
        metrics=[["mae"], [k.metrics.MeanSquaredError()]],
        jit_compile=False,
    )
    return model


def test_both_write_the_same_and_read_each_other():
    kerasgpu.backend.clear_session()  # automatic names start anew in both
    keras.backend.clear_session()
    ours, theirs = build(kerasgpu), build(keras)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    theirs.set_weights(ours.get_weights())
    written, their_written = json.loads(ours.to_json()), json.loads(theirs.to_json())
    assert written == their_written
    read_there = keras.models.model_from_json(json.dumps(written))
    read_here = serialization.deserialize_keras_object(their_written)
    for model in (read_there, read_here):
        assert model.compiled and type(model.optimizer).__name__ == "Adam"
        model.set_weights(ours.get_weights())
        for a, b in zip(model(x), theirs(x)):
            oracle.close(a, b)
