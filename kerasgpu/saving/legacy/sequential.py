"""Sequential models of Keras 1 and 2: a bare list of layers, and in Keras 1 a Merge of whole branches as the first one."""

from __future__ import annotations


def as_dict(name, inner):
    """(class name, config) of a model whose config may be a bare list of layers."""
    if name != "Sequential":
        return name, inner
    if isinstance(inner, list):
        inner = {"name": "sequential", "layers": inner}
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if isinstance(layers, list) and layers and _is_branching(layers[0]):
        return "Model", _merged(inner, layers)
    return name, inner


def _is_branching(entry):
    return (
        isinstance(entry, dict)
        and entry.get("class_name") == "Merge"
        and isinstance(entry.get("config"), dict)
        and isinstance(entry["config"].get("layers"), list)
    )


def _merged(inner, layers):
    """The functional model with one input for each input of each branch."""
    merge, *rest = layers
    entries, inputs, ends = [], [], []
    for k, branch in enumerate(merge["config"]["layers"]):
        label = _name_of(branch) or f"branch_{k + 1}"
        calls = []
        for j, shape in enumerate(_input_shapes(branch)):
            name = f"{label}_input_{j + 1}"
            entries.append(_entry("InputLayer", name, {"batch_input_shape": shape, "name": name}, []))
            inputs.append([name, 0, 0])
            calls.append([name, 0, 0])
        config = branch["config"]
        if isinstance(config, list):
            config = {"name": label, "layers": config}
        entries.append(_entry(branch["class_name"], label, {**config, "name": label}, [calls]))
        ends.append([label, 0, 0])
    config = {k: v for k, v in merge["config"].items() if k != "layers"}
    before = ends
    for entry in ({**merge, "config": config}, *rest):
        name = _name_of(entry)
        entries.append(_entry(entry["class_name"], name, entry["config"], [before]))
        before = [[name, 0, 0]]
    return {"name": inner.get("name", "sequential"), "layers": entries, "input_layers": inputs, "output_layers": before}


def _entry(class_name, name, config, nodes):
    return {"class_name": class_name, "name": name, "config": config, "inbound_nodes": nodes}


def _name_of(entry):
    config = entry.get("config")
    return config.get("name") if isinstance(config, dict) else None


def _input_shapes(branch):
    """The shapes that a branch takes: of its first layer, or of all branches of a Merge there."""
    config = branch["config"]
    layers = config if isinstance(config, list) else config.get("layers")
    if isinstance(config, dict) and config.get("input_layers"):
        named = {x.get("name"): x for x in layers}
        return [named[name]["config"]["batch_input_shape"] for name, *_ in config["input_layers"]]
    first = layers[0] if isinstance(layers, list) and layers else branch
    if _is_branching(first):
        return [shape for below in first["config"]["layers"] for shape in _input_shapes(below)]
    shape = first["config"].get("batch_input_shape") if isinstance(first.get("config"), dict) else None
    if shape is None:
        if isinstance(first.get("config"), (list, dict)) and first is not branch and "layers" in first["config"]:
            return _input_shapes(first)
        raise ValueError(f"a branch of the Merge layer has no input shape: its first layer is '{_name_of(first)}'")
    return [shape]
