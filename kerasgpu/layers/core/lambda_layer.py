"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect

from kerasgpu.configs.serialization import SafeModeScope, deserialize_keras_object, in_safe_mode, serialize_keras_object
from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.layers.layer import Layer
from kerasgpu.layers.shapes import infer_with_fill, is_shape, map_shapes


class Lambda(Layer):
    """y = function(x).

    Args:
        function: takes the inputs first; may take `mask` and `training`.
        output_shape: shape of the output without the batch axis, or a function of the input shape; found by itself when None.
        mask: None, a mask, or a function (inputs, mask) -> mask.
        arguments: dict of more keyword arguments for the function.

    A model with a Lambda can be saved only if the function is registered with @keras.saving.register_keras_serializable():
    code is
    never stored in, nor run from, a file.

    >>> import kerasgpu as keras
    >>> keras.layers.Lambda(lambda x: x**2)(keras.ops.convert_to_tensor([3.0])).numpy()
    array([9.], dtype=float32)
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        self.arguments = arguments or {}
        self.function = function
        self.supports_masking = mask is not None
        self.mask = mask
        self.__dict__["_output_shape"] = output_shape
        names = inspect.getfullargspec(function).args
        self._fn_expects_training_arg = "training" in names
        self._fn_expects_mask_arg = "mask" in names

    def compute_output_shape(self, input_shape):
        if self._output_shape is None:
            try:
                inputs = map_shapes(lambda s: KerasTensor(s, dtype=self.compute_dtype), input_shape)
                return nest.map_structure(lambda x: x.shape, infer_with_fill(self.call, [inputs], {}))
            except Exception as error:
                raise NotImplementedError(
                    "We could not automatically infer the shape of the Lambda's output. Please specify the `output_shape` "
                    f"argument for this Lambda layer. Error encountered: {error}"
                ) from error
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        batch = nest.flatten(input_shape)[0]
        return map_shapes(lambda s: (batch, *s), self._output_shape)

    def call(self, inputs, mask=None, training=None):
        arguments = dict(self.arguments)
        if self._fn_expects_mask_arg:
            arguments["mask"] = mask
        if self._fn_expects_training_arg:
            arguments["training"] = training
        return self.function(inputs, **arguments)

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        config = {**super().get_config(), "function": serialize_keras_object(self.function)}
        if self._output_shape is not None:
            shape = self._output_shape
            config["output_shape"] = serialize_keras_object(shape) if callable(shape) else shape
        if self.mask is not None:
            config["mask"] = serialize_keras_object(self.mask)
        config["arguments"] = serialize_keras_object(dict(self.arguments))
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None, safe_mode=None):
        """The layer of a config; `safe_mode=False` allows lambdas of this process, never code from the config."""
        config = cls._with_dtype_policy(config)
        with SafeModeScope(in_safe_mode() if safe_mode is None else safe_mode):
            for key in ("function", "output_shape", "mask", "arguments"):
                if key in config and not callable(config[key]):
                    config[key] = deserialize_keras_object(config[key], custom_objects=custom_objects)
        if is_shape(config.get("output_shape")):
            config["output_shape"] = tuple(config["output_shape"])
        return cls(**config)
