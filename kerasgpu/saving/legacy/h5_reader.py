"""Reads whole models from `.h5` files of any version of Keras. The format is described in h5_writer.py."""

from __future__ import annotations

import warnings

from kerasgpu import layers, missing
from kerasgpu.configs import public_names
from kerasgpu.configs.registry import CustomObjectScope, scope_objects
from kerasgpu.configs.serialization import ObjectSharingScope, SafeModeScope
from kerasgpu.saving import build as builder
from kerasgpu.saving.legacy import h5_weights, optimizer_state
from kerasgpu.saving.legacy.convert import Converter
from kerasgpu.saving.legacy.training import modern_training
from kerasgpu.saving.reader import BadModelFile, LegacyFile, budget_for, largest_of


def load(path, custom_objects=None, compile=True, safe_mode=True):
    """The model of a legacy `.h5` file, with weights, and compiled with its optimizer state if it was."""
    with LegacyFile(path, path) as file:
        config = file.json("model_config")
        if not isinstance(config, dict):
            raise BadModelFile(f"{path} has no model_config: it holds weights only. Make the model and call load_weights()")
        converter = Converter(h5_weights.version_of(file), custom_objects or ())
        with budget_for(file), ObjectSharingScope():
            model = build(config, path, converter, custom_objects, safe_mode)
            if not model.built and file.names(file.weights_group(), "layer_names"):
                _refuse_unbuilt(model, file)
            if model.built:
                h5_weights.restore(model, file, by_name="if the names are the same")
            if compile:
                _compile(model, file, converter, custom_objects, safe_mode)
    return model


def build(config, name, converter, custom_objects=None, safe_mode=True):
    """The model of an old config. What is wrong with it ends in one sentence that names the file."""
    try:
        made = converter.convert(config)
        if converter.eras:
            check_classes(made, converter)
        model = builder.build(made, name, custom_objects, safe_mode)
    except BadModelFile:
        raise
    except (ValueError, TypeError, NotImplementedError) as error:
        raise _in_one_sentence(name, error) from error
    except (LookupError, AttributeError, ArithmeticError) as error:
        raise BadModelFile(f"{name}: its config is damaged ({type(error).__name__}: {error})") from error
    if not hasattr(model, "layers"):
        raise BadModelFile(f"{name} holds a {type(model).__name__}, not a model")
    return model


def _in_one_sentence(name, error):
    """The innermost of a chain of errors says what is wrong; those around it quote whole configs."""
    inner = error
    while (inner.__cause__ or inner.__context__) is not None:
        inner = inner.__cause__ or inner.__context__
    kind = next((k for k in (NotImplementedError, TypeError) if isinstance(inner, k)), ValueError)
    text = str(inner.args[0]) if isinstance(inner, KeyError) and inner.args else str(inner)
    return kind(f"{name}: {text}")


def check_classes(config, converter):
    """An error that names the layer and its class, before anything is made, for a class that is not there."""
    if isinstance(config, list):
        for x in config:
            check_classes(x, converter)
    if not isinstance(config, dict):
        return
    name, inner = config.get("class_name"), config.get("config")
    if isinstance(name, str) and isinstance(inner, dict) and isinstance(inner.get("name"), str) and "layers" not in inner:
        _check_class(name, config, converter)
    for value in config.values():
        check_classes(value, converter)


def _check_class(name, config, converter):
    known = {name, config.get("registered_name")} & converter.custom
    if name == "Lambda" and not known:
        _refuse_code(config["config"])
    if known or name.startswith("__") or name == "function" or _is_known(name, config):
        return
    layer = config["config"]["name"]
    if name in layers._MISSING:
        raise NotImplementedError(f"layer '{layer}' is a {name}: {missing.message('kerasgpu.layers', name)}")
    if "inbound_nodes" in config or "trainable" in config["config"]:
        short = name.rpartition(">")[2]
        raise TypeError(
            f"layer '{layer}' is of the class {name!r}, which is neither a layer of Keras nor registered; pass it as "
            f"custom_objects={{{short!r}: {short}}} or decorate it with @keras.saving.register_keras_serializable()"
        )


def _refuse_code(config):
    for key in ("function", "output_shape", "mask"):
        value = config.get(key)
        if isinstance(value, dict) and value.get("class_name") == "__lambda__":
            raise ValueError(
                f"layer '{config['name']}' is a Lambda whose {key} is stored as Python byte code, and code from a file is never "
                "executed; make the model in code and call load_weights(), or pass a class of yours as custom_objects={'Lambda': ...}"
            )


def _is_known(name, config):
    module = config.get("module")
    return public_names.lookup_class(name) is not None or public_names.lookup(module, name) is not None


def _refuse_unbuilt(model, file):
    top = file.weights_group()
    for name in file.names(top, "layer_names"):
        group = file.child(top, name) if "/" not in name else None
        if group is not None and file.names(group, "weight_names"):
            raise ValueError(
                f"{file.name}: the model has weights in the file, but its config has no input shape, so it could not be built. "
                "Make the model in code, build it, and call load_weights()"
            )


def _compile(model, file, converter, custom_objects, safe_mode):
    training = file.json("training_config")
    if not isinstance(training, dict) or not isinstance(training.get("optimizer_config"), dict):
        warnings.warn(
            f"{file.name} has no training configuration: the model was not compiled. Compile it manually.", stacklevel=4
        )
        return

    with CustomObjectScope({**scope_objects(), **(custom_objects or {})}), SafeModeScope(safe_mode):
        try:
            model.compile(**modern_training(training, converter))
        except (ValueError, TypeError, NotImplementedError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"{file.name}: its training configuration cannot be used ({error}); load with compile=False and compile the model anew"
            ) from error
    group = file.group("optimizer_weights")
    if group is None or not model.built:
        return
    model.optimizer.build(model.trainable_variables)
    file.largest = largest_of(model.optimizer.variables)
    optimizer_state.restore(model, file.values(group), file.name, converter.version)
