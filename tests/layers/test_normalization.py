"""Normalization layers: statistics that move, freeze, skip what is masked, and half precision."""

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.ops.primitives import norm


def array(*shape, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 2 + 1).astype("float32")


def normalized(x, axes, epsilon=1e-3):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -3])
def test_batch_normalization_of_any_axis(axis):
    x = array(3, 4, 5, 6)
    layer = layers.BatchNormalization(axis=axis, momentum=0.9)
    over = tuple(k for k in range(4) if k != axis % 4)
    np.testing.assert_allclose(layer(x, training=True), normalized(x, over), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean(over), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(over), rtol=1e-5)
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    mean, variance = (np.reshape(v.numpy(), shape) for v in (layer.moving_mean, layer.moving_variance))
    np.testing.assert_allclose(layer(x), (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5)


def test_a_frozen_layer_uses_and_keeps_its_averages():
    x = array(8, 3)
    layer = layers.BatchNormalization()
    layer.build(x.shape)
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1 + 1e-3), rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
    point = ops.convert_to_tensor(x)
    with keras.GradientTape() as tape:
        tape.watch(point)
        total = ops.sum(layer(point, training=True))
    np.testing.assert_allclose(tape.gradient(total, point), np.full(x.shape, 1 / np.sqrt(1 + 1e-3)), rtol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_gradients_of_the_layer(scale, center):
    x, g = array(6, 5), array(6, 5, seed=1)
    layer = layers.BatchNormalization(scale=scale, center=center, dtype="float64")
    layer.build(x.shape)
    assert len(layer.trainable_variables) == scale + center
    point = ops.convert_to_tensor(x.astype("float64"))

    def loss(value):
        return float(np.sum(normalized(value, 0) * g))

    with keras.GradientTape(persistent=True) as tape:
        tape.watch(point)
        total = ops.sum(layer(point, training=True) * g.astype("float64"))
    direction = array(6, 5, seed=2).astype("float64")
    wide = x.astype("float64")
    slope = (loss(wide + 1e-6 * direction) - loss(wide - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(float(ops.sum(tape.gradient(total, point) * direction)), slope, rtol=1e-6)
    wanted = [(normalized(wide, 0) * g).sum(0)] * scale + [g.sum(0)] * center
    for found, want in zip(tape.gradient(total, layer.trainable_variables), wanted):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_masked_positions_count_for_nothing():
    x = array(4, 7, 3)
    mask = np.random.default_rng(1).random((4, 7)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0)
    y = layer(x, training=True, mask=mask)
    np.testing.assert_allclose(layer.moving_mean, x[mask].mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, x[mask].var(0), rtol=1e-4)
    np.testing.assert_allclose(y, (x - x[mask].mean(0)) / np.sqrt(x[mask].var(0) + 1e-3), rtol=1e-3, atol=1e-4)
    x[~mask] = np.nan
    assert not np.isnan(np.asarray(layer(x, training=True, mask=mask))[mask]).any()
    with pytest.raises(ValueError, match="one dimension less"):
        layer(x, mask=mask[0])


def test_synchronized_has_one_replica():
    x = array(6, 3)
    layer = layers.BatchNormalization(synchronized=True)
    np.testing.assert_allclose(layer(x, training=True), normalized(x, 0), rtol=1e-4, atol=1e-5)
    assert layers.BatchNormalization.from_config(layer.get_config()).synchronized


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "make",
    [
        layers.BatchNormalization,
        layers.LayerNormalization,
        layers.RMSNormalization,
        lambda **k: layers.GroupNormalization(2, **k),
    ],
)
def test_half_precision_keeps_float32_statistics(make, policy):
    x = array(300, 8) * 100  # squares overflow float16
    layer, plain = make(dtype=policy), make()
    y = layer(x, training=True)
    assert y.dtype == layer.compute_dtype and all(v.dtype == "float32" for v in layer.weights if "moving" in v.name)
    np.testing.assert_allclose(np.asarray(ops.cast(y, "float32")), plain(x, training=True), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("groups", [1, 3, -1])
def test_group_normalization(groups, axis):
    x = array(2, 6, 4, 6)
    layer = layers.GroupNormalization(groups=groups, axis=axis)
    n = 6 if groups == -1 else groups
    moved = x if axis == 1 else x.transpose(0, 3, 1, 2)
    want = normalized(moved.reshape(2, n, -1), 2).reshape(moved.shape)
    np.testing.assert_allclose(layer(x), want if axis == 1 else want.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


def test_large_mean_with_small_variance():
    x = (1e4 + 1e-2 * np.random.default_rng(0).standard_normal((4096, 4))).astype("float32")
    for layer, axis in ((layers.BatchNormalization(epsilon=1e-6), 0), (layers.LayerNormalization(axis=0, epsilon=1e-6), 0)):
        if isinstance(layer, layers.BatchNormalization):
            np.testing.assert_allclose(
                layer(x, training=True), normalized(x.astype("float64"), axis, 1e-6), rtol=1e-4, atol=1e-4
            )
            np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * x.astype("float64").var(0), rtol=1e-5)


def test_replayed_steps_have_the_bits_of_eager_ones():
    x = array(32, 6)
    found = []
    for wrap in (lambda f: f, keras.jit):
        keras.utils.set_random_seed(0)
        layer = layers.BatchNormalization()
        layer.build(x.shape)

        @wrap
        def step(batch, layer=layer):
            with keras.GradientTape() as tape:
                loss = ops.mean(ops.square(ops.relu(layer(batch, training=True))))
            return [loss, *tape.gradient(loss, layer.trainable_variables)]

        results = [[np.asarray(v) for v in step(array(32, 6, seed=k))] for k in range(5)]
        found.append([*[v for r in results for v in r], layer.moving_mean.numpy(), layer.moving_variance.numpy()])
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_moving_averages_are_one_launch():
    ones = ops.ones((3,))
    mean, variance = norm.moving_averages(ops.zeros((3,)), ones, ones * 2, ones * 3, 0.75)
    assert mean.tolist() == [0.5] * 3 and variance.tolist() == [1.5] * 3
