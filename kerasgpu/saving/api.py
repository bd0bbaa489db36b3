"""save_model, load_model, save_weights, load_weights: choose the format from the path and hand over."""

from __future__ import annotations

import logging
import os

from kerasgpu.config import atomic_files as atomic
from kerasgpu.configs.serialization import deserialize_keras_object
from kerasgpu.saving import loader, shard_writer, writer
from kerasgpu.saving.legacy import h5_reader, h5_weights, h5_writer
from kerasgpu.saving.legacy.convert import Converter
from kerasgpu.saving.reader import BadModelFile, LegacyFile, ModelFile, WeightsReader, is_hdf5, is_zip, parse_json
from kerasgpu.saving.shards import ShardedReader

_LOG = logging.getLogger("kerasgpu")


def _refuse_remote(path, what):
    if str(path).startswith(("hf://", "gs://", "s3://", "http://", "https://")):
        raise ValueError(f"{what}: {str(path)!r} is not a local path. Copy the file between there and a local one yourself")


def _may_write(filepath, overwrite) -> bool:
    """Whether to go on: asks on a terminal when a file exists and `overwrite` is off."""
    if overwrite or not isinstance(filepath, (str, os.PathLike)) or not os.path.exists(filepath):
        return True
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    return answer == "y"


def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
    """Save a model: config, weights, compile arguments and optimizer state. Keras 3 reads the file.

    Args:
        model: the model.
        filepath: a path ending in ".keras"; one without an ending, for a folder with the same content; or a binary file.
        overwrite: False asks before an existing file is replaced.
        zipped: False writes a folder.

    The file is written beside its place and moved there when it is complete and on the disk: an error, or a kill, leaves an existing
    file as it was.

    >>> import kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.save("model.keras")
    >>> keras.saving.load_model("model.keras").count_params()
    8
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    legacy = str(filepath).endswith((".h5", ".hdf5"))
    if save_format:
        if not legacy and not str(filepath).endswith(".keras"):
            raise ValueError(
                "The `save_format` argument is deprecated in Keras 3. Please remove this argument and pass a file path with "
                f"either `.keras` or `.h5` extension. Received: save_format={save_format}"
            )
        _LOG.warning(
            "The `save_format` argument is deprecated in Keras 3. We recommend removing this argument as it can be inferred from "
            f"the file path. Received: save_format={save_format}"
        )
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    if legacy:
        _LOG.warning(
            "You are saving your model as an HDF5 file via `model.save()` or `keras.saving.save_model(model)`. This file format "
            "is considered legacy. We recommend using instead the native Keras format, e.g. `model.save('my_model.keras')` or "
            "`keras.saving.save_model(model, 'my_model.keras')`. "
        )
    _refuse_remote(filepath, "save_model")
    if not _may_write(filepath, overwrite):
        return
    if not isinstance(filepath, (str, os.PathLike)):
        if not hasattr(filepath, "write"):
            raise ValueError(f"Invalid filepath extension for saving: a path or a binary file is needed. Received: {filepath}")
        return writer.write_zip(model, filepath)
    path = str(filepath)
    ending = os.path.splitext(path)[1]
    if ending in (".h5", ".hdf5"):
        return h5_writer.save(model, path, include_optimizer)
    if zipped is False and ending == ".keras":
        raise ValueError(f"save_model: a folder (zipped=False) should not end in `.keras`. Received: filepath={filepath}")
    if zipped is False or (ending == "" and zipped is None) or os.path.isdir(path):
        return writer.write_folder(model, path)
    if ending != ".keras":
        raise ValueError(
            "Invalid filepath extension for saving. Please add either a `.keras` extension for the native Keras format "
            f"(recommended) or a `.h5` extension, or none for a folder. Received: filepath={filepath}."
        )
    writer.write_zip(model, path)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """Load a model saved by kerasgpu, Keras 3, Keras 2 or Keras 1.

    Args:
        filepath: a `.keras` file, a folder written by `save_model`, a legacy `.h5` file, or a binary file object. What a file
            holds is seen from its content; an HDF5 file may be named `.keras`.
        custom_objects: {name: class or function} for those that are not registered.
        compile: whether to compile the model as it was, and restore the optimizer.
        safe_mode: accepted; nothing in a file is ever executed, with it or without.

    Raises ValueError (BadModelFile) for damaged or hostile files, FileNotFoundError when there is none, and ValueError when any
    variable could not be restored.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        return loader.load(filepath, custom_objects, compile, safe_mode)
    path = str(filepath)
    _refuse_remote(path, "load_model")
    if os.path.isdir(path):
        if not os.path.exists(os.path.join(path, "config.json")):
            raise ValueError(
                f"{path} is a folder without a config.json: it is not a model saved by kerasgpu or Keras 3 (TensorFlow "
                "SavedModels cannot be read; save such a model as .keras in TensorFlow first)"
            )
        return loader.load(path, custom_objects, compile, safe_mode)
    legacy = path.endswith((".h5", ".hdf5"))
    there = os.path.exists(path)
    if not there and legacy:
        raise FileNotFoundError(f"load_model: {path} does not exist")
    if not there and path.endswith(".keras"):
        raise ValueError(f"File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file.")
    if there and is_hdf5(path):
        legacy = True
        if path.endswith(".weights.h5") and not _has_config(path):
            raise ValueError(f"load_model: {path} holds weights only. Make the model, then call model.load_weights({path!r})")
    elif there and is_zip(path):
        legacy = False
    if legacy:
        return h5_reader.load(path, custom_objects, compile, safe_mode)
    if there and (path.endswith(".keras") or is_zip(path)):
        return loader.load(path, custom_objects, compile, safe_mode)
    raise ValueError(
        f"File format not supported: filepath={path}{'' if there else ' (there is no such file)'}. Models are read from "
        "`.keras` files, folders and legacy `.h5` files."
    )


