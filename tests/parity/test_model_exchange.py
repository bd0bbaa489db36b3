"""Models exchanged with real Keras as JSON, in both directions: same configuration, layer order, weights and outputs."""

import json

import numpy as np
import oracle
import pytest

import kerasgpu

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the warnings are those of Keras


def build(keras):
    """A functional model with shared and nested models, ops as nodes, masks, and two outputs."""
    layers, ops = keras.layers, keras.ops
    a, b = keras.Input((6,), name="a"), keras.Input((4, 5), name="b")
    x = layers.Dense(8, activation="relu", kernel_regularizer="l2")(a)
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    y = layers.EinsumDense("abc,cd->abd", (4, 8), bias_axes="d")(layers.LayerNormalization()(b))
    y = layers.Dense(8)(layers.Flatten()(layers.UpSampling1D(2)(y)))
    z = layers.Concatenate()([layers.Add()([x, y]), x])
    z = ops.tanh(z) * 2 + ops.mean(z, axis=-1, keepdims=True)
    z = ops.reshape(z, (-1, 4, 4))[:, 1:, ::2]
    z = layers.Reshape((6,))(ops.where(z > 0, z, z * 0.5))
    e = layers.Embedding(10, 6, mask_zero=True)(ops.cast(ops.abs(a) * 3, "int32"))
    e = ops.sum(layers.Masking()(e), axis=1)
    inner = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(6, activation="gelu"),
            layers.GroupNormalization(groups=2),
            layers.PReLU(),
            layers.Softmax(),
        ],
        name="inner",
    )
    p = layers.Rescaling(2.0, 1.0)(ops.concatenate([z, e], axis=1))
    p = ops.split(ops.einsum("ab,ab->ab", p, p), 2, axis=1)[1]
    return keras.Model({"a": a, "b": b}, {"o": inner(inner(z)), "p": p}, name="big")


def data():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(3, 6)).astype("float32"), "b": rng.normal(size=(3, 4, 5)).astype("float32")}


def values(weights):
    rng = np.random.default_rng(1)
    return [rng.uniform(0.1, 0.5, size=w.shape).astype("float32") for w in weights]


# Names count what else was made in the process; Keras also records empty `mask` and `training` arguments of calls.
LEFT_OUT = ("name", "keras_history", "input_layers", "output_layers", "mask", "training")


def without_names(x):
    """A config with names removed: their numbers count what else was made in the process."""
    if isinstance(x, dict):
        return {k: without_names(v) for k, v in x.items() if k not in LEFT_OUT}
    return [without_names(v) for v in x] if isinstance(x, list) else x


def test_models_go_both_ways_as_json():
    keras = oracle.load()
    ours, theirs = build(kerasgpu), build(keras)
    ours.set_weights(values(ours.get_weights()))
    theirs.set_weights(values(theirs.get_weights()))
    for name, want in theirs(data()).items():
        oracle.close(ours(data())[name], want, rtol=2e-4, atol=1e-5, what=name)
    configs = [without_names(json.loads(model.to_json())["config"]) for model in (ours, theirs)]
    assert configs[0] == configs[1]

    here = kerasgpu.models.model_from_json(theirs.to_json())
    there = keras.models.model_from_json(ours.to_json())
    here.set_weights(theirs.get_weights())
    there.set_weights(ours.get_weights())
    for name, want in theirs(data()).items():
        oracle.close(here(data())[name], want, rtol=2e-4, atol=1e-5, what=name)
        oracle.close(ours(data())[name], there(data())[name], rtol=2e-4, atol=1e-5, what=name)


def test_sequential_summary_looks_like_keras():
    keras = oracle.load()
    texts = []
    for k in (keras, kerasgpu):
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="one"), k.layers.Dropout(0.5, name="two")], name="s")
        lines = []
        model.summary(print_fn=lines.append, line_length=80)
        texts.append("\n".join(lines))
    theirs, ours = ([line.split() for line in text.strip().splitlines()] for text in texts)
    words = lambda rows: [[w.strip("┃│") for w in row if w.strip("┃│┏┓┡┩├┤└┘━─┳╇┼┴")] for row in rows]
    assert [r for r in words(ours) if r] == [r for r in words(theirs) if r]
