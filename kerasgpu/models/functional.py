"""Functional: a model given by its symbolic inputs and outputs."""

from __future__ import annotations

import inspect
import warnings

from kerasgpu import ops
from kerasgpu.config import installed
from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import GraphNode
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.layers.call_context import context_values
from kerasgpu.layers.core.input_layer import Input, InputLayer
from kerasgpu.layers.input_spec import InputSpec
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import get_mask
from kerasgpu.layers.tracking import DotNotTrackScope
from kerasgpu.models.function import Function, _paths
from kerasgpu.models.functional_config import functional_from_config, graph_config  # noqa: F401
from kerasgpu.models.graph import is_input_tensor, sort_nodes
from kerasgpu.models.model import Model


class Functional(Function, Model):
    """A model made of layers applied to `keras.Input`s; `keras.Model(inputs, outputs)` returns one.

    Args:
        inputs: KerasTensor, or list, tuple or dict of them. Tensors from the middle of another graph are allowed: the
            layers after
            them are shared with that graph.
        outputs: KerasTensor, or nested structure of them.
        name: of the model.
        trainable: whether training updates the model at all; layers keep their own `trainable`.

    Inputs may be fed in the structure of `inputs`, or as a dict by the names of the Inputs. Floats and integers are cast
    to each
    Input's dtype, and a last axis of size 1 is added or removed where that is all that is missing.

    >>> import kerasgpu as keras
    >>> x = keras.Input((3,), name="features")
    >>> model = keras.Model(x, keras.layers.Dense(2)(x))
    >>> model({"features": keras.ops.ones((4, 3))}).shape
    (4, 2)
    """

    _layers_first = True  # in a file the layers come before attributes of subclasses

    def __init__(self, inputs, outputs, name=None, **kwargs):
        if isinstance(inputs, dict):
            for key, tensor in inputs.items():
                if isinstance(tensor, KerasTensor) and key != tensor.name:
                    warnings.warn(
                        "When providing `inputs` as a dict, all keys in the dict must match the names of the corresponding "
                        f"tensors. Received key '{key}' mapping to value {tensor} which has name '{tensor.name}'. Change "
                        f"the tensor name to '{key}' (via `Input(..., name='{key}')`)",
                        stacklevel=2,
                    )
        trainable = kwargs.pop("trainable", None)
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            for x in nest.flatten(structure):
                if not isinstance(x, KerasTensor):
                    raise ValueError(
                        f"All `{what}` values must be KerasTensors. Received: {what}={structure} including invalid value "
                        f"{x} of type {type(x)}"
                    )
        if not all(is_input_tensor(x) for x in nest.flatten(inputs)):
            inputs, outputs = clone_graph(inputs, outputs)
        with DotNotTrackScope():
            Function.__init__(self, inputs, outputs, name=name)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        for layer in self.layers:
            self._tracker.track(layer)
        if trainable is not None:
            self._trainable = trainable  # of the model alone: layers keep their own flags, also those read from a config
        self.build(None)
        self._convert_input_args = False  # done here, to the dtype of each Input
        self._allow_non_tensor_positional_args = True
        self.output_names = [x._keras_history[0].name for x in self.outputs]

    def _lock_state(self):
        pass  # layers may be attached later

    def _obj_type(self):
        return "Functional"

    @property
    def layers(self):
        return [operation for operation in self._operations if isinstance(operation, Layer)]

    @layers.setter
    def layers(self, _):
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    def call(self, inputs, training=None, mask=None, **kwargs):
        """Run the graph on inputs; `training` and other context arguments go to every layer that takes them."""
        flat = self._standardize_inputs(inputs)
        if mask is not None:
            for x, m in zip(flat, nest.flatten(mask)):
                if m is not None:
                    x._keras_mask = m
        context = {"training": training, **kwargs}
        context = {k: v for k, v in context.items() if v is not None}
        if not context:
            return unpack_singleton(self._run(flat))
        with context_values(self, context):
            return unpack_singleton(self._run(flat, context))

    def compute_output_spec(self, inputs, training=None, mask=None, **kwargs):
        return Function.compute_output_spec(self, inputs)

    def compute_output_shape(self, input_shape):
        return Function.compute_output_shape(self, input_shape)

    def build(self, input_shape):
        self.built = True

    @property
    def input_shape(self):
        shapes = [x.shape for x in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self):
        shapes = [x.shape for x in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def input(self):
        """The inputs in the structure given to the constructor."""
        return self._inputs_struct

    @property
    def output(self):
        """The outputs in the structure given to the constructor."""
        return self._outputs_struct

    def add_loss(self, loss):
        raise NotImplementedError(
            f"Model '{self.name}': add_loss() on a functional model is not available in Keras 3. Call self.add_loss(...) in "
            "the call() of a custom layer, or override compute_loss() in a subclass of Model"
        )

    def _plain_dtype(self):
        return self._inputs[0].dtype if len(self._inputs) == 1 and not isinstance(self._inputs_struct, (dict, tuple)) else None

    # -- inputs -------------------------------------------------------------------------------------------------
    def _assert_input_compatibility(self, inputs):
        for x, ref in zip(nest.flatten(inputs), self._inputs):
            if x is None:
                self._refuse_none(ref)
        return Layer._assert_input_compatibility(self, inputs)

    @staticmethod
    def _refuse_none(ref):
        layer = ref._keras_history.operation
        if isinstance(layer, InputLayer) and not layer.optional:
            raise ValueError(f"The input '{ref.name}' is not optional, but None was passed. Please provide a valid tensor.")

    def _standardize_inputs(self, inputs):
        """Flat list of tensors in the order, dtype and rank of the Inputs."""
        if isinstance(inputs, (Tensor, KerasTensor)) and len(self._inputs) == 1:
            struct = self._inputs_struct
            if isinstance(struct, KerasTensor) or (isinstance(struct, list) and struct[0] is self._inputs[0]):
                return self._fit([inputs])
        mismatch = False
        if (
            isinstance(self._inputs_struct, list)
            and len(self._inputs_struct) == 1
            and isinstance(inputs, (Tensor, KerasTensor))
        ):
            inputs = [inputs]
        elif isinstance(inputs, dict) and not isinstance(self._inputs_struct, dict):
            struct = self._inputs_struct
            refs = [struct] if isinstance(struct, KerasTensor) else list(struct)
            if all(isinstance(x, KerasTensor) and x.name in inputs for x in refs):
                found = [inputs[x.name] for x in refs]
                inputs = found[0] if isinstance(struct, KerasTensor) else found
            else:
                mismatch = True
        if isinstance(self._inputs_struct, dict) and isinstance(inputs, dict):
            inputs = self._by_key(inputs)
        elif isinstance(self._inputs_struct, dict):
            # Positions mean something only if the keys are in sorted order, the order of flattening.
            mismatch = list(self._inputs_struct) != sorted(self._inputs_struct)
        self._check_structure(inputs, mismatch)
        return self._fit(nest.flatten(inputs))

    def _by_key(self, inputs):
        """The inputs that this model has, by their keys: further ones are left out, a missing one is named."""
        struct = self._inputs_struct
        if set(inputs) == set(struct):
            return inputs
        optional = {k for k, x in struct.items() if isinstance(x, KerasTensor) and _is_optional(x)}
        missing = [k for k in struct if k not in inputs and k not in optional]
        if missing:
            raise ValueError(f"Model '{self.name}' has the inputs {list(struct)}; {missing} missing in {list(inputs)}")
        return {k: inputs.get(k) for k in struct}

    def _check_structure(self, inputs, mismatch):
        if _skeleton(inputs) == _skeleton(self._inputs_struct):
            return
        expected = nest.map_structure(lambda x: "None" if x is None else x.name, self._inputs_struct)
        received = nest.map_structure(
            lambda x: "None" if x is None else f"Tensor(shape={x.shape})" if hasattr(x, "shape") else repr(x), inputs
        )
        message = (
            f"The structure of `inputs` doesn't match the expected structure.\nExpected: {expected}\n"
            f"Received: inputs={received}"
        )
        if mismatch:
            raise ValueError(message)
        warnings.warn(message, stacklevel=5)

    def _fit(self, flat):
        fitted = []
        for k, (x, ref) in enumerate(zip(flat, self._inputs)):
            if x is None:
                self._refuse_none(ref)
                fitted.append(None)
                continue
            y = x
            if isinstance(x, KerasTensor):
                if x.dtype != ref.dtype:
                    y = ops.cast(x, ref.dtype)
            else:
                y = convert_to_tensor(x, dtype=ref.dtype)
            if len(y.shape) != len(ref.shape):
                y = self._fix_rank(y, ref, k)
            mask = get_mask(x)
            if mask is not None and y is not x:
                y._keras_mask = mask
            fitted.append(y)
        return fitted

    def _fix_rank(self, x, ref, index):
        rank, wanted = len(x.shape), len(ref.shape)
        if rank == wanted + 1 and x.shape[-1] == 1:
            return ops.squeeze(x, axis=-1)
        if rank == wanted - 1 and ref.shape[-1] == 1:
            return ops.expand_dims(x, axis=-1)
        path = ".".join(str(p) for p in _paths(self._inputs_struct)[index])
        raise ValueError(
            f"Invalid input shape for input with name '{ref.name}' and path '{path}'. Expected shape {ref.shape}, but "
            f"input has incompatible shape {x.shape}"
        )

    @property
    def input_spec(self):
        attributes = self.__dict__
        if "_manual_input_spec" in attributes:
            return attributes["_manual_input_spec"]
        if "_derived_input_spec" not in attributes:
            attributes["_derived_input_spec"] = self._derive_input_spec()
        return attributes["_derived_input_spec"]

    @input_spec.setter
    def input_spec(self, value):
        self.__dict__["_manual_input_spec"] = value

    def _derive_input_spec(self):
        def spec(x, name=None):
            layer = x._keras_history[0]
            optional = isinstance(layer, InputLayer) and layer.optional
            shape = (None, *x.shape[1:]) if x.shape else ()
            return InputSpec(shape=shape, allow_last_axis_squeeze=True, name=name or layer.name, optional=optional)

        struct = self._inputs_struct
        if isinstance(struct, dict):
            if not all(isinstance(x, KerasTensor) for x in struct.values()):
                return None
            return [spec(struct[name], name=name) for name in sorted(struct)]
        return [spec(x) for x in self.inputs]

    # -- configuration ------------------------------------------------------------------------------------------
    def get_config(self):
        """The graph as plain data, in Keras 3's format."""
        if not functional_like_constructor(type(self)):
            return Model.get_config(self)
        return graph_config(self)


def _is_optional(x) -> bool:
    layer = x._keras_history.operation
    return isinstance(layer, InputLayer) and layer.optional


def _skeleton(x):
    """The structure without its leaves; lists and tuples count as the same."""
    if isinstance(x, (list, tuple)):
        return tuple(_skeleton(v) for v in x)
    if isinstance(x, dict):
        return {k: _skeleton(v) for k, v in x.items()}
    return None


def functional_like_constructor(cls) -> bool:
    """Whether cls(inputs, outputs, name=..., ...) works, so that the graph's config is enough to make one again."""
    spec = inspect.getfullargspec(cls.__init__)
    if spec.args[1:] == inspect.getfullargspec(Functional.__init__).args[1:]:
        return True
    return spec.varargs is not None and spec.varkw is not None


def unpack_singleton(x):
    return x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x


def clone_graph(inputs, outputs):
    """Copies of the nodes between tensors in the middle of a graph, with new Inputs in place of `inputs`. Layers are shared."""
    nodes, _ = sort_nodes(nest.flatten(inputs), nest.flatten(outputs))
    tensors, operations = {}, {}
    new_inputs = []
    for x in nest.flatten(inputs):
        if is_input_tensor(x):
            made = x
        else:
            made = Input(batch_shape=x.shape, dtype=x.dtype, name=f"{x.name}CLONE")
            operations[id(x._keras_history[0])] = made._keras_history[0]
        tensors[id(x)] = made
        new_inputs.append(made)
    stops = {id(x) for x in nest.flatten(inputs)}

    def copy(x):
        if not isinstance(x, KerasTensor):
            return x
        if id(x) not in tensors:
            tensors[id(x)] = KerasTensor(x.shape, dtype=x.dtype, name=f"{x.name}_clone")
        return tensors[id(x)]

    for node in nodes:
        if node.is_input:
            for x in node.outputs:
                tensors.setdefault(id(x), x)
            continue
        if all(id(x) in stops for x in node.outputs):
            continue
        new_outputs = [copy(x) for x in node.outputs]
        GraphNode(
            node.operation, nest.map_structure(copy, list(node.args)), nest.map_structure(copy, dict(node.kwargs)), new_outputs
        )
    return nest.pack_sequence_as(inputs, new_inputs), nest.map_structure(copy, outputs)


installed.functional.install(globals())
