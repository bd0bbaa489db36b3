"""Builds models from what the reader found, and gives variables their values."""

from __future__ import annotations

import os
import tempfile
import warnings

from kerasgpu.configs.serialization import ObjectSharingScope
from kerasgpu.optimizers import Optimizer
from kerasgpu.saving.build import build
from kerasgpu.saving.legacy import h5_reader, optimizer_state
from kerasgpu.saving.legacy.convert import Converter
from kerasgpu.saving.reader import BadModelFile, ModelFile, budget_for, largest_of
from kerasgpu.saving.walk import walk

_RESERVED = (".", "..", "")


def load(source, custom_objects=None, compile=True, safe_mode=True):
    """The model of a `.keras` file, file object or folder, with weights and, if compiled, optimizer state."""
    with ModelFile(source) as file:
        if file.weights is None:
            raise BadModelFile(f"{file.name} has no weights (model.weights.h5); files with .npz weights are not read")
        config = file.config
        if not isinstance(config, dict):
            raise BadModelFile(f"{file.name}: its config is a JSON {type(config).__name__}, not an object")
        if not compile:
            config = {**config, "compile_config": None}
        with budget_for(file), ObjectSharingScope():
            model = _build_any(config, file, custom_objects, safe_mode)
            load_assets(model, file)
            restore(model, file.weights, strict=True, keras2=_version(file).startswith("2."))
    return model


def _version(file) -> str:
    found = file.metadata.get("keras_version") if isinstance(file.metadata, dict) else None
    return found if isinstance(found, str) else ""


def _build_any(config, file, custom_objects, safe_mode):
    """The model of a config of today, or of one that Keras 2 (from 2.12 on) wrote into the same kind of file."""
    version = _version(file)
    if not version.startswith("2."):
        return build(config, file.name, custom_objects, safe_mode)

    return h5_reader.build(config, file.name, Converter(version, custom_objects or ()), custom_objects, safe_mode)


def load_assets(model, file) -> None:
    """Give each object with a load_assets() method the files that it wrote, in a temporary folder of their own."""

    def hand_over(x, path):
        if not hasattr(x, "load_assets"):
            return
        found = file.assets(path)
        with tempfile.TemporaryDirectory() as folder:
            for label, data in sorted(found.items()):
                # The reader gives plain names; on a system with other separators they must still be plain.
                if label in _RESERVED or label != os.path.basename(label):
                    raise BadModelFile(f"{file.name}: an asset of {path!r} has the name {label!r}; only plain names are read")
                with open(os.path.join(folder, label), "xb") as handle:
                    handle.write(data)
            x.load_assets(folder)

    walk(model, hand_over)


def restore(model, weights, skip_mismatch=False, skip=(), strict=False, keras2=False) -> None:
    """Set every variable of the model from a WeightsReader.

    One that cannot be restored is an error, unless mismatches are skipped. Damaged or hostile data is an error in any
    case; the state of another optimizer is one if `strict`, else a warning. keras2: the file is one of Keras 2.
    """
    failed: dict = {}

    def load_one(x, path):
        if not hasattr(x, "load_own_variables"):
            return
        largest = largest_of(getattr(x, "variables", None) or ())
        try:
            entry = weights.entry(path, largest)
            if keras2 and isinstance(x, Optimizer):
                if not optimizer_state.restore_numbered(x, entry):
                    x.load_own_variables(entry)  # warns if the number is another one
                return
            if isinstance(x, Optimizer) and len(entry) != len(x.variables):
                # Saved under a policy that scales losses and loaded under another one: the state is that of the optimizer inside.
                inside = () if hasattr(x, "inner_optimizer") else weights.entry(f"{path}/inner_optimizer", largest)
                return _restore_other_optimizer(x, inside if len(inside) else entry, strict)
            x.load_own_variables(entry)
        except BadModelFile:
            raise
        except (ValueError, KeyError, TypeError) as error:
            failed[id(x)] = (x, error)

    walk(model, load_one, visited={id(o) for o in skip})
    if not failed:
        return
    first, error = next(iter(failed.values()))
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    message = (
        f"A total of {len(failed)} objects could not be loaded. Example error message for object {first}:\n\n{text}\n\n"
        f"List of objects that could not be loaded:\n{[x for x, _ in failed.values()]}"
    )
    if not skip_mismatch:
        raise ValueError(message)
    warnings.warn(message, stacklevel=3)


def _restore_other_optimizer(optimizer, entry, strict):
    """What an optimizer does with the state of one with another number of variables."""
    if len(entry) == len(optimizer.variables):
        optimizer.load_own_variables(entry)
    elif len(entry) == _before_building(optimizer) < len(optimizer.variables):
        for k in range(_own_before_building(optimizer)):  # an optimizer inside it has an entry of its own
            optimizer.variables[k].assign(entry[str(k)])
    elif strict:
        raise ValueError(
            f"optimizer '{optimizer.name}' has {len(optimizer.variables)} variables, the file holds {len(entry)} for it; load "
            "with compile=False and compile the model anew if its state does not matter"
        )
    else:
        optimizer.load_own_variables(entry)  # warns


def _own_before_building(optimizer) -> int:
    """How many variables an optimizer has before its first step: the step count and, unless a schedule gives it, the learning rate."""
    return 1 if callable(optimizer._learning_rate) else 2


def _before_building(optimizer) -> int:
    """The same with those of the optimizer that a LossScaleOptimizer holds, which are among its variables."""
    inner = getattr(optimizer, "inner_optimizer", None)
    return _own_before_building(optimizer) + (0 if inner is None else _before_building(inner))
