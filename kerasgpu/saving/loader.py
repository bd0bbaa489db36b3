"""Builds models from what the reader found, and gives variables their values."""

from __future__ import annotations

import os
import tempfile
import warnings

from kerasgpu.saving.reader import BadModelFile, ModelFile, budget_for
from kerasgpu.saving.walk import walk


def load(source, custom_objects=None, compile=True, safe_mode=True):
    """The model of a `.keras` file, file object or folder, with weights and, if compiled, optimizer state."""
    from kerasgpu.saving.serialization import ObjectSharingScope, deserialize_keras_object

    with ModelFile(source) as file:
        if file.weights is None:
            raise BadModelFile(f"{file.name} has no weights (model.weights.h5); files with .npz weights are not read")
        config = file.config
        if not isinstance(config, dict):
            raise BadModelFile(f"{file.name}: its config is not a JSON object")
        if not compile:
            config = {**config, "compile_config": None}
        with budget_for(file), ObjectSharingScope():
            model = deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
            if not hasattr(model, "load_own_variables"):
                raise BadModelFile(f"{file.name} holds a {type(model).__name__}, not a model")
            load_assets(model, file)
            restore(model, file.weights)
    return model


def load_assets(model, file) -> None:
    """Give each object with a load_assets() method the files that it wrote, in a temporary folder of their own."""

    def hand_over(x, path):
        if not hasattr(x, "load_assets"):
            return
        found = file.assets(path)
        with tempfile.TemporaryDirectory() as folder:
            for k, (label, data) in enumerate(sorted(found.items())):
                # Only simple names become file names; anything deeper would be a path from the file.
                if "/" in label or label in (".", "..") or os.sep in label:
                    raise BadModelFile(f"{file.name}: asset {k} of {path!r} has the name {label!r}; only plain names are read")
                with open(os.path.join(folder, label), "wb") as handle:
                    handle.write(data)
            x.load_assets(folder)

    walk(model, hand_over)


def restore(model, weights, skip_mismatch=False, skip=()) -> None:
    """Set every variable of the model from a WeightsReader. One that cannot be restored is an error, unless mismatches are skipped."""
    failed: dict = {}

    def load_one(x, path):
        if not hasattr(x, "load_own_variables"):
            return
        try:
            x.load_own_variables(weights.entry(path))
        except (ValueError, KeyError, TypeError) as error:
            failed[id(x)] = (x, error)

    walk(model, load_one, visited={id(o) for o in skip})
    if not failed:
        return
    first, error = next(iter(failed.values()))
    message = (
        f"A total of {len(failed)} objects could not be loaded. Example error message for object {first}:\n\n{error}\n\n"
        f"List of objects that could not be loaded:\n{[x for x, _ in failed.values()]}"
    )
    if not skip_mismatch:
        raise ValueError(message)
    warnings.warn(message, stacklevel=3)
