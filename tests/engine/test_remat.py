"""keras.remat and RematScope: the same gradients, computed without keeping what lies between."""

import weakref

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5)).astype("float32")


def gradients(function, sources):
    with keras.GradientTape() as tape:
        tape.watch([s for s in sources if not hasattr(s, "assign")])
        y = function()
    return [y.numpy()] + [None if g is None else g.numpy() for g in tape.gradient(y, sources)]


def same(a, b):
    for x, y in zip(a, b, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            np.testing.assert_allclose(np.asarray(x, "float64"), np.asarray(y, "float64"), rtol=2e-5, atol=1e-6)


def test_gradients_of_arguments_variables_and_outer_tensors():
    w, x = keras.Variable(rng.normal(size=(5, 3))), ops.convert_to_tensor(X)

    def run(wrap):
        h = ops.tanh(x)  # a tensor from outside with a history of its own

        def f(a, scale=1.0):
            y = ops.matmul(ops.exp(a * 0.1) + h, w)
            return ops.sum(y * y) * scale, y

        total, y = wrap(f)(h * 2.0, scale=0.5)
        return total + ops.sum(y)

    same(gradients(lambda: run(keras.remat), [w, x]), gradients(lambda: run(lambda f: f), [w, x]))


def test_intermediate_results_are_not_kept():
    kept, calls = [], []

    def f(x):
        calls.append(1)
        h = ops.exp(x)
        kept.append(weakref.ref(h))
        return ops.sum(h * h)

    x = keras.Variable(X)
    with keras.GradientTape() as tape:
        y = keras.remat(f)(x)
        assert kept[0]() is None and len(calls) == 1
    g = tape.gradient(y, x)
    assert len(calls) == 2
    np.testing.assert_allclose(g, 2 * np.exp(2 * X), rtol=1e-5)


def test_second_derivative_and_nesting():
    cube = keras.remat(lambda x: x * keras.remat(lambda t: t * t)(x))
    assert float(keras.grad(cube)(2.0)) == 12.0
    assert float(keras.grad(keras.grad(cube))(2.0)) == 12.0
    with keras.no_grad():
        assert float(cube(ops.convert_to_tensor(2.0))) == 8.0
    identity = keras.remat(lambda x: x)
    assert float(keras.grad(lambda x: identity(x) * 3.0)(2.0)) == 3.0


def test_dropout_and_moving_statistics_are_those_of_the_first_run():
    def build(scope):
        keras.utils.set_random_seed(1)
        with scope:
            return [
                layers.Dense(6, activation="gelu"),
                layers.Dropout(0.5, seed=3),
                layers.BatchNormalization(),
                layers.Dropout(0.5, seed=4),
            ]

    def run(stack):
        x = ops.convert_to_tensor(X)
        for layer in stack:
            x = layer(x, training=True) if layer is not stack[0] else layer(x)
        return ops.sum(x * x)

    plain, again = build(keras.RematScope(None)), build(keras.RematScope("full"))
    for stack in (plain, again):
        run(stack)
    for _ in range(2):
        same(*[gradients(lambda s=s: run(s), s[0].trainable_weights + s[2].trainable_weights) for s in (plain, again)])
    for a, b in zip(plain, again):
        for v, w in zip(a.variables, b.variables):
            np.testing.assert_array_equal(v, w)
    assert float(again[2].moving_mean.numpy().sum()) != 0


def test_variables_changed_before_the_gradient_keep_their_old_values():
    w = keras.Variable(3.0)
    with keras.GradientTape() as tape:
        y = keras.remat(lambda: w * w)()
    w.assign(100.0)
    assert float(tape.gradient(y, w)) == 6.0


def test_two_draws_and_a_write_inside_the_function():
    seed, w = keras.random.SeedGenerator(5), keras.Variable(2.0)

    def f(x):
        a = keras.random.dropout(x, 0.5, seed=seed)
        w.assign(w * 3.0)
        return ops.sum(a * w + keras.random.dropout(x, 0.5, seed=seed) * x)

    def run(wrap):
        seed.state.assign(keras.random.SeedGenerator(5).state)
        w.assign(2.0)
        return wrap(f)(x)

    x = ops.convert_to_tensor(X)
    plain = gradients(lambda: run(lambda f: f), [x, w])
    same(gradients(lambda: run(keras.remat), [x, w]), plain)
    assert float(w) == 6.0


@pytest.mark.parametrize("eagerly", [True, False])
@pytest.mark.parametrize("mode", ["full", "activations", "larger_than", "list_of_layers"])
def test_training_gives_the_same_weights(mode, eagerly):
    def train(mode):
        keras.utils.set_random_seed(2)
        with keras.RematScope(mode, output_size_threshold=30, layer_names=["one", "drop"]):
            stack = [
                keras.Input((5,)),
                layers.Dense(16, activation="tanh", name="one"),
                layers.Dropout(0.3, name="drop"),
                layers.BatchNormalization(name="norm"),
                layers.Dense(1, name="last"),
            ]
            model = keras.Sequential(stack)
        model.compile("adam", "mse", run_eagerly=eagerly)
        x = np.random.default_rng(1).normal(size=(40, 5)).astype("float32")
        model.fit(x, x.sum(1, keepdims=True), batch_size=8, epochs=3, verbose=0)
        return model.get_weights()

    for a, b in zip(train(None), train(mode)):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_mixed_precision_is_recomputed_in_the_same_dtype():
    with keras.RematScope("full"):
        layer = layers.Dense(3, dtype="mixed_float16", activation="tanh")
    plain = layers.Dense(3, dtype="mixed_float16", activation="tanh")
    layer.build((None, 5)), plain.build((None, 5))
    plain.set_weights(layer.get_weights())
    same(*[gradients(lambda m=m: ops.sum(ops.cast(m(X), "float32")), m.trainable_weights) for m in (layer, plain)])


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match="KerasTensors cannot be recomputed"):
        keras.remat(ops.exp)(keras.Input((3,)))
    with pytest.raises(ValueError, match="Supported modes"):
        keras.RematScope("some")

    class Adds(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    with keras.RematScope("full"):
        layer = Adds()
    with keras.GradientTape() as tape, pytest.raises(NotImplementedError, match="add_loss"):
        x = ops.convert_to_tensor(X)
        tape.watch(x)
        layer(x)
