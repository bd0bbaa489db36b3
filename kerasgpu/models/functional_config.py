"""The configuration of a functional model: layers with their calls ("inbound_nodes"), in Keras 3's format, and back."""

from __future__ import annotations

import copy

from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import FunctionOperation, KerasHistory, Operation
from kerasgpu.models import op_classes
from kerasgpu.models.function import Function
from kerasgpu.models.graph import node_key
from kerasgpu.models.model import Model


def graph_config(model):
    """{"name", "trainable", "layers", "input_layers", "output_layers"} of a Functional model."""
    keys = model._nodes
    positions = {}
    for operation in model.operations:
        # Keras counts a nested functional model's own graph as its node 0.
        kept = 1 if _has_graph(operation) else 0
        for index in range(len(operation._inbound_nodes)):
            key = node_key(operation, index)
            if key in keys:
                positions[key] = kept
                kept += 1

    def reference(tensor):
        operation, node_index, tensor_index = tensor._keras_history
        return [operation.name, positions[node_key(operation, node_index)], tensor_index]

    layers = []
    for operation in model.operations:
        nodes = [n for k, n in enumerate(operation._inbound_nodes) if node_key(operation, k) in keys and n.input_tensors]
        layers.append(_operation_config(operation, nodes, keys))
    return copy.deepcopy(
        {
            "name": model.name,
            "trainable": model.trainable,
            "layers": layers,
            "input_layers": nest.map_structure(reference, model._inputs_struct),
            "output_layers": nest.map_structure(reference, model._outputs_struct),
        }
    )


def _operation_config(operation, nodes, keys):
    if isinstance(operation, FunctionOperation):
        # An op has one node; Keras keeps its attributes in the config and its tensors in the node.
        config, calls = op_classes.to_config(operation, [(n.args, n.kwargs) for n in nodes])
    else:
        config = serialize_keras_object(operation)
        calls = [(n.args, n.kwargs) for n in nodes]
    config["name"] = operation.name
    config["inbound_nodes"] = [
        {"args": _serialize_arguments(tuple(args), keys), "kwargs": _serialize_arguments(dict(kwargs), keys)}
        for args, kwargs in calls
    ]
    return config


def _serialize_arguments(structure, keys):
    def renumber(x):
        if not isinstance(x, KerasTensor):
            return x
        operation, node_index, tensor_index = x._keras_history
        outside = sum(node_key(operation, k) not in keys for k in range(node_index))
        twin = KerasTensor(x.shape, dtype=x.dtype, name=x.name)
        twin._keras_history = KerasHistory(operation, node_index - outside, tensor_index)
        return twin

    return serialize_keras_object(nest.map_structure(renumber, structure))


# -- reading ----------------------------------------------------------------------------------------------------
def _has_graph(operation) -> bool:
    """Whether it is a Functional model, whose own graph is its node 0 for Keras."""
    return isinstance(operation, Function) and isinstance(operation, Model)


class _NotYet(Exception):
    """A call that needs the output of a call that was not made yet."""


def functional_from_config(cls, config, custom_objects=None):
    """The model of `graph_config`, of real Keras 3, or of Keras 2's JSON: an instance of cls (Functional or like it)."""
    config = dict(config)
    layer_configs = config.pop("layers")
    ends = [config.pop("input_layers"), config.pop("output_layers")]
    name, trainable = config.pop("name", None), config.pop("trainable", None)
    made, waiting = {}, {}
    for entry in layer_configs:
        entry_name = entry.get("name") or entry["config"]["name"]
        operation = _make_operation(entry, custom_objects)
        if not isinstance(operation, Operation):
            raise ValueError(f"Unexpected object from deserialization, expected a layer or operation, got a {type(operation)}")
        made[entry_name] = operation
        if entry.get("inbound_nodes"):
            waiting[entry_name] = list(entry["inbound_nodes"])
    while waiting:
        progress = False
        for entry_name in list(waiting):
            nodes = waiting[entry_name]
            while nodes:
                try:
                    args, kwargs = _node_arguments(nodes[0], made)
                except _NotYet:
                    break
                made[entry_name](*args, **kwargs)
                nodes.pop(0)
                progress = True
            if not nodes:
                del waiting[entry_name]
        if not progress:
            raise ValueError(
                "Invalid Functional model configuration. The graph of the Functional model either has loops or "
                f"disconnected nodes. The following nodes failed to be resolved: {waiting}"
            )
    inputs, outputs = (_tensors_at(end, made) for end in ends)
    return cls(inputs=inputs, outputs=outputs, name=name, trainable=trainable, **config)


def _make_operation(entry, custom_objects):
    module = entry.get("module")
    if isinstance(module, str) and module.startswith(("keras.src.ops", "keras.ops", "keras.src.backend")):
        return op_classes.from_config(entry)
    return deserialize_keras_object({k: v for k, v in entry.items() if k not in ("inbound_nodes", "name")}, custom_objects)


def _output_of(made, name, node_index, tensor_index):
    if name not in made:
        raise ValueError(f"Invalid Functional model configuration. Missing node: {name}")
    operation = made[name]
    node_index -= _has_graph(operation)
    if node_index >= len(operation._inbound_nodes):
        raise _NotYet
    return operation._inbound_nodes[node_index].outputs[tensor_index]


def _node_arguments(data, made):
    if isinstance(data, list):  # Keras 2: [[layer, node, tensor, kwargs], ...]
        tensors, kwargs = [], {}
        for entry in data:
            if not isinstance(entry, list) or len(entry) not in (3, 4):
                raise ValueError("Cannot deserialize the model (invalid config data?)")
            tensors.append(_legacy_output(made, *entry[:3]))
            kwargs = entry[3] if len(entry) == 4 else {}
        return [tensors[0] if len(tensors) == 1 else tensors], kwargs

    def connect(x):
        if isinstance(x, KerasTensor):
            history = getattr(x, "_pre_serialization_keras_history", None)
            return x if history is None else _raw_output(made, *history)
        return x

    args = nest.map_structure(connect, deserialize_keras_object(data["args"]))
    kwargs = nest.map_structure(connect, deserialize_keras_object(data["kwargs"]))
    return args, kwargs


def _raw_output(made, name, node_index, tensor_index):
    # In node arguments, indices count the calls as they are made here (nested models have no extra node).
    if name not in made:
        raise ValueError(f"Unknown layer: {name}")
    operation = made[name]
    if node_index >= len(operation._inbound_nodes):
        raise _NotYet
    return operation._inbound_nodes[node_index].outputs[tensor_index]


def _legacy_output(made, name, node_index, tensor_index):
    return (
        _raw_output(made, name, node_index, tensor_index) if name in made else _output_of(made, name, node_index, tensor_index)
    )


def _tensors_at(structure, made):
    if isinstance(structure, (list, tuple)) and len(structure) == 3 and isinstance(structure[0], str):
        try:
            return _output_of(made, *structure)
        except _NotYet:
            raise ValueError(
                f"Invalid Functional model configuration: output {structure} of layer '{structure[0]}' does not exist"
            ) from None
    if isinstance(structure, dict):
        return {k: _tensors_at(v, made) for k, v in structure.items()}
    found = [_tensors_at(v, made) for v in structure]
    return tuple(found) if isinstance(structure, tuple) else found
