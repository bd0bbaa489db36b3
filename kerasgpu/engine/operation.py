"""Operation: anything that can be a node of a functional model. Layers are operations; so is every op applied to a KerasTensor."""

from __future__ import annotations

import collections
import inspect

from kerasgpu.engine import inference, keras_tensor, nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.naming import auto_name

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
KerasHistory = collections.namedtuple("KerasHistory", ["operation", "node_index", "tensor_index"])


class MissingArgument(TypeError):
    """A constructor was called without an argument that it needs."""


def _check_arguments_of_inherited(cls, signature, given):
    """Python's own message would name the class that the constructor comes from, such as BaseConv for Conv2D(8)."""
    if "__init__" in cls.__dict__ or hasattr(cls.__init__, "__wrapped__"):
        return
    needed = [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind not in _VARIADIC]
    missing = [repr(name) for name in needed if name not in given]
    if missing:
        s = "s" if len(missing) > 1 else ""
        raise MissingArgument(
            f"{cls.__name__}() is missing the argument{s} {' and '.join(missing)}; it needs {', '.join(needed[1:])}"
        )


class GraphNode:
    """One application of an operation to symbolic tensors: its arguments and its outputs."""

    def __init__(self, operation, call_args=(), call_kwargs=None, outputs=None):
        self.operation = operation
        self.args = tuple(call_args)
        self.kwargs = dict(call_kwargs or {})
        self.input_tensors = [x for x in nest.flatten([list(self.args), self.kwargs]) if isinstance(x, KerasTensor)]
        self.outputs = nest.flatten(outputs)
        self.parent_nodes = []
        for x in self.input_tensors:
            history = getattr(x, "_keras_history", None)
            if history is None:
                # A bare KerasTensor, good for shape inference; a model built on it is refused (models/graph.py).
                history = x._keras_history = KerasHistory(None, 0, 0)
            if history.operation is None:
                continue
            node = history.operation._inbound_nodes[history.node_index]
            if node not in self.parent_nodes:
                self.parent_nodes.append(node)
                node.operation._outbound_nodes.append(self)
        operation._inbound_nodes.append(self)
        for k, x in enumerate(self.outputs):
            if isinstance(x, KerasTensor):
                x._keras_history = KerasHistory(operation, len(operation._inbound_nodes) - 1, k)

    @property
    def is_input(self):
        return not self.input_tensors

    @property
    def output_tensors(self):
        return self.outputs

    def __repr__(self):
        return f"<Node operation={self.operation.name}, id={id(self)}>"


class Operation:
    """Base of everything callable on symbolic and on real tensors: subclasses implement `call`.

    On KerasTensors, `__call__` infers the output by `compute_output_spec` (by default: `call` run on shapes alone) and records a
    node; on values it runs `call`.
    """

    def __new__(cls, *args, **kwargs):
        instance = object.__new__(cls)
        # Remember constructor arguments: the default get_config() of classes that define none.
        try:
            signature = inspect.signature(cls.__init__)
            names = signature.bind_partial(instance, *args, **kwargs).arguments
            if args or kwargs:  # copies are made without any
                _check_arguments_of_inherited(cls, signature, names)
            variable = {p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD}
            instance.__dict__["_init_arguments"] = {
                k: v
                for name, value in list(names.items())[1:]
                for k, v in (value.items() if name in variable else [(name, value)])
            }
        except MissingArgument:
            raise
        except (TypeError, AttributeError):
            instance.__dict__["_init_arguments"] = None
        return instance

    def __init__(self, name=None):
        if name is None:
            name = auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Argument `name` must be a string and cannot contain character `/`. Received: name={name!r}")
        self.name = name
        self._inbound_nodes = []
        self._outbound_nodes = []

    def __call__(self, *args, **kwargs):
        if keras_tensor.any_symbolic_tensors(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args, **kwargs):
        outputs = self.compute_output_spec(*args, **kwargs)
        GraphNode(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args, **kwargs):
        return inference.infer_spec(self.call, args, kwargs)

    def call(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} must implement call()")

    def get_config(self):
        config = {"name": self.name}
        default_init = type(self).__init__ is Operation.__init__
        if default_init or not self._init_arguments:
            return config
        return {**config, **self._init_arguments}

    @classmethod
    def from_config(cls, config):
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}. If it takes constructor arguments, implement "
                f"get_config() to return them.\n\nException encountered: {error}"
            ) from error

    def __repr__(self):
        return f"<Operation name={self.name}>"

    def _io(self, attribute):
        if not self._inbound_nodes:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} has never been called on symbolic tensors: it has no {attribute}"
            )
        node = self._inbound_nodes[0]
        flat = node.input_tensors if attribute == "input" else node.outputs
        return flat[0] if len(flat) == 1 else list(flat)

    @property
    def input(self):
        """Symbolic input of the first call of this operation."""
        return self._io("input")

    @property
    def output(self):
        """Symbolic output of the first call of this operation."""
        return self._io("output")


class FunctionOperation(Operation):
    """A function of keras.ops applied to KerasTensors, as a node of a graph."""

    def __init__(self, function, name=None):
        self.function = function
        super().__init__(name or auto_name(function.__name__))

    def call(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def get_config(self):
        return {"name": self.name}
