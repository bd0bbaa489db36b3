"""Whole models in the `.h5` format of Keras 2."""

import json

import h5py
import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu import layers
from tests.saving.models import MODELS, RNG, X, same_weights, trained


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_legacy_file(kind, tmp_path):
    model = trained(MODELS[kind])
    model.save(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))
    same_weights(model, again, seeds=False)  # the format has no place for them
    other = MODELS[kind]()
    other.load_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_legacy_weights_by_name(tmp_path):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="one"), layers.Dense(2, name="two")])
    model.save(tmp_path / "m.h5")
    other = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="two"), layers.Dense(9, name="new")])
    new = other.layers[1].get_weights()[0]
    other.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(other.layers[0].kernel.numpy(), model.layers[1].kernel.numpy())
    np.testing.assert_array_equal(other.layers[1].kernel.numpy(), new)
    with pytest.raises(ValueError, match=r"Layer count mismatch|Shape mismatch"):
        other.load_weights(tmp_path / "m.h5")


def test_config_of_keras_2(tmp_path):
    """A file as TensorFlow 2's Keras wrote them: names without modules, batch_input_shape, nested lists of nodes."""
    dense = lambda name, units, nodes: {
        "class_name": "Dense",
        "name": name,
        "config": {
            "name": name,
            "trainable": True,
            "dtype": "float32",
            "units": units,
            "activation": "relu",
            "use_bias": True,
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        },
        "inbound_nodes": nodes,
    }
    start = {"name": "in", "batch_input_shape": [None, 3], "dtype": "float32", "sparse": False, "ragged": False}
    norm = {"name": "bn", "dtype": "float32", "axis": [1], "momentum": 0.9}
    config = {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [
                {"class_name": "InputLayer", "name": "in", "config": start, "inbound_nodes": []},
                dense("d1", 4, [[["in", 0, 0, {}]]]),
                {"class_name": "BatchNormalization", "name": "bn", "config": norm, "inbound_nodes": [[["d1", 0, 0, {}]]]},
                {
                    "class_name": "Add",
                    "name": "add",
                    "config": {"name": "add"},
                    "inbound_nodes": [[["bn", 0, 0, {}], ["d1", 0, 0, {}]]],
                },
                dense("d2", 1, [[["add", 0, 0, {}]]]),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["d2", 0, 0]],
        },
    }
    training = {
        "loss": "mse",
        "metrics": [
            [{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "dtype": "float32", "fn": "mean_absolute_error"}}]
        ],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {
            "class_name": "Adam",
            "config": {
                "name": "Adam",
                "learning_rate": 0.25,
                "decay": 0.0,
                "beta_1": 0.9,
                "beta_2": 0.999,
                "epsilon": 1e-7,
                "amsgrad": False,
            },
        },
    }
    weights = {"d1": [("kernel:0", (3, 4)), ("bias:0", (4,))], "d2": [("kernel:0", (4, 1)), ("bias:0", (1,))]}
    weights["bn"] = [(f"{n}:0", (4,)) for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    values = {}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.8.0", "tensorflow"
        file.attrs["model_config"], file.attrs["training_config"] = json.dumps(config), json.dumps(training)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"in", b"d1", b"bn", b"add", b"d2"]
        for name in ("in", "d1", "bn", "add", "d2"):
            below = group.create_group(name)
            found = [(f"{name}/{n}", s) for n, s in weights.get(name, ())]
            below.attrs["weight_names"] = [n.encode() for n, _ in found]
            for n, s in found:
                values[n] = below[n] = RNG.uniform(0.5, 1, s).astype("float32")
                values[n] = np.array(below[n])
    model = keras.models.load_model(tmp_path / "old.h5")
    x = np.abs(X[:, :3])
    h = np.maximum(x @ values["d1/kernel:0"] + values["d1/bias:0"], 0)
    n = (h - values["bn/moving_mean:0"]) / np.sqrt(values["bn/moving_variance:0"] + 1e-3) * values["bn/gamma:0"] + values[
        "bn/beta:0"
    ]
    want = np.maximum((n + h) @ values["d2/kernel:0"] + values["d2/bias:0"], 0)
    np.testing.assert_allclose(model.predict(x, verbose=0), want, rtol=1e-5)
    assert float(model.optimizer.learning_rate) == 0.25
    assert set(model.evaluate(x, want, verbose=0, return_dict=True)) == {"loss", "mae"}
