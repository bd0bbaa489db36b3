"""Models, data and comparisons for the tests of saving."""

import numpy as np

import kerasgpu as keras
from kerasgpu import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype("float32")
Y = RNG.normal(size=(32, 2)).astype("float32")


def sequential():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2)]
    )


def functional():
    a = keras.Input((6,), name="a")
    shared = layers.Dense(6, "tanh", name="shared")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.LayerNormalization()], name="inner")
    h = layers.Add()([shared(shared(a)), inner(inner(a))])
    return keras.Model(a, layers.Dense(2)(ops.concatenate([h, ops.square(a)], axis=1)))


@keras.saving.register_keras_serializable("tests")
class Residual(layers.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.steps = [layers.Dense(units), layers.Dropout(0.3, seed=4), layers.Dense(units)]

    def build(self, shape):
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        for step in self.steps:
            step.build(shape)

    def call(self, x, training=None):
        h = x
        for step in self.steps:
            h = step(h, training=training) if isinstance(step, layers.Dropout) else step(h)
        return self.activation(x + self.scale * h)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "activation": keras.activations.serialize(self.activation)}


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=6, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [Residual(units, "relu"), Residual(units, "tanh")]
        self.by_name = {"head": layers.Dense(2)}

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x, training=training)
        return self.by_name["head"](x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


MODELS = {"sequential": sequential, "functional": functional, "subclassed": Subclassed}


def trained(make, optimizer="adam", epochs=2):
    keras.utils.set_random_seed(3)
    model = make()
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return model


def same_weights(a, b, seeds=True):
    state = lambda m: [v for v in m.variables + m.optimizer.variables if seeds or "seed_generator" not in v.path]
    pairs = list(zip(state(a), state(b), strict=True))
    assert pairs
    for ours, theirs in pairs:
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.path)
