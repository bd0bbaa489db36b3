"""Gives the variables of a model the values of a legacy `.h5` file: by the order of the layers, or by their names."""

from __future__ import annotations

import warnings

from kerasgpu.saving.legacy.era import parse_version
from kerasgpu.saving.legacy.h5_writer import TOP, stored_variables, top_variables
from kerasgpu.saving.legacy.kernels import flipped_kernels, modern_values, rotated
from kerasgpu.saving.reader import BadModelFile, LegacyFile, largest_of


def version_of(file):
    """The keras_version of a file, as text, or None."""
    return _text(file, "keras_version")


def _text(file, name):
    for group in (file.group(""), file.weights_group()):
        found = file.text(group, name, 64)
        if found is not None:
            return found.decode("utf-8", "replace")
    return None


def _backend_of(file, version, groups):
    """The backend that wrote a file. Keras 1 did not say, but Theano's variables have no ":0" after their names."""
    backend = _text(file, "backend")
    if backend is not None or version >= (2,):
        return backend
    names = [name for group in groups for name in file.names(group, "weight_names")]
    named = [name for name in names if not name.startswith("param_")]
    return "theano" if named and not any(name.endswith(":0") for name in named) else None


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
    """Match layers of the model with groups of the file, and set their variables: all of them, or after an error none.

    by_name: True takes the layers whose names are in the file; "if the names are the same" does so if these are all layers that
        have weights, as in a model that was made from the same file; False goes by order.
    """
    file.largest = largest_of(model.variables)
    group = file.weights_group()
    saved = _groups(file, group)
    version = parse_version(version_of(file))
    backend = _backend_of(file, version, saved.values())
    found: list = []
    for k, (layer, name) in enumerate(_pairs(model, saved, file, by_name)):
        where = f"layer #{k} (named {layer.name}, {name} in the file)"
        values = file.values(saved[name])
        arrays = modern_values(layer, [v for _, v in values], version)
        if len(arrays) == len(values):
            named = [(n, v) for (n, _), v in zip(values, arrays)]
        else:
            named = [(f"{name} #{j}", v) for j, v in enumerate(arrays)]
        found += _matched(layer, stored_variables(layer), named, f"{file.name}, {where}", skip_mismatch)
    top = file.child(group, TOP)
    if top is not None:
        found += _matched(model, top_variables(model), file.values(top), f"{file.name}, the top-level weights", skip_mismatch)
    flipped = flipped_kernels(model) if backend == "theano" else {}
    owners = {}
    for owner, variable, value in found:
        variable.assign(rotated(value, flipped[id(variable)]) if id(variable) in flipped else value)
        owners[id(owner)] = owner
    for owner in owners.values():
        for x in (owner, *getattr(owner, "_flatten_layers", lambda **_: ())(include_self=False)):
            if hasattr(x, "finalize_state"):
                x.finalize_state()


def _groups(file, group):
    """{layer name: its group}, in the order of the file."""
    saved = {}
    for name in file.names(group, "layer_names"):
        below = group
        for part in name.split("/"):
            below = file.child(below, part) if below is not None else None
        if below is None:
            raise BadModelFile(f"{file.name} has no group for layer {name!r}, which its list of layers names")
        saved[name] = below
    return saved


def _pairs(model, saved, file, by_name):
    """[(layer, its name in the file)]."""
    if by_name is True:
        return [(layer, name) for name in saved for layer in model.layers if layer.name == name]
    names = [name for name, below in saved.items() if file.names(below, "weight_names")]
    choices = [[x for x in layers if stored_variables(x)] for layers in (model.layers, _flattened(model))]
    if by_name:
        for layers in choices:
            known = {layer.name: layer for layer in layers}
            if len(known) == len(layers) and set(known) == set(names):
                return [(known[name], name) for name in names]
    for layers in choices:  # Keras 1 wrote the layers of nested Sequential models one by one
        if len(layers) == len(names):
            return list(zip(layers, names))
    raise ValueError(
        f"Layer count mismatch when loading weights from file. Model expected {len(choices[0])} layers, found {len(names)} saved "
        f"layers in {file.name}."
    )


def _flattened(model):
    found = []
    for layer in model.layers:
        found += _flattened(layer) if getattr(layer, "_is_stack_of_layers", False) else [layer]
    return found


def _matched(owner, variables, values, where, skip_mismatch):
    """[(owner, variable, its value)] after every check."""

    def refuse(text):
        if not skip_mismatch:
            raise ValueError(text)
        warnings.warn(f"Skipping loading of weights: {text}", stacklevel=5)

    if len(values) != len(variables):
        refuse(f"Weight count mismatch for {where}. It expects {len(variables)} weight(s). Received {len(values)} saved ones")
        return []
    found = []
    for v, (name, value) in zip(variables, _in_order(variables, values)):
        if tuple(v.shape) != value.shape:
            refuse(
                f"Shape mismatch in {where} for weight {v.path}. Weight expects shape {tuple(v.shape)}. Received saved weight "
                f"{name} with shape {value.shape}"
            )
        else:
            found.append((owner, v, value))
    return found


def _in_order(variables, values):
    """The values in the order of the variables: by the ends of their names where these are the same, else as they come.

    The order in a file depends on which layers of a nested model were trainable when it was written; names do not.
    """
    for parts in (1, 2, 3):
        mine = [_end(v.path, parts) for v in variables]
        theirs = {_end(name, parts): (name, value) for name, value in values}
        if len(set(mine)) == len(mine) and len(theirs) == len(values) and set(mine) == set(theirs):
            return [theirs[name] for name in mine]
    return values


def _end(name, parts):
    return tuple(name.partition(":")[0].split("/")[-parts:])
