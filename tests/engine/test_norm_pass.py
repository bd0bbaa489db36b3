"""Batch normalization that takes in what follows it: which calls are left, and that no bit changes."""

import numpy as np
import pytest
from replays import replayed_kernels as replayed

import kerasgpu as keras
from kerasgpu import layers, ops
from kerasgpu.kernels import elementwise as ew
from kerasgpu.kernels import norm

VIEW = (1, 300, 12, 1)


def array(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def same(found, want):
    for a, b in zip(found, want):
        np.testing.assert_array_equal(a, b)


X, G, S = array(300, 12), array(300, 12, seed=1), array(300, 12, seed=2)
GAMMA, BETA = array(12, seed=3), array(12, seed=4)


@pytest.mark.parametrize("gamma, beta", [(GAMMA, BETA), (None, BETA), (GAMMA, None), (None, None)])
def test_relu_and_its_gradient(gamma, beta):
    def step():
        y, mean, variance, saved = norm.batch_norm(X, VIEW, gamma, beta)
        z = ew.relu(y)
        return [z, mean, variance, *norm.batch_norm_grad(X, ew.relu_grad(G, z), VIEW, mean, saved, gamma)]

    names, found, want = replayed(step)
    assert names == ["batch_norm", "batch_norm_grad"]
    same(found, want)


def test_residual_addition_and_relu():
    def step():
        y, mean, _, saved = norm.batch_norm(X, VIEW, GAMMA, BETA)
        z = ew.relu(ew.add(y, S))
        g = ew.relu_grad(G, z)
        return [z, ew.add(g, S), *norm.batch_norm_grad(X, g, VIEW, mean, saved, GAMMA)]

    names, found, want = replayed(step)
    assert names.count("batch_norm") == 1 and len(names) == 3  # the masked gradient is needed elsewhere and stays
    same(found, want)


def test_inference():
    mean, variance = array(12, seed=5), np.abs(array(12, seed=6))

    def step():
        return [ew.relu(norm.batch_norm_apply(X, VIEW[1:], mean, variance, GAMMA, BETA))]

    names, found, want = replayed(step)
    assert names == ["batch_norm_apply"]
    same(found, want)


def test_what_must_stay_apart():
    def result_is_needed():
        y = norm.batch_norm(X, VIEW)[0]
        return [y, ew.relu(y)]

    def twice():
        y = norm.batch_norm(X, VIEW)[0]
        return [ew.add(y, y)]

    def row():
        return [ew.add(norm.batch_norm(X, VIEW)[0], GAMMA)]

    def later():
        y = norm.batch_norm(X, VIEW)[0]
        return [ew.add(y, ew.mul(S, S))]

    def other_mask():
        y, mean, _, saved = norm.batch_norm(X, VIEW)
        return [ew.relu(y), *norm.batch_norm_grad(X, ew.relu_grad(G, S), VIEW, mean, saved)]

    for step in (result_is_needed, twice, row, later, other_mask):
        names, found, want = replayed(step)
        assert "elementwise" in names or step is other_mask, step.__name__
        if step is other_mask:
            assert names == ["batch_norm", "elementwise", "batch_norm_grad"]
        same(found, want)


def test_half_precision_stays_apart():
    x = X.astype("float16")
    names, found, want = replayed(lambda: [ew.relu(norm.batch_norm(x, VIEW)[0])])
    assert names == ["batch_norm", "elementwise"]
    same(found, want)


def test_a_residual_network_trains_to_the_same_bits():
    def build():
        keras.utils.set_random_seed(1)
        i = keras.Input((6, 6, 4))
        h = layers.ReLU()(layers.BatchNormalization()(i))
        h = layers.Dense(4)(h)
        h = layers.ReLU()(layers.Add()([layers.BatchNormalization()(h), i]))
        out = layers.Dense(2)(layers.GlobalAveragePooling2D()(h))
        return keras.Model(i, out)

    x, y = array(64, 6, 6, 4), array(64, 2, seed=9)
    weights = []
    for eagerly in (False, True):
        model = build()
        model.compile("sgd", "mse", run_eagerly=eagerly)
        model.fit(x, y, batch_size=16, epochs=3, verbose=0, shuffle=False)
        weights.append([*model.get_weights(), model.predict(x, verbose=0)])
    same(*weights)


def test_gradient_penalty_trains():
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017): the gradient of a gradient through normalizations."""
    keras.utils.set_random_seed(0)
    critic = keras.Sequential(
        [
            keras.Input((8,), dtype="float64"),
            layers.Dense(16, dtype="float64"),
            layers.BatchNormalization(dtype="float64"),
            layers.Activation("tanh", dtype="float64"),
            layers.LayerNormalization(dtype="float64"),
            layers.Dense(1, dtype="float64"),
        ]
    )
    x = array(32, 8, dtype="float64")

    def penalty(*values):
        for v, value in zip(critic.trainable_variables, values):
            v.assign(value)
        point = ops.convert_to_tensor(x)
        with keras.GradientTape() as outer:
            with keras.GradientTape() as inner:
                inner.watch(point)
                score = critic(point, training=True)
            slope = inner.gradient(score, point)
            loss = ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=1)) - 1.0))
        return float(loss), [
            np.asarray(g) for g in outer.gradient(loss, critic.trainable_variables, unconnected_gradients="zero")
        ]

    values = [v.numpy() for v in critic.trainable_variables]
    directions = [array(*v.shape, seed=k, dtype="float64") for k, v in enumerate(values)]
    _, grads = penalty(*values)
    step = 1e-6
    ahead, _ = penalty(*[v + step * d for v, d in zip(values, directions)])
    behind, _ = penalty(*[v - step * d for v, d in zip(values, directions)])
    along = sum(float(np.sum(g * d)) for g, d in zip(grads, directions))
    np.testing.assert_allclose(along, (ahead - behind) / (2 * step), rtol=1e-5)
