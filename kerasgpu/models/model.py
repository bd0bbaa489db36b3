"""Model: a layer with layers inside that can be trained, summarised and saved."""

from __future__ import annotations

import inspect
import json
import warnings

from kerasgpu.config.installed import functional, saving
from kerasgpu.configs.serialization import serialize_keras_object
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import infer_with_fill, is_shape, map_shapes
from kerasgpu.models.model_state import ModelState
from kerasgpu.models.summary import print_summary
from kerasgpu.training.trainer import Trainer


class Model(ModelState, Trainer, Layer):
    """A trainable composition of layers.

    Made in one of two ways: `Model(inputs, outputs)` from KerasTensors (see Functional), or a subclass that creates layers in
    `__init__` and uses them in `call(inputs, training=None)`. `compile`, `fit`, `evaluate` and `predict` train and use it.

    >>> import kerasgpu as keras
    >>> class Regression(keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = keras.layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Regression()(keras.ops.ones((2, 3))).shape
    (2, 1)
    """

    def __new__(cls, *args, **kwargs):
        if cls is Model and functional_init_arguments(args, kwargs):
            return functional.Functional.__new__(functional.Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        Trainer.__init__(self)
        if functional_init_arguments(args, kwargs):
            # A subclass that passes inputs and outputs on: it becomes a subclass of Functional.
            _make_functional(type(self))
            functional.Functional.__init__(self, *args, **kwargs)
        else:
            Layer.__init__(self, *args, **kwargs)

    def call(self, *args, **kwargs):
        raise NotImplementedError(f"Model {type(self).__name__} does not have a `call()` method implemented.")

    @property
    def layers(self):
        """The layers of the model, not those inside its layers."""
        return self._flatten_layers(include_self=False, recursive=False)

    @layers.setter
    def layers(self, _):
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    def get_layer(self, name=None, index=None):
        """The layer with this name or at this index of `layers`. Raises ValueError when there is none."""
        if index is not None and name is not None:
            raise ValueError(f"Provide only a layer name or a layer index. Received: index={index}, name={name}.")
        layers = self.layers
        if index is not None:
            if len(layers) <= index:
                raise ValueError(f"Was asked to retrieve layer at index {index} but model only has {len(layers)} layers.")
            return layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in layers]}.")

    def summary(
        self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False, layer_range=None
    ):
        """Print a table of the layers with their output shapes and numbers of parameters.

        Args:
            line_length: width of the table in characters.
            positions: ends of the columns, as fractions of line_length.
            print_fn: called with the text; default print.
            expand_nested: whether layers of nested models are listed too.
            show_trainable: whether a column says if a layer is trainable.
            layer_range: names (or regular expressions) of the first and the last layer to list.
        """
        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    # -- files --------------------------------------------------------------------------------------------------
    def _saveable_children(self):
        found = {**super()._saveable_children(), "layers": self.layers}
        if getattr(self, "optimizer", None) is not None:
            found["optimizer"] = self.optimizer
        return found

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Write the model (config, weights, optimizer state) to a `.keras` file; see keras.saving.save_model."""
        return saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Write the weights to a `.weights.h5` file, or with max_shard_size to several; see keras.saving.save_weights."""
        return saving.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Read weights written by `save_weights` or `save`; with skip_mismatch, layers of another shape are left as they
        are."""
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs):
        """Not available: raises NotImplementedError that says how to export through real Keras."""
        formats = ("tf_saved_model", "onnx", "openvino", "litert", "torch")
        if format not in formats:
            raise ValueError(f"Unrecognized format={format}. Supported formats are: {list(formats)}.")
        raise NotImplementedError(
            f"Model.export: kerasgpu writes no {format} artifacts. Save with model.save('model.keras'): real Keras reads that file, "
            f"and there keras.models.load_model('model.keras').export({str(filepath)!r}, format={format!r}) exports it"
        )

    def to_json(self, **kwargs):
        """The configuration as JSON; `keras.models.model_from_json` reads it. kwargs go to json.dumps."""
        return json.dumps(serialize_keras_object(self), **kwargs)

    # -- building -----------------------------------------------------------------------------------------------
    def build(self, input_shape):
        """Create the weights by running call() on shapes: a shape tuple, or a list or dict of shapes as call() takes inputs."""
        if self.built:
            return
        inputs = map_shapes(lambda s: KerasTensor(s, dtype=self._input_kind()), input_shape)
        try:
            infer_with_fill(self.call, [inputs], {})
        except Exception as error:
            if any(not layer.built for layer in self._flatten_layers(include_self=False)):
                raise ValueError(
                    f"Model '{self.name}' could not be built by running its call() on inputs of shape {input_shape}. Call "
                    "the model on some data instead, or implement build() and build the layers there. Error encountered: "
                    f"{error}"
                ) from error
        self.built = True

    build._runs_call = True  # type: ignore[attr-defined]

    def build_from_config(self, config):
        if not config:
            return
        done = False
        own_build = type(self).build is not Model.build
        try:
            if "input_shape" in config:
                self._build_with_shapes(config["input_shape"], own_build)
            elif "shapes_dict" in config and own_build:
                self.build(**config["shapes_dict"])
            elif "shapes_dict" in config and all(is_shape(s) for s in config["shapes_dict"].values()):
                names = {k.removesuffix("_shape"): KerasTensor(s) for k, s in config["shapes_dict"].items()}
                with self._open_name_scope():
                    infer_with_fill(self.call, (), names)
            done = "input_shape" in config or "shapes_dict" in config
        except Exception:
            done = False
        if "shapes_dict" in config:
            self.__dict__["_build_shapes_dict"] = config["shapes_dict"]
        elif "input_shape" in config:
            self.__dict__["_build_shapes_dict"] = {"input_shape": config["input_shape"]}
        if not done:
            warnings.warn(
                f"Model '{self.name}' had a build config, but the model cannot be built automatically in "
                "`build_from_config(config)`. You should implement `def build_from_config(self, config)`, and you might "
                "also want to implement the method that generates the config at saving time, `def get_build_config(self)`. "
                "The method `build_from_config()` is meant to create the state of the model (i.e. its variables) upon "
                "deserialization.",
                stacklevel=2,
            )

    def _build_with_shapes(self, input_shape, own_build):
        if isinstance(input_shape, list) and not is_shape(input_shape):
            input_shape = map_shapes(tuple, input_shape)
        self.build(input_shape)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a configuration: of a graph for Functional and classes constructed like it, else cls(**config)."""
        spec = inspect.getfullargspec(cls.__init__)
        like_functional = (
            cls in (functional.Functional, Model)
            or spec.args[1:] == inspect.getfullargspec(functional.Functional.__init__).args[1:]
            or (spec.varargs == "args" and spec.varkw == "kwargs")
        )
        if like_functional and all(key in config for key in ("name", "layers", "input_layers", "output_layers")):
            return functional.functional_from_config(cls, config, custom_objects=custom_objects)
        config = cls._with_dtype_policy(config)
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                "Unable to revive model from config. When overriding the `get_config()` method, make sure that the "
                f"returned config contains all items used as arguments in the  constructor to {cls}, which is the default "
                "behavior. You can override this default behavior by defining a `from_config(cls, config)` class method to "
                f"specify how to create an instance of {cls.__name__} from its config.\n\nReceived config={config}\n\nError "
                f"encountered during deserialization: {error}"
            ) from error


def functional_init_arguments(args, kwargs) -> bool:
    """Whether these constructor arguments are (inputs, outputs)."""
    return len(args) == 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


def _make_functional(cls):
    """Put Functional in place of Model among the bases of cls."""
    if cls is Model:
        return functional.Functional
    if cls is object or not issubclass(cls, Model) or issubclass(cls, functional.Functional):
        return cls
    cls.__bases__ = tuple(_make_functional(base) for base in cls.__bases__)
    return cls
