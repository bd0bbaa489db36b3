"""Function: the operations between symbolic inputs and outputs, as one operation."""

from __future__ import annotations

from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import Operation
from kerasgpu.layers.shapes import map_shapes
from kerasgpu.models.graph import Graph


class _Step:
    """One node ready to run: where its arguments come from and where its outputs go, as positions in a list of values."""

    __slots__ = ("args", "kwargs", "node", "operation", "outputs", "single")

    def __init__(self, node, positions):
        self.node = node
        self.operation = node.operation
        slot = lambda x: _Slot(positions[id(x)]) if isinstance(x, KerasTensor) else x
        # The common case, one tensor and nothing else, needs no structure to fill in.
        alone = len(node.args) == 1 and isinstance(node.args[0], KerasTensor) and not node.kwargs
        self.single = positions[id(node.args[0])] if alone else None
        self.args = [nest.map_structure(slot, a) for a in node.args]
        self.kwargs = {k: nest.map_structure(slot, a) for k, a in node.kwargs.items()}
        self.outputs = [positions[id(x)] for x in node.outputs]

    def arguments(self, values):
        fill = lambda x: values[x.position] if type(x) is _Slot else x
        return [nest.map_structure(fill, a) for a in self.args], {
            k: nest.map_structure(fill, a) for k, a in self.kwargs.items()
        }


class _Slot:
    __slots__ = ("position",)

    def __init__(self, position):
        self.position = position


class Function(Operation):
    """The computation from `inputs` to `outputs` (KerasTensors, or nested structures of them) as a callable.

    >>> import kerasgpu as keras
    >>> a, b = keras.Input((2,)), keras.Input((2,))
    >>> f = keras.Function([a, b], a + b)
    >>> f([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """

    _not_saved = frozenset(
        {"_inputs_struct", "_outputs_struct", "_inputs", "_outputs", "_graph", "_operations", "_steps"}
        | {"_input_positions", "_output_positions"}
    )

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        attributes = self.__dict__
        attributes["_inputs_struct"] = nest.map_structure(lambda x: x, inputs)
        attributes["_outputs_struct"] = nest.map_structure(lambda x: x, outputs)
        attributes["_inputs"] = nest.flatten(inputs)
        attributes["_outputs"] = nest.flatten(outputs)
        for what in ("inputs", "outputs"):
            if not attributes[f"_{what}"]:
                raise ValueError(f"`{what}` argument cannot be empty. Received:\ninputs={inputs}\noutputs={outputs}")
        graph = Graph(self._inputs, self._outputs)
        attributes["_graph"] = graph
        attributes["_operations"] = graph.operations
        attributes["_steps"], attributes["_n_values"], attributes["_output_positions"] = self._plan(graph)

    def _plan(self, graph):
        positions = {}
        for x in self._inputs:
            positions.setdefault(id(x), len(positions))
        self.__dict__["_input_positions"] = [positions[id(x)] for x in self._inputs]
        steps = []
        for node in graph.nodes():
            if node.is_input or any(id(x) not in positions for x in node.input_tensors):
                continue
            for x in node.outputs:
                positions.setdefault(id(x), len(positions))
            steps.append(_Step(node, positions))
        for k, x in enumerate(self._outputs):
            if id(x) not in positions:
                path = ".".join(str(p) for p in _paths(self._outputs_struct)[k])
                raise ValueError(f"Output with path `{path}` is not connected to `inputs`")
        return steps, len(positions), [positions[id(x)] for x in self._outputs]

    @property
    def _nodes(self):
        return self._graph.node_keys

    @property
    def _nodes_by_depth(self):
        return self._graph.nodes_by_depth

    @property
    def _operations_by_depth(self):
        return self._graph.operations_by_depth

    @property
    def operations(self):
        return list(self._operations)

    @property
    def inputs(self):
        """Flat list of the symbolic inputs."""
        return self._inputs

    @property
    def outputs(self):
        """Flat list of the symbolic outputs."""
        return self._outputs

    def call(self, inputs):
        """Compute the outputs for values of the inputs."""
        self._assert_input_compatibility(inputs)
        return self._run(nest.flatten(inputs))

    def _run(self, flat_inputs, context=None):
        """Run all steps; `context` holds values (training, ...) that replace those recorded in the graph."""
        values = [None] * self._n_values
        for k, x in zip(self._input_positions, flat_inputs):
            values[k] = x
        for step in self._steps:
            if step.single is not None:
                out = step.operation(values[step.single])
            else:
                args, kwargs = step.arguments(values)
                if context:
                    kwargs.update({k: v for k, v in context.items() if k in kwargs and _takes(step.operation, k)})
                out = step.operation(*args, **kwargs)
            if len(step.outputs) == 1 and not isinstance(out, (list, tuple, dict)):
                values[step.outputs[0]] = out
            else:
                for k, y in zip(step.outputs, nest.flatten(out)):
                    values[k] = y
        return nest.pack_sequence_as(self._outputs_struct, [values[k] for k in self._output_positions])

    def _run_through_graph(self, inputs, operation_fn=lambda op: op, call_fn=None):
        """Run with `operation_fn(operation)` in place of each operation, called by `call_fn(operation, *args, **kwargs)`."""
        values = [None] * self._n_values
        for k, x in zip(self._input_positions, nest.flatten(inputs)):
            values[k] = x
        for step in self._steps:
            args, kwargs = step.arguments(values)
            operation = operation_fn(step.operation)
            out = operation(*args, **kwargs) if call_fn is None else call_fn(operation, *args, **kwargs)
            for k, y in zip(step.outputs, nest.flatten(out)):
                values[k] = y
        return nest.pack_sequence_as(self._outputs_struct, [values[k] for k in self._output_positions])

    def compute_output_spec(self, inputs):
        self._assert_input_compatibility(inputs)
        if all(x is not None and x.shape == ref.shape for x, ref in zip(nest.flatten(inputs), self._inputs)):
            return nest.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), self._outputs_struct)
        return self._run_through_graph(inputs, operation_fn=lambda op: op.compute_output_spec)

    def compute_output_shape(self, input_shape):
        specs = map_shapes(lambda s: KerasTensor(s), input_shape)
        for x, ref in zip(nest.flatten(specs), self._inputs):
            x.dtype = ref.dtype
        return nest.map_structure(lambda x: x.shape, self.compute_output_spec(specs))

    def _assert_input_compatibility(self, inputs):
        try:
            nest.map_structure(lambda a, b: None, self._inputs_struct, inputs)
            same = True
        except ValueError:
            same = False
        if not same:
            raise ValueError(
                "Function was called with an invalid input structure. Expected input structure: "
                f"{self._inputs_struct}\nReceived input structure: {inputs}"
            )
        for x, ref in zip(nest.flatten(inputs), self._inputs):
            fits = len(x.shape) == len(ref.shape) and all(a is None or b is None or a == b for a, b in zip(x.shape, ref.shape))
            if not fits:
                raise ValueError(
                    f"{type(self).__name__} was passed incompatible inputs. For input '{ref.name}', expected shape "
                    f"{ref.shape}, but received instead a tensor with shape {x.shape}."
                )


def _takes(operation, name):
    return name in getattr(operation, "_call_context_args", ())


def _paths(structure, prefix=()):
    """The path of each leaf of a nested structure, in the order of nest.flatten."""
    if isinstance(structure, (list, tuple)):
        return [p for k, v in enumerate(structure) for p in _paths(v, (*prefix, k))]
    if isinstance(structure, dict):
        return [p for k in nest._keys(structure) for p in _paths(structure[k], (*prefix, k))]
    return [prefix]
