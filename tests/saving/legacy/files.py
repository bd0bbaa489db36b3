"""Writes `.h5` files as old versions of Keras did, from configs in their own words."""

import json

import h5py
import numpy as np


def write(path, config, layers, training=None, version="2.15.0", backend="tensorflow", optimizer=None, whole=True):
    """layers: {group: [(weight name, array)]}; optimizer: [(name, array)]; whole=False writes what save_weights() did."""
    with h5py.File(path, "w") as file:
        top = file.create_group("model_weights") if whole else file
        if whole:
            file.attrs["model_config"] = json.dumps(config)
        for group in (file, top):
            group.attrs["keras_version"] = version
            if backend is not None:
                group.attrs["backend"] = backend
        if training is not None:
            file.attrs["training_config"] = json.dumps(training)
        top.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for name, weights in layers.items():
            _values(top.create_group(name), weights)
        if optimizer is not None:
            _values(file.create_group("optimizer_weights"), optimizer)
    return str(path)


def _values(group, weights):
    group.attrs["weight_names"] = np.array([n.encode() for n, _ in weights]) if weights else np.array([], "S1")
    for name, array in weights:
        group[name] = np.asarray(array, None if np.ndim(array) == 0 else "float32")


def layer(class_name, name, nodes=None, **config):
    made = {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}
    return made if nodes is None else {**made, "name": name, "inbound_nodes": nodes}


def dense(name, units, activation="linear", nodes=None, **more):
    initializer = lambda cls: {"class_name": cls, "config": {"dtype": "float32"}}
    given = {
        "kernel_initializer": initializer("GlorotUniform"),
        "bias_initializer": initializer("Zeros"),
        "dtype": "float32",
        **more,
    }
    return layer("Dense", name, nodes, units=units, activation=activation, use_bias=True, **given)


def source(name, shape):
    """An InputLayer."""
    config = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": name}
    return {"class_name": "InputLayer", "name": name, "config": config, "inbound_nodes": []}


def model(*layers, outputs, inputs=("in",), class_name="Functional"):
    ends = lambda names: [list(n) if isinstance(n, tuple) else [n, 0, 0] for n in names]
    return {
        "class_name": class_name,
        "config": {"name": "m", "layers": list(layers), "input_layers": ends(inputs), "output_layers": ends(outputs)},
    }


def sequential(*layers, shape=None):
    first = [{"class_name": "InputLayer", "config": source("in", shape)["config"]}] if shape is not None else []
    return {"class_name": "Sequential", "config": {"name": "s", "layers": [*first, *layers]}}
