"""Writes whole models in the `.h5` format of Keras 2, which Keras 3 still reads and writes.

file attributes   model_config, training_config: JSON;  keras_version, backend: text
model_weights/    attribute layer_names; one group per layer with attribute weight_names and the datasets named there
optimizer_weights/  attribute weight_names and its datasets
"""

from __future__ import annotations

import io
import json

import numpy as np

from kerasgpu.config import atomic_files as atomic
from kerasgpu.configs.serialization import serialize_keras_object
from kerasgpu.saving import writer
from kerasgpu.saving.legacy.training import objects_for_names

_ATTRIBUTE_BYTES = 64_000  # an HDF5 object header holds at most 64 KiB
TOP = "top_level_model_weights"


def save(model, path, include_optimizer=True) -> None:
    """Write a Sequential or Functional model (or another with a complete get_config()) with weights and optimizer state."""
    import h5py

    whole = serialize_keras_object(model)
    name = whole["registered_name"] if whole["registered_name"] and ">" in whole["registered_name"] else whole["class_name"]
    texts = {"model_config": {"class_name": name, "config": whole["config"]}}
    optimizer = getattr(model, "optimizer", None) if include_optimizer else None
    if optimizer is not None and whole.get("compile_config"):
        training = dict(whole["compile_config"])
        given = training.pop("optimizer")
        training["optimizer_config"] = {k: given[k] for k in ("class_name", "config")}
        training.update(objects_for_names(training))
        texts["training_config"] = training
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["keras_version"] = writer.KERAS_FORMAT.encode()
        file.attrs["backend"] = b"kerasgpu"
        for key, value in texts.items():
            file.attrs[key] = json.dumps(value).encode()
        _write_layers(file.create_group("model_weights"), model)
        if optimizer is not None and optimizer.variables:
            _write_variables(file.create_group("optimizer_weights"), optimizer.variables)
    atomic.write_bytes(buffer.getbuffer(), path)


def _write_layers(group, model):
    group.attrs["keras_version"] = writer.KERAS_FORMAT.encode()
    group.attrs["backend"] = b"kerasgpu"
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in sorted(model.layers, key=lambda x: x.name):
        _write_variables(group.create_group(layer.name), stored_variables(layer))
    _write_variables(group.create_group(TOP), top_variables(model))


def _write_variables(group, variables):
    names, used = [], set()
    for v in variables:
        name = v.path
        while name in used:
            name += "_1"
        used.add(name)
        names.append(name)
    _write_names(group, "weight_names", names)
    for name, v in zip(names, variables):
        value = v.numpy()
        group.create_dataset(name, data=value.astype("float32") if value.dtype.name == "bfloat16" else value)


def _write_names(group, name, texts):
    data = np.array([t.encode("utf-8") for t in texts]) if texts else np.array([], "S1")
    parts = max(1, -(-data.nbytes // _ATTRIBUTE_BYTES))
    if parts == 1:
        group.attrs[name] = data
    else:
        for k, part in enumerate(np.array_split(data, parts)):
            group.attrs[f"{name}{k}"] = part


def stored_variables(layer):
    """In the order of the format: what is trained first."""
    return layer.trainable_weights + layer.non_trainable_weights


def top_variables(model):
    """Variables of the model itself, not of its layers."""
    return [v for v in model._trainable_variables + model._non_trainable_variables if any(v is w for w in model.weights)]
