"""Whole models in the `.h5` format of Keras 2, which Keras 3 still reads and writes.

file attributes   model_config, training_config: JSON;  keras_version, backend: text
model_weights/    attribute layer_names; one group per layer with attribute weight_names and the datasets named there
optimizer_weights/  attribute weight_names and its datasets
"""

from __future__ import annotations

import io
import json
import warnings

import numpy as np

from kerasgpu.configs.registry import CustomObjectScope, scope_objects
from kerasgpu.configs.serialization import ObjectSharingScope, SafeModeScope, serialize_keras_object
from kerasgpu.saving import atomic, loader, writer
from kerasgpu.saving.legacy_config import modern_config, modern_training, objects_for_names
from kerasgpu.saving.reader import BadModelFile, LegacyFile, budget_for, largest_of

_ATTRIBUTE_BYTES = 64_000  # an HDF5 object header holds at most 64 KiB
TOP = "top_level_model_weights"


# -- writing ----------------------------------------------------------------------------------------------------
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
        _write_variables(group.create_group(layer.name), _variables(layer))
    _write_variables(group.create_group(TOP), _top_variables(model))


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


# -- reading ----------------------------------------------------------------------------------------------------
def load(path, custom_objects=None, compile=True, safe_mode=True):
    """The model of a legacy `.h5` file, with weights, and compiled with its optimizer state if it was."""
    with LegacyFile(path, path) as file:
        config = file.json("model_config")
        if not isinstance(config, dict):
            raise BadModelFile(f"{path} has no model_config: it holds weights only. Make the model and call load_weights()")
        with budget_for(file), ObjectSharingScope():
            model = loader.build(modern_config(config), path, custom_objects, safe_mode)
            if not hasattr(model, "layers"):
                raise BadModelFile(f"{path} holds a {type(model).__name__}, not a model")
            if not model.built and file.names(file.weights_group(), "layer_names"):
                _refuse_unbuilt(model, file)
            if model.built:
                restore(model, file)
            if compile:
                _compile(model, file, custom_objects, safe_mode)
    return model


def _refuse_unbuilt(model, file):
    top = file.weights_group()
    for name in file.names(top, "layer_names"):
        group = file.child(top, name) if "/" not in name else None
        if group is not None and file.names(group, "weight_names"):
            raise ValueError(
                f"{file.name}: the model has weights in the file, but its config has no input shape, so it could not be built. "
                "Make the model in code, build it, and call load_weights()"
            )


def _compile(model, file, custom_objects, safe_mode):
    training = file.json("training_config")
    if not isinstance(training, dict) or not isinstance(training.get("optimizer_config"), dict):
        warnings.warn(
            f"{file.name} has no training configuration: the model was not compiled. Compile it manually.", stacklevel=4
        )
        return

    with CustomObjectScope({**scope_objects(), **(custom_objects or {})}), SafeModeScope(safe_mode):
        model.compile(**modern_training(training))
    group = file.group("optimizer_weights")
    if group is None or not model.built:
        return
    model.optimizer.build(model.trainable_variables)
    file.largest = largest_of(model.optimizer.variables)
    values = [value for _, value in file.values(group)]
    mine = model.optimizer.variables
    if len(values) + 1 == len(mine):  # Keras 2 kept the learning rate in the config alone
        mine = [mine[0], *mine[2:]]
    if [v.shape for v in values] != [tuple(v.shape) for v in mine]:
        if len(values) > 2:
            warnings.warn(
                f"{file.name}: the optimizer state in the file does not fit '{model.optimizer.name}', which starts afresh",
                stacklevel=4,
            )
        return
    for v, value in zip(mine, values):
        v.assign(value)


def load_weights(model, path, by_name=False, skip_mismatch=False) -> None:
    """Set the variables of a built model from a legacy `.h5` file, by the order of the layers or by their names."""
    with LegacyFile(path, path) as file:
        if not model.built:
            raise ValueError(
                "Unable to load weights saved in HDF5 format into a subclassed Model which has not created its variables yet. "
                "Call the Model first, then load the weights."
            )
        restore(model, file, by_name, skip_mismatch)


def restore(model, file, by_name=False, skip_mismatch=False) -> None:
    """Match layers of the model with groups of the file, and set their variables."""
    file.largest = largest_of(model.variables)
    group = file.weights_group()
    saved = {}
    for name in file.names(group, "layer_names"):
        below = group
        for part in name.split("/"):
            below = file.child(below, part) if below is not None else None
        if below is None:
            raise BadModelFile(f"{file.name} has no group for layer {name!r}, which its list of layers names")
        saved[name] = below
    if by_name:
        pairs = [(layer, name) for name in saved for layer in model.layers if layer.name == name]
    else:
        layers = [layer for layer in model.layers if _variables(layer)]
        names = [name for name, below in saved.items() if file.names(below, "weight_names")]
        if len(layers) != len(names):
            raise ValueError(
                f"Layer count mismatch when loading weights from file. Model expected {len(layers)} layers, found {len(names)} "
                "saved layers."
            )
        pairs = list(zip(layers, names))
    for k, (layer, name) in enumerate(pairs):
        where = f"layer #{k} (named {layer.name}, {name} in the file)"
        _set(layer, _variables(layer), file.values(saved[name]), where, skip_mismatch)
    top = file.child(group, TOP)
    if top is not None:
        _set(model, _top_variables(model), file.values(top), "the top-level weights of the model", skip_mismatch)


def _set(owner, variables, values, where, skip_mismatch):
    def refuse(text):
        if not skip_mismatch:
            raise ValueError(text)
        warnings.warn(f"Skipping loading of weights: {text}", stacklevel=4)

    if len(values) != len(variables):
        return refuse(
            f"Weight count mismatch for {where}. It expects {len(variables)} weight(s). Received {len(values)} saved ones"
        )
    for v, (name, value) in zip(variables, values):
        if tuple(v.shape) != value.shape:
            refuse(
                f"Shape mismatch in {where} for weight {v.path}. Weight expects shape {tuple(v.shape)}. Received saved weight "
                f"{name} with shape {value.shape}"
            )
        else:
            v.assign(value)
    if variables and hasattr(owner, "finalize_state"):
        owner.finalize_state()


def _variables(layer):
    """In the order of the format: what is trained first."""
    return layer.trainable_weights + layer.non_trainable_weights


def _top_variables(model):
    """Variables of the model itself, not of its layers."""
    return [v for v in model._trainable_variables + model._non_trainable_variables if any(v is w for w in model.weights)]
