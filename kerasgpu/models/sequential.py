"""Sequential: a model whose layers run one after another."""

from __future__ import annotations

import copy
import inspect

from kerasgpu.configs.serialization import deserialize_keras_object, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.layers.core.input_layer import InputLayer
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import get_mask, is_shape
from kerasgpu.models.functional import Functional
from kerasgpu.models.model import Model


class Sequential(Model):
    """A stack of layers with one input and one output.

    Args:
        layers: list of layers, which may start with `keras.Input(shape)`. With it, or with `input_shape=` in the first
            layer, the
            weights exist at once; otherwise they are made at the first call, fit() or build(input_shape).
        trainable: whether training updates the layers.
        name: of the model.

    >>> import kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    >>> model(keras.ops.ones((3, 4))).shape, model.count_params()
    ((3, 2), 58)
    """

    _not_saved = frozenset({"_layers", "_functional"})
    _layers_first = True  # in a file the layers come before attributes of subclasses

    _is_stack_of_layers = True  # files of Keras 1 hold the layers of nested ones in a row

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(trainable=trainable, name=name)
        self.__dict__["_functional"] = None
        self.__dict__["_layers"] = []
        if layers:
            for layer in layers if isinstance(layers, (list, tuple)) else [layers]:
                self.add(layer, rebuild=False)
            self._maybe_rebuild()

    def add(self, layer, rebuild=True):
        """Put a layer on top. Raises ValueError for what is not a layer, and for a name that is taken."""
        if not self._layers:
            shape = getattr(layer, "_batch_input_shape_arg", None)
            if shape is not None:
                self.add(InputLayer(batch_shape=shape))
        if hasattr(layer, "_keras_history") and isinstance(layer._keras_history[0], InputLayer):
            layer = layer._keras_history[0]
        if not isinstance(layer, Layer):
            hint = ""
            if isinstance(layer, type) and issubclass(layer, Layer):
                hint = f" Did you forget the parentheses: {layer.__name__}(...)?"
            raise ValueError(
                f"Only instances of `keras.Layer` can be added to a Sequential model. Received: {layer} (of type "
                f"{type(layer)}).{hint}"
            )
        if any(layer.name == other.name and other is not layer for other in self._layers):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the name "
                "of a layer in this model. Update the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self._layers and isinstance(self._layers[0], InputLayer):
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._layers[0].batch_shape}. You cannot "
                "add a different Input layer to it."
            )
        self._layers.append(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._forget()

    def pop(self, rebuild=True):
        """Remove the top layer and return it."""
        if not self._layers:
            raise TypeError(f"Sequential model '{self.name}' has no layers to pop.")
        layer = self._layers.pop()
        self._forget()
        if rebuild and self._layers:
            self._maybe_rebuild()
        return layer

    @property
    def input(self):
        """Symbolic input: of the first call on KerasTensors, else that of the model itself."""
        return super().input if self._inbound_nodes else self.inputs[0]

    @property
    def output(self):
        """Symbolic output: of the first call on KerasTensors, else that of the model itself."""
        return super().output if self._inbound_nodes else self._of_functional("output", "output")

    def _forget(self):
        self.built = False  # which also ends the fast calls
        self.__dict__["_functional"] = None

    def _maybe_rebuild(self):
        self._forget()
        first = self._layers[0]
        if len(self._layers) > 1:
            if isinstance(first, InputLayer):
                self.build(first.batch_shape)
            elif isinstance(getattr(first, "input_shape", None), tuple):
                self.build(first.input_shape)  # a model that knows its input

    def _lock_state(self):
        pass  # add() and pop() work after build()

    def _obj_type(self):
        return "Sequential"

    def build(self, input_shape=None):
        """Create the weights for inputs of this shape, which includes the batch axis (None for any batch size)."""
        if not is_shape(input_shape):
            return  # several inputs: the layers are built by the first call
        input_shape = tuple(input_shape)
        if not self._layers:
            raise ValueError(f"Sequential model {self.name} cannot be built because it has no layers. Call `model.add(layer)`.")
        first = self._layers[0]
        if isinstance(first, InputLayer):
            if first.batch_shape != input_shape:
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input shape {first.batch_shape}. "
                    f"You cannot build it with input_shape {input_shape}"
                )
        else:
            self._layers.insert(0, InputLayer(batch_shape=input_shape, dtype=first.compute_dtype))

        inputs = x = self._layers[0].output
        for layer in self._layers[1:]:
            try:
                x = layer(x)
            except NotImplementedError:
                return  # no shape inference for this layer: the layers are called one by one
            except TypeError as error:
                _explain_signature(layer, error)
                raise
        self.__dict__["_functional"] = Functional(inputs=inputs, outputs=x)

    def call(self, inputs, training=None, mask=None, **kwargs):
        if self._functional is not None:
            return self._functional.call(inputs, training=training, mask=mask, **kwargs)
        for layer in self.layers:
            given = {k: v for k, v in kwargs.items() if k in layer._call_has_context_arg}
            if layer._call_has_mask_arg:
                given["mask"] = mask
            if layer._call_has_training_arg and training is not None:
                given["training"] = training
            inputs = layer(inputs, **given)
            mask = nest.map_structure(get_mask, inputs)
        return inputs

    def _plain_dtype(self):
        return None if self._functional is None else self._functional._plain_dtype()

    @property
    def layers(self):
        """The layers that were added, without the Input."""
        return [layer for layer in self._layers if layer is not self._layers[0] or not isinstance(layer, InputLayer)]

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and `pop()` to change the "
            "layers in this model."
        )

    def compute_output_spec(self, inputs, training=None, mask=None, **kwargs):
        if self._functional is not None:
            return self._functional.compute_output_spec(inputs, training=training, mask=mask, **kwargs)
        for layer in self.layers:
            inputs = layer.compute_output_spec(inputs, **({"training": training} if layer._call_has_training_arg else {}))
        return inputs

    def compute_output_shape(self, input_shape):
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def _of_functional(self, attribute, what):
        if self._functional is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {what} yet. Start it with keras.Input(shape=...), or "
                "call it on data first."
            )
        return getattr(self._functional, attribute)

    @property
    def input_shape(self):
        return self._of_functional("input_shape", "input shape")

    @property
    def output_shape(self):
        return self._of_functional("output_shape", "output shape")

    @property
    def inputs(self):
        return self._of_functional("inputs", "inputs")

    @property
    def outputs(self):
        return self._of_functional("outputs", "outputs")

    @property
    def input_dtype(self):
        if self._layers and isinstance(self._layers[0], InputLayer):
            return self._layers[0].dtype
        return super().input_dtype

    def get_config(self):
        """{"name", "trainable", "dtype", "layers", "build_input_shape"}."""
        config = Model.get_config(self)
        config["layers"] = copy.deepcopy([serialize_keras_object(layer) for layer in self._layers])
        if self._functional is not None:
            config["build_input_shape"] = self._layers[0].batch_shape
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of `get_config()`, of real Keras 3, or of Keras 2 (a list of layers)."""
        if not isinstance(config, dict) or "name" not in config or "layers" not in config:
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys. Received: "
                f"config={config}"
            )
        model = cls(name=config["name"])
        for entry in config["layers"]:
            model.add(deserialize_keras_object(entry, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if model._functional is None and isinstance(shape, (tuple, list)) and shape and model._layers:
            model.build(shape)
        return model


def _explain_signature(layer, error):
    """ValueError for a layer that takes no argument, or several, in call()."""
    parameters = inspect.signature(layer.call).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    start = "Layers added to a Sequential model "
    if not positional:
        raise ValueError(
            f"{start}should have a single positional argument, the input tensor. Layer {type(layer).__name__} has no "
            "positional arguments."
        ) from error
    if len(required) > 1:
        raise ValueError(
            f"{start}can only have a single required positional argument, the input tensor. Layer {type(layer).__name__} "
            f"has multiple required positional arguments: {required}"
        ) from error
