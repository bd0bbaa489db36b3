"""keras.saving.KerasFileEditor: look into a weights file, change it, and save it again."""

from __future__ import annotations

import os

import numpy as np

from kerasgpu.config.atomic_files import write_bytes
from kerasgpu.saving.reader import BadModelFile, ModelFile, WeightsReader
from kerasgpu.saving.weight_tree import read_tree, tree_bytes, tree_of_model

_LINE = "─" * 21


def _print(text):
    try:
        print(text)
    except UnicodeEncodeError:  # a terminal that has no "─"
        print(text.encode("ascii", "replace").decode())


def _shown(name) -> str:
    """A name from a file, without characters that would steer the terminal."""
    return str(name) if str(name).isprintable() else ascii(name)


class KerasFileEditor:
    """Inspects, edits and saves the weights of a `.weights.h5` or `.keras` file, for a model that has changed since.

    Args:
        filepath: path of the file. It is read at once and left as it is.

    Attributes:
        weights_dict: nested dicts of the objects (layers, optimizer) with arrays as weights, `{"layers": {"dense": {"0": ...}}}`.
        object_metadata: {"/layers/dense": {"name": ...}}, what the file says about its objects.
        config, metadata: plain data of a `.keras` file; None for weights alone.

    The file is as untrusted as any: links, virtual datasets and sizes that it does not fill raise ValueError (BadModelFile).
    Objects are named by their path, or by the last part of it where that is unique.

    >>> import kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.save_weights("old.weights.h5")
    >>> editor = keras.saving.KerasFileEditor("old.weights.h5")
    Keras model file 'old.weights.h5'
    >>> editor.rename_object("dense", new_name="dense_1")
    >>> editor.add_object("layers/dense", weights={"0": [[1.0]], "1": [0.0]})
    >>> editor.save("new.weights.h5")
    """

    def __init__(self, filepath):
        self.filepath = os.fspath(filepath)
        self.metadata = None
        self.config = None
        if self.filepath.endswith(".keras"):
            with ModelFile(self.filepath) as file:
                if file.weights is None:
                    raise BadModelFile(f"{self.filepath} has no weights (model.weights.h5)")
                self.config, self.metadata = file.config, file.metadata
                self.weights_dict, self.object_metadata = read_tree(file.weights)
        elif self.filepath.endswith(".weights.h5"):
            with WeightsReader(self.filepath, self.filepath) as weights:
                self.weights_dict, self.object_metadata = read_tree(weights)
        else:
            raise ValueError(f"Invalid filename: expected a `.keras` `.weights.h5` extension. Received: filepath={filepath}")
        _print(f"Keras model file '{_shown(self.filepath)}'")
        if isinstance(self.metadata, dict) and self.metadata:
            version, date = (_shown(self.metadata.get(key, "unknown")) for key in ("keras_version", "date_saved"))
            _print(f"Saved with Keras {version} - date: {date}")

    # -- looking ------------------------------------------------------------------------------------------------
    def summary(self):
        """Print the tree of objects with the shapes and dtypes of their weights."""
        _print("Weights structure")
        self._print_tree(self.weights_dict, "", "  ")

    def _print_tree(self, tree, path, prefix):
        for k, (key, value) in enumerate(tree.items()):
            last = k == len(tree) - 1
            start = prefix + ("> " if not path else "└─ " if last else "├─ ")
            if isinstance(value, dict):
                name = self.object_metadata.get(f"{path}/{key}", {}).get("name")
                _print(start + _shown(key) + (f" ('{_shown(name)}')" if name else ""))
                self._print_tree(value, f"{path}/{key}", prefix + ("    " if last or not path else "│   "))
            else:
                value = value if hasattr(value, "shape") else np.asarray(value)
                _print(f"{start}{_shown(key)}: shape={tuple(value.shape)}, dtype={value.dtype}")

    def compare(self, reference_model):
        """Print where the file and a model differ in objects, weights and shapes.

        Returns {"status": "success" or "error", "error_count": differences, "match_count": weights of equal shape}.
        """
        _print("Running comparison")
        errors, matches = _compare(self.weights_dict, tree_of_model(reference_model), "")
        _print(_LINE)
        if errors:
            _print(f"Found {errors} error{'s' * (errors != 1)}: saved file is not compatible with the reference model")
        else:
            _print("Comparison successful: saved file is compatible with the reference model")
            _print(f"    Found {matches} matching weight{'s' * (matches != 1)}")
        return {"status": "error" if errors else "success", "error_count": errors, "match_count": matches}

    # -- finding ------------------------------------------------------------------------------------------------
    def _find(self, name) -> tuple[dict, str]:
        """(the dict that holds it, its key there) of an object, by path or by a name that occurs once."""
        if "/" in name:
            *folders, last = name.removeprefix("/").split("/")
            at = self.weights_dict
            for part in folders:
                at = at.get(part) if isinstance(at, dict) else None
            if not isinstance(at, dict) or last not in at:
                raise ValueError(f"Path '{name}' not found in model.")
            return at, last
        found = [holder for holder in _dicts(self.weights_dict) if name in holder]
        if len(found) > 1:
            raise ValueError(f"Name '{name}' occurs more than once in the model; try passing a complete path")
        if not found:
            raise ValueError(f"Source name '{name}' does not appear in the model. Use `editor.summary()` to list all objects.")
        return found[0], name

    def _object(self, name) -> dict:
        holder, key = self._find(name)
        if not isinstance(holder[key], dict):
            raise ValueError(f"'{name}' is a weight, not an object with weights")
        return holder[key]

    # -- changing -----------------------------------------------------------------------------------------------
    def rename_object(self, object_name, new_name):
        """Rename an object. `new_name` is the last part of its path; another object of that name is replaced."""
        if "/" in new_name:
            raise ValueError(
                f"Argument `target_name` should be a leaf name, not a full path name. Received: target_name='{new_name}'"
            )
        holder, key = self._find(object_name)
        holder[new_name] = holder.pop(key)

    def delete_object(self, object_name):
        """Remove an object with all that is below it."""
        holder, key = self._find(object_name)
        del holder[key]

    def add_object(self, object_path, weights):
        """Add an object at a path whose other parts exist. weights: {name: array}; names are usually "0", "1", ..."""
        _check_weights(weights)
        *folders, last = object_path.removeprefix("/").split("/")
        at = self.weights_dict
        for part in folders:
            at = at.get(part) if isinstance(at, dict) else None
        if not isinstance(at, dict):
            raise ValueError(f"Path '{'/'.join(folders)}' not found in model.")
        at[last] = dict(weights)

    def delete_weight(self, object_name, weight_name):
        """Remove one weight of an object."""
        weights = self._object(object_name)
        if weight_name not in weights:
            raise ValueError(f"Weight {weight_name} not found in object {object_name}. Weights found: {list(weights.keys())}")
        del weights[weight_name]

    def add_weights(self, object_name, weights):
        """Add weights to an object, or replace those of the same name. weights: {name: array}."""
        _check_weights(weights)
        self._object(object_name).update(weights)

    def save(self, filepath):
        """Write the weights to a `.weights.h5` file, which may be the one that was opened."""
        if not str(filepath).endswith(".weights.h5"):
            raise ValueError(f"Invalid `filepath` argument: expected a `.weights.h5` extension. Received: filepath={filepath}")
        write_bytes(tree_bytes(self.weights_dict), filepath)

    def resave_weights(self, filepath):
        """The former name of save()."""
        self.save(filepath)


