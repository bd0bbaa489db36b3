"""The graph between symbolic inputs and outputs: its nodes and operations, sorted by depth.

Depth is the longest way to an output, in nodes; operations run from the greatest depth to 0. The order is part of the file
format:
weights are stored by the position of layers in it.
"""

from __future__ import annotations

import collections


def node_key(operation, node_index):
    return f"{id(operation)}_ib-{node_index}"


def node_of(tensor):
    """The node that made a KerasTensor."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        raise ValueError(
            f"KerasTensor {tensor.name!r} of shape {tensor.shape} is not connected to an Input: make symbolic inputs with "
            "keras.Input(shape=...)"
        )
    return history.operation._inbound_nodes[history.node_index]


def is_input_tensor(tensor) -> bool:
    return node_of(tensor).is_input


def sort_nodes(inputs, outputs):
    """(nodes from inputs to outputs, {operation: when the depth-first search met it}).

    The search starts at each output in turn and stops at `inputs`. It keeps its own stack, so depth is no limit.
    """
    stops = {id(x) for x in inputs}
    finished, in_progress = set(), set()
    ordered, first_met = [], {}

    def enter(tensor):
        node = node_of(tensor)
        if node in finished:
            return None
        if not node.is_input and id(tensor) in stops:
            finished.add(node)
            return None
        if node in in_progress:
            raise ValueError(f"Tensor {tensor} from operation '{node.operation.name}' is part of a cycle.")
        first_met.setdefault(node.operation, len(first_met))
        in_progress.add(node)
        return node, iter(node.input_tensors)

    for output in outputs:
        start = enter(output)
        stack = [start] if start is not None else []
        while stack:
            node, waiting = stack[-1]
            tensor = next(waiting, None)
            if tensor is not None:
                deeper = enter(tensor)
                if deeper is not None:
                    stack.append(deeper)
                continue
            stack.pop()
            in_progress.remove(node)
            finished.add(node)
            ordered.append(node)
    return ordered, first_met


class Graph:
    """Nodes and operations between inputs and outputs (flat lists of KerasTensors).

    Attributes: `node_keys` (a set), `nodes_by_depth` and `operations_by_depth` (dicts from depth to lists), `operations`
    (a list, in
    the order in which they run). Raises ValueError when an output does not depend on the inputs alone, or when names repeat.
    """

    def __init__(self, inputs, outputs):
        ordered, first_met = sort_nodes(inputs, outputs)
        self.node_keys = {node_key(n.operation, n.operation._inbound_nodes.index(n)) for n in ordered}
        node_depth, operation_depth = self._depths(ordered)
        self._add_unused_inputs(inputs, node_depth, operation_depth, first_met)
        self.nodes_by_depth = collections.defaultdict(list)
        for node, depth in node_depth.items():
            self.nodes_by_depth[depth].append(node)
        self.operations_by_depth = collections.defaultdict(list)
        for operation, depth in operation_depth.items():
            self.operations_by_depth[depth].append(operation)
        self.operations = []
        for depth in sorted(self.operations_by_depth, reverse=True):
            self.operations_by_depth[depth].sort(key=first_met.__getitem__)
            self.operations.extend(self.operations_by_depth[depth])
        self._check_connected(inputs)
        self._check_names()

    @staticmethod
    def _depths(ordered):
        in_graph = set(ordered)
        node_depth, operation_depth = {}, {}
        for node in reversed(ordered):
            # A shared operation is as deep as its deepest use.
            depth = max(node_depth.setdefault(node, 0), operation_depth.get(node.operation, 0))
            node_depth[node] = operation_depth[node.operation] = depth
            for parent in node.parent_nodes:
                if parent in in_graph:
                    node_depth[parent] = max(depth + 1, node_depth.get(parent, 0))
        return node_depth, operation_depth

    def _add_unused_inputs(self, inputs, node_depth, operation_depth, first_met):
        for tensor in inputs:
            history = tensor._keras_history
            node = node_of(tensor)
            if history.operation not in operation_depth and node.is_input:
                operation_depth[history.operation] = 0
                first_met[history.operation] = -1
                node_depth[node] = 0
                self.node_keys.add(node_key(history.operation, history.node_index))

    def nodes(self):
        """The nodes in an order in which they can run."""
        for depth in sorted(self.nodes_by_depth, reverse=True):
            yield from self.nodes_by_depth[depth]

    def _check_connected(self, inputs):
        known = {id(x) for x in inputs}
        done = []
        for node in self.nodes():
            for x in node.input_tensors:
                if id(x) not in known:
                    raise ValueError(
                        f"Graph disconnected: cannot find parent for tensor {x} at operation '{node.operation}'. The "
                        f"following previous operations were accessed without issue: {done}"
                    )
            done.append(node.operation.name)
            known.update(id(x) for x in node.outputs)

    def _check_names(self):
        for name, count in collections.Counter(operation.name for operation in self.operations).items():
            if count > 1:
                raise ValueError(f'The name "{name}" is used {count} times in the model. All operation names should be unique.')
