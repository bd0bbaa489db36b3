"""Files that tf_keras (Keras 2) itself writes, in all of its formats."""

import os

import numpy as np
import pytest

import kerasgpu as keras

pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def tf_keras():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("tf_keras")


def _dense(K):
    x = K.layers
    return K.Sequential([K.Input((6,)), x.Dense(5, "relu"), x.BatchNormalization(), x.Dense(5, "hard_sigmoid"), x.Dense(5)])


def _image(K):
    x = K.layers
    start = K.Input((10, 10, 3))
    y = x.DepthwiseConv2D(3)(x.Conv2D(4, 3, activation="relu", padding="same")(start))
    y = x.LeakyReLU(0.2)(x.SeparableConv2D(5, 3)(x.BatchNormalization()(y)))
    return K.Model(start, x.Dense(3)(x.Flatten()(x.LocallyConnected2D(2, 3)(x.PReLU(shared_axes=[1, 2])(y)))))


def _siamese(K):
    x = K.layers
    base = K.Sequential([K.Input((6,)), x.Dense(6), x.BatchNormalization(), x.Dense(6), x.BatchNormalization()], name="base")
    base.trainable = False
    a, b = K.Input((6,)), K.Input((6,))
    return K.Model([a, b], x.Dense(2)(base(base(a)) - 2.0 * base(b)))


MODELS = {"dense": (_dense, [(4, 6)]), "image": (_image, [(2, 10, 10, 3)]), "siamese": (_siamese, [(3, 6), (3, 6)])}


@pytest.mark.parametrize("ending", [".h5", ".keras", "weights", ".weights.h5"])
@pytest.mark.parametrize("kind", MODELS)
def test_predictions(tf_keras, tmp_path, kind, ending):
    make, shapes = MODELS[kind]
    theirs = make(tf_keras)
    theirs.set_weights([RNG.uniform(0.2, 1, w.shape) for w in theirs.get_weights()])
    path = str(tmp_path / "m") + (ending if ending.startswith(".") else "_w.h5")
    if ending in (".h5", ".keras"):
        theirs.save(path)
        ours = keras.models.load_model(path, compile=False)
    else:
        theirs.save_weights(path)
        ours = keras.models.model_from_json(theirs.to_json())
        ours.load_weights(path)
    x = [RNG.normal(size=s).astype("float32") for s in shapes]
    want = np.asarray(theirs(x if len(x) > 1 else x[0], training=False))
    np.testing.assert_allclose(ours.predict(x if len(x) > 1 else x[0], verbose=0), want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
@pytest.mark.parametrize(
    "name", ["Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Ftrl", "Lion", "legacy.Adam", "legacy.SGD"]
)
def test_next_step(tf_keras, tmp_path, name, ending):
    """Training goes on with the optimizer's state as if it had never stopped."""
    if name.startswith("legacy") and ending == ".keras":
        pytest.skip("tf_keras stores no state of these")
    cls = getattr(tf_keras.optimizers.legacy if "." in name else tf_keras.optimizers, name.rpartition(".")[2])
    theirs = tf_keras.Sequential([tf_keras.Input((6,)), tf_keras.layers.Dense(6, "tanh"), tf_keras.layers.Dense(6)])
    theirs.compile(cls(0.01, **({"momentum": 0.9} if "SGD" in name else {})), "mse")
    x, y = RNG.normal(size=(4, 6)).astype("float32"), RNG.normal(size=(4, 6)).astype("float32")
    theirs.fit(x, y, epochs=3, verbose=0)
    theirs.save(tmp_path / f"m{ending}")
    ours = keras.models.load_model(tmp_path / f"m{ending}")
    theirs.train_on_batch(x, y)
    ours.train_on_batch(x, y)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
