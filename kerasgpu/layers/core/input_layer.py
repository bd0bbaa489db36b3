"""Input: where a functional model begins."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.operation import GraphNode
from kerasgpu.layers.layer import Layer


def _standardize_shape(shape):
    if isinstance(shape, np.ndarray) and shape.ndim == 1:
        shape = shape.tolist()
    if not isinstance(shape, (list, tuple)):
        hint = f"; did you mean shape=({shape},)?" if isinstance(shape, (int, np.integer)) else ""
        raise ValueError(f"Cannot convert '{shape}' to a shape{hint}")
    for d in shape:
        if d is not None and (not hasattr(d, "__index__") or int(d) < 0):
            raise ValueError(
                f"Cannot convert '{shape}' to a shape. Found invalid dimension '{d}'. Expected a non-negative integer or None"
            )
    return tuple(None if d is None else int(d) for d in shape)


class InputLayer(Layer):
    """The layer behind `Input`; `output` is its KerasTensor. See Input for the arguments."""

    def __init__(
        self,
        shape=None,
        batch_size=None,
        dtype=None,
        sparse=None,
        ragged=None,
        batch_shape=None,
        input_tensor=None,
        optional=False,
        name=None,
        **kwargs,
    ):
        super().__init__(name=name)
        if "input_shape" in kwargs:
            warnings.warn("Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2)
            shape = kwargs.pop("input_shape")
        if "batch_input_shape" in kwargs:
            batch_shape = kwargs.pop("batch_input_shape")
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to InputLayer: {kwargs}")
        if sparse or ragged:
            raise ValueError("`sparse=True` and `ragged=True` are not supported; use dense tensors, with padding and Masking")
        if input_tensor is not None:
            batch_shape, dtype = self._check_tensor(input_tensor, shape, batch_size, batch_shape, dtype)
        else:
            batch_shape = self._batch_shape_of(shape, batch_size, batch_shape)
        self._batch_shape = _standardize_shape(batch_shape)
        self._dtype = dtypes.standardize_dtype(dtype)
        self.sparse = False
        self.ragged = False
        self.optional = optional
        if input_tensor is None:
            input_tensor = KerasTensor(self._batch_shape, dtype=self._dtype, name=self.name)
        self.__dict__["_input_tensor"] = input_tensor
        GraphNode(self, (), {}, input_tensor)
        self.built = True

    @staticmethod
    def _batch_shape_of(shape, batch_size, batch_shape):
        if shape is not None and batch_shape is not None:
            raise ValueError("You cannot pass both `shape` and `batch_shape` at the same time.")
        if batch_size is not None and batch_shape is not None:
            raise ValueError("You cannot pass both `batch_size` and `batch_shape` at the same time.")
        if shape is None and batch_shape is None:
            raise ValueError("You must pass a `shape` argument.")
        return batch_shape if shape is None else (batch_size, *_standardize_shape(shape))

    @staticmethod
    def _check_tensor(tensor, shape, batch_size, batch_shape, dtype):
        if not isinstance(tensor, KerasTensor):
            raise ValueError(
                f"Argument `input_tensor` must be a KerasTensor. Received invalid type: input_tensor={tensor} (of type "
                f"{type(tensor)})"
            )
        wrong = {
            "batch_size": batch_size is not None and (not tensor.shape or tensor.shape[0] != batch_size),
            "shape": shape is not None and tuple(shape) != tensor.shape[1:],
            "batch_shape": batch_shape is not None and tuple(batch_shape) != tensor.shape,
            "dtype": dtype is not None and tensor.dtype != dtype,
        }
        for name, bad in wrong.items():
            if bad:
                raise ValueError(
                    f"When providing the `input_tensor` argument, you cannot provide an incompatible `{name}` argument."
                )
        return tensor.shape, tensor.dtype

    def call(self):
        return None

    @property
    def batch_shape(self):
        return self._batch_shape

    @property
    def dtype(self):
        return self._dtype

    def get_config(self):
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, name=None, tensor=None, optional=False
):
    """A symbolic tensor that stands for an input of a model.

    Args:
        shape: shape of one sample, without the batch axis; None for dims that may vary.
        batch_size: fixed size of the batch axis; None for any.
        dtype: "float32" by default.
        sparse, ragged: not supported; kept for compatibility.
        batch_shape: shape with the batch axis, in place of shape and batch_size.
        name: name of the input, by which it can be fed from a dict.
        tensor: an existing KerasTensor to wrap.
        optional: whether None may be passed for it.

    >>> import kerasgpu as keras
    >>> x = keras.Input((4,))
    >>> model = keras.Model(x, keras.layers.Dense(2)(x))
    >>> model.output_shape
    (None, 2)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    return layer.output
