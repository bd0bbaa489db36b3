"""Model files exchanged with real Keras, in both directions: outputs, optimizer state, and the losses of further training."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import kerasgpu

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SHARED = """
import numpy as np

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 6)).astype("float32"), RNG.normal(size=(32, 2)).astype("float32")

def make(keras, kind, optimizer):
    layers = keras.layers

    @keras.saving.register_keras_serializable("parity")
    class Block(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.inner = [layers.Dense(units, "tanh"), layers.Dense(units)]
        def build(self, shape):
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            for layer in self.inner:
                layer.build(shape)
        def call(self, x):
            h = x
            for layer in self.inner:
                h = layer(h)
            return x + self.scale * h
        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @keras.saving.register_keras_serializable("parity")
    class Net(keras.Model):
        def __init__(self, units=6, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.blocks = [Block(units), Block(units)]
            self.head = layers.Dense(2)
        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(x)
        def get_config(self):
            return {**super().get_config(), "units": self.units}

    keras.utils.set_random_seed(1)
    if kind == "sequential":
        model = keras.Sequential([keras.Input((6,)), layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dense(2)])
    elif kind == "functional":
        a = keras.Input((6,))
        shared = layers.Dense(6, "tanh")
        inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.LayerNormalization()])
        h = layers.Add()([shared(shared(a)), inner(inner(a))])
        model = keras.Model(a, layers.Dense(2)(keras.ops.concatenate([h, keras.ops.square(a)], axis=1)))
    else:
        model = Net()
    model.compile(optimizer, "mse", metrics=["mae"])
    return model

def further(model):
    out = np.asarray(model.predict(X, verbose=0))
    history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    return {"out": out, "loss": np.array(history["loss"]), "mae": np.array(history["mae"]), "steps": int(model.optimizer.iterations)}
"""

WRITE = (
    "model = make(keras, kind, optimizer); model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0); model.save(path)"
)
READ = "make(keras, kind, optimizer); model = keras.models.load_model(path)"


def in_keras(tmp_path, code, kind, optimizer, path):
    """Run a piece of code with real Keras in a process of its own; returns what `further(model)` gives there."""
    result = tmp_path / "result.npz"
    script = (
        f"import keras\n{SHARED}\nkind, optimizer, path = {kind!r}, {optimizer!r}, {str(path)!r}\n{code}\n"
        f"np.savez({str(result)!r}, **further(model))"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(result) as found:
        return dict(found)


def compare(ours, theirs):
    for key, want in theirs.items():
        np.testing.assert_allclose(ours[key], want, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.fixture(autouse=True)
def needs_keras():
    pytest.importorskip("jax")
    pytest.importorskip("keras")


CASES = [("sequential", "adam"), ("functional", "rmsprop"), ("subclassed", "sgd"), ("subclassed", "adamw")]


@pytest.fixture
def space():
    found = {}
    exec(SHARED, found)  # the same code builds the model on both sides
    return found


@pytest.mark.parametrize("kind,optimizer", CASES)
def test_keras_writes_and_we_go_on(kind, optimizer, tmp_path, space):
    path = tmp_path / "theirs.keras"
    theirs = in_keras(tmp_path, WRITE, kind, optimizer, path)
    space["make"](kerasgpu, kind, optimizer)
    compare(space["further"](kerasgpu.models.load_model(path)), theirs)


@pytest.mark.parametrize("kind,optimizer", CASES)
def test_we_write_and_keras_goes_on(kind, optimizer, tmp_path, space):
    path = tmp_path / "ours.keras"
    model = space["make"](kerasgpu, kind, optimizer)
    model.fit(space["X"], space["Y"], batch_size=8, epochs=2, shuffle=False, verbose=0)
    model.save(path)
    compare(space["further"](model), in_keras(tmp_path, READ, kind, optimizer, path))


# Real Keras cannot read short names of losses, ops as nodes, or the optimizer state (on JAX) of its own `.h5` files.
LONG = """
def plain(keras):
    layers = keras.layers
    a = keras.Input((6,))
    shared = layers.Dense(6, "tanh", kernel_regularizer="l2")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.BatchNormalization()])
    model = keras.Model(a, layers.Dense(2)(layers.Concatenate()([shared(shared(a)), inner(inner(a))])))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model
"""


def test_legacy_file_of_keras(tmp_path, space):
    path = tmp_path / "theirs.h5"
    code = LONG + "keras.utils.set_random_seed(1); model = plain(keras); model.save(path)"
    theirs = in_keras(tmp_path, code, "", "", path)
    compare(space["further"](kerasgpu.models.load_model(path)), theirs)


def test_legacy_file_of_ours(tmp_path, space):
    path = tmp_path / "ours.h5"
    exec(LONG, space)
    model = space["plain"](kerasgpu)
    model.save(path)
    ours = {"out": model.predict(space["X"], verbose=0)}
    code = "model = keras.models.load_model(path); found = {'out': model.predict(X, verbose=0)}; further = lambda model: found"
    compare(ours, in_keras(tmp_path, code, "", "", path))


def test_weights_files_go_both_ways(tmp_path, space):
    ours = space["make"](kerasgpu, "functional", "adam")
    ours.fit(space["X"], space["Y"], batch_size=8, shuffle=False, verbose=0)
    ours.save_weights(tmp_path / "ours.weights.h5")
    code = "model = make(keras, kind, optimizer); model.optimizer.build(model.trainable_variables); "
    code += f"model.load_weights({str(tmp_path / 'ours.weights.h5')!r}); model.save_weights(path)"
    path = tmp_path / "theirs.weights.h5"
    theirs = in_keras(tmp_path, code, "functional", "adam", path)
    again = space["make"](kerasgpu, "functional", "adam")
    again.optimizer.build(again.trainable_variables)
    again.load_weights(path)
    compare(space["further"](again), theirs)
    compare(space["further"](ours), theirs)


@pytest.mark.parametrize("kind,optimizer", CASES)
def test_sharded_weights_go_both_ways(kind, optimizer, tmp_path, space):
    ours = space["make"](kerasgpu, kind, optimizer)
    ours.fit(space["X"], space["Y"], batch_size=8, shuffle=False, verbose=0)
    size = 300 / 1024**3
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
    ours.save_weights(tmp_path / "ours" / "a.weights.json", max_shard_size=size)
    code = "model = make(keras, kind, optimizer); model(X); model.optimizer.build(model.trainable_variables); "
    code += f"model.load_weights({str(tmp_path / 'ours' / 'a.weights.json')!r}); "
    code += f"model.save_weights(path, max_shard_size={size})"
    path = tmp_path / "theirs" / "a.weights.json"
    theirs = in_keras(tmp_path, code, kind, optimizer, path)
    assert len(list(path.parent.iterdir())) > 3
    assert json.loads(path.read_text()) == json.loads((tmp_path / "ours" / "a.weights.json").read_text())
    again = space["make"](kerasgpu, kind, optimizer)
    again(space["X"])
    again.optimizer.build(again.trainable_variables)
    again.load_weights(path)
    compare(space["further"](again), theirs)
    compare(space["further"](ours), theirs)