def _has_config(path) -> bool:
    with LegacyFile(path, path) as file:
        return file.text(file.group(""), "model_config") is not None


def _has_layer_names(path) -> bool:
    """Whether an HDF5 file is in the format of Keras 2: whole models, or weights by layer."""
    with LegacyFile(path, path) as file:
        return bool(file.names(file.weights_group(), "layer_names")) or _has_config(path)


def save_weights(model, filepath, overwrite=True, max_shard_size=None, **kwargs):
    """Save the variables of a built model, and the state of its optimizer.

    Args:
        model: the model.
        filepath: a path ending in ".weights.h5"; with max_shard_size, one ending in ".weights.json".
        overwrite: False asks before an existing file is replaced.
        max_shard_size: GB that one file holds at most. The variables then go to x_00000.weights.h5, x_00001.weights.h5, ...
            beside the index x.weights.json, which load_weights() reads.

    >>> import kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.save_weights("model.weights.json", max_shard_size=5)
    >>> model.load_weights("model.weights.json")
    """
    skip = kwargs.pop("objects_to_skip", None) or ()
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    path = str(filepath)
    _refuse_remote(path, "save_weights")
    if max_shard_size is None and not path.endswith(".weights.h5"):
        raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    if max_shard_size is not None and not path.endswith(("weights.h5", "weights.json")):
        raise ValueError(
            f"The filename must end in `.weights.json` when `max_shard_size` is specified. Received: filepath={filepath}"
        )
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Try building the model first by calling it on some data or by "
            "using `build()`."
        )
    if max_shard_size is not None:
        if _may_write(shard_writer.index_path(path), overwrite):
            shard_writer.write(model, path, max_shard_size, skip)
    elif _may_write(filepath, overwrite):
        atomic.write_bytes(writer.weights_bytes(model, skip), filepath)


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Load variables into a built model.

    filepath: a `.weights.h5` file, the `.weights.json` index of sharded weights, a `.keras` file, or an `.h5` file of Keras 1 or
        2, with weights alone or a whole model. The format is seen from the content.
    skip_mismatch: leave variables that do not fit as they are, with a warning.
    by_name: True (legacy files only) matches layers by their names.
    """
    skip = kwargs.pop("objects_to_skip", None)
    by_name = kwargs.pop("by_name", None)
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    path = str(filepath)
    _refuse_remote(path, "load_weights")
    if not path.endswith((".keras", ".h5", ".hdf5", ".weights.json")):
        raise ValueError(
            f"File format not supported: filepath={path}. Weights are read from files that end in .weights.h5, .weights.json, "
            ".keras or .h5"
        )
    if not os.path.exists(path):
        raise FileNotFoundError(f"load_weights: {path} does not exist")
    if skip is not None and not path.endswith((".weights.h5", ".weights.json")):
        raise ValueError(f"`objects_to_skip` only supports loading '.weights.h5' files. Received: {path}")
    skip = skip or ()
    legacy = _has_layer_names(path) if is_hdf5(path) else path.endswith((".h5", ".hdf5")) and not path.endswith(".weights.h5")
    if by_name is not None and not legacy:
        raise ValueError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {path}")
    if legacy:
        return h5_weights.load_weights(model, path, by_name=bool(by_name), skip_mismatch=skip_mismatch)
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Try building the model first by calling it "
            "on some data or by using `build()`."
        )
    if path.endswith(".keras") or is_zip(path):
        with ModelFile(path) as file:
            if file.weights is None:
                raise BadModelFile(f"{path} has no weights")
            return loader.restore(model, file.weights, skip_mismatch, skip)
    with ShardedReader(path) if path.endswith(".json") else WeightsReader(path, path) as weights:
        loader.restore(model, weights, skip_mismatch, skip)


def model_from_json(json_string, custom_objects=None):
    """The model, without weights, of the text that `model.to_json()` gave, here or in any version of Keras."""
    if not isinstance(json_string, str):
        raise TypeError(f"model_from_json: expected a JSON text, received a {type(json_string).__name__}")
    config = parse_json(json_string.encode(), "model_from_json")
    if isinstance(config, dict) and "module" not in config and "keras_version" in config:
        converter = Converter(config["keras_version"], custom_objects or ())
        config = {k: v for k, v in config.items() if k not in ("keras_version", "backend")}
        return h5_reader.build(config, "model_from_json", converter, custom_objects)
    return deserialize_keras_object(config, custom_objects)
