"""A model as boxes and arrows, for whoever draws it."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerasgpu.engine import nest
from kerasgpu.engine.operation import FunctionOperation
from kerasgpu.models.functional import Functional
from kerasgpu.models.sequential import Sequential
from kerasgpu.models.summary import _kind


@dataclasses.dataclass
class Box:
    """One layer or operation. `lines` are (label, value) pairs; `trainable` is None where there is nothing to say."""

    key: str
    title: str
    kind: str
    lines: list
    trainable: bool | None = None


@dataclasses.dataclass
class Cluster:
    """The boxes of a nested model, and the nested models in it."""

    name: str
    keys: list


@dataclasses.dataclass
class Options:
    """What is said in a box; the arguments of plot_model."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = True
    show_layer_activations: bool = False
    show_trainable: bool = False
    expand_nested: bool = False


class ModelGraph:
    """`boxes` (in the order in which they run), `edges` (pairs of keys) and `clusters` (outer ones first) of a built model."""

    def __init__(self, model, options: Options):
        self.options = options
        self.boxes: list[Box] = []
        self.edges: dict[tuple, None] = {}  # a set that remembers the order
        self.clusters: list[Cluster] = []
        self._add_model(model)

    def _add_model(self, model):
        if isinstance(model, Functional):
            nodes = [node for level in sorted(model._nodes_by_depth.items(), reverse=True) for node in level[1]]
            by_operation: dict[int, list] = {}
            for node in nodes:
                by_operation.setdefault(id(node.operation), []).append(node)
            for operation in model._operations:
                self._add(operation, by_operation.get(id(operation), []))
            for node in nodes:
                for k, x in enumerate(node.input_tensors):
                    history = x._keras_history
                    if history.operation is not None:
                        self._connect(history.operation, history.tensor_index, node.operation, k)
        elif isinstance(model, Sequential):
            for layer in model.layers:
                self._add(layer, layer._inbound_nodes[:1])
            for a, b in zip(model.layers, model.layers[1:]):
                self._connect(a, 0, b, 0)
        else:  # a subclassed model is one box: what it calls is not known
            self._add(model, [], expand=False)

    def _opens(self, operation) -> bool:
        is_model = isinstance(operation, Functional) or (
            isinstance(operation, Sequential) and operation._functional is not None
        )
        return self.options.expand_nested and is_model

    def _add(self, operation, nodes, expand=True):
        if expand and self._opens(operation):
            cluster = Cluster(operation.name, [])
            self.clusters.append(cluster)
            before = len(self.boxes)
            self._add_model(operation)
            cluster.keys = [box.key for box in self.boxes[before:]]
        else:
            self.boxes.append(make_box(operation, nodes, self.options))

    def _connect(self, source, output_index, destination, input_index):
        while self._opens(source):
            if isinstance(source, Sequential):
                source, output_index = source.layers[-1], 0
            else:
                history = nest.flatten(source.outputs)[output_index]._keras_history
                source, output_index = history.operation, history.tensor_index
        while self._opens(destination):
            if isinstance(destination, Sequential):
                destination, input_index = destination.layers[0], 0
            else:
                destination, input_index = nest.flatten(destination.inputs)[input_index]._keras_history.operation, 0
        self.edges[key_of(source), key_of(destination)] = None


def key_of(operation) -> str:
    return str(id(operation))


def make_box(operation, nodes, options) -> Box:
    kind = _kind(operation)
    # Several calls of a shared layer may have different shapes: those of the last one are shown, as in summary().
    last = nodes[-1] if nodes else operation._inbound_nodes[-1] if operation._inbound_nodes else None
    lines: list[tuple] = []
    activation = getattr(operation, "activation", None)
    if options.show_layer_activations and activation is not None and not isinstance(operation, FunctionOperation):
        name = getattr(activation, "name", None) or getattr(activation, "__name__", None) or str(activation)
        lines.append(("Activation", name))
    if options.show_shapes:
        if kind != "InputLayer":
            lines.append(("Input shape", _shapes(last.input_tensors if last else None)))
        lines.append(("Output shape", _shapes(last.outputs if last else None)))
    if options.show_dtype:
        dtypes = list(dict.fromkeys(x.dtype for x in last.outputs)) if last else []
        lines.append(("Output dtype", ", ".join(dtypes) or "?"))
    trainable = operation.trainable if options.show_trainable and getattr(operation, "weights", None) else None
    title = f"{operation.name} ({kind})" if options.show_layer_names else kind
    return Box(key_of(operation), title, kind, lines, trainable)


def _shapes(tensors: Any) -> str:
    if not tensors:
        return "?"
    texts = [f"({', '.join(str(d) for d in x.shape)})" for x in tensors]
    # Many equal ones, as of an Add, are said once.
    return texts[0] if len(texts) == 1 else f"{len(texts)} x {texts[0]}" if len(set(texts)) == 1 else ", ".join(texts)