def _check_weights(weights):
    if not isinstance(weights, dict):
        raise ValueError(
            "Argument `weights` should be a dict where keys are weight names (usually '0', '1', etc.) and values are NumPy "
            f"arrays. Received: type(weights)={type(weights)}"
        )


def _dicts(tree):
    """The tree and every dict in it."""
    yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from _dicts(value)


def _compare(saved, model, path) -> tuple[int, int]:
    """(differences, weights of equal shape) between two trees; differences are printed."""
    errors = matches = 0
    for key in [*model, *(key for key in saved if key not in model)]:
        where = f"{path}/{key}"
        if key not in saved or key not in model:
            errors += 1
            there, missing = ("reference model", "saved file") if key in model else ("saved file", "reference model")
            value = model[key] if key in model else saved[key]
            kind = "Object" if isinstance(value, dict) else "Weight"
            _print(f"...{kind} {_shown(where)} present in {there}, missing from {missing}")
            if isinstance(value, dict):
                _print(f"    In {there}, {_shown(where)} contains the following keys: {list(value)}")
        elif isinstance(saved[key], dict) and isinstance(model[key], dict):
            below = _compare(saved[key], model[key], where)
            errors, matches = errors + below[0], matches + below[1]
        elif isinstance(saved[key], dict) or isinstance(model[key], dict):
            errors += 1
            _print(f"...{_shown(where)} is an object on one side and a weight on the other")
        elif np.shape(saved[key]) != np.shape(model[key]):
            errors += 1
            _print(
                f"...Weight shape mismatch for {_shown(where)}\n    In reference model: shape={np.shape(model[key])}\n"
                f"    In saved file: shape={np.shape(saved[key])}"
            )
        else:
            matches += 1
    return errors, matches
