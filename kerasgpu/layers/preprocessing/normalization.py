"""Normalization: inputs shifted and scaled to mean 0 and variance 1, with statistics from data."""

from __future__ import annotations

import itertools
import math

import numpy as np

from kerasgpu import ops
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import Tensor, convert_to_tensor
from kerasgpu.layers.layer import Layer


class Normalization(Layer):
    """y = (x - mean) / sqrt(variance), with mean and variance of each position along `axis`.

    Args:
        axis: axis or axes that keep their own mean and variance; None for one of each.
        mean, variance: the statistics, if known; otherwise call `adapt(data)` before use.
        invert: whether to compute x * sqrt(variance) + mean instead.

    >>> import numpy as np, kerasgpu as keras
    >>> layer = keras.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]], "float32"))
    >>> layer(np.array([[3.0, 30.0]], "float32")).numpy()
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        self._allow_non_tensor_positional_args = True
        self._build_input_shape = None
        self.__dict__["mean"] = self.__dict__["variance"] = None
        if (mean is not None) != (variance is not None):
            raise ValueError(
                f"When setting values directly, both `mean` and `variance` must be set. Received: mean={mean} and "
                f"variance={variance}"
            )
        if mean is not None:
            if np.shape(mean) != np.shape(variance):
                raise ValueError(
                    "When setting values directly, `mean` and `variance` must have the same shape. Received: mean shape "
                    f"{np.shape(mean)} and variance shape {np.shape(variance)}"
                )
            if len(np.shape(mean)) > len(self.axis):
                raise ValueError(
                    f"The rank of `mean` must be less than or equal to the number of axes ({len(self.axis)}). Received: "
                    f"mean shape {np.shape(mean)} for axis {self.axis}"
                )

    def build(self, input_shape):
        if input_shape is None:
            return
        ndim = len(input_shape)
        self._build_input_shape = tuple(input_shape)
        if any(a < -ndim or a >= ndim for a in self.axis):
            raise ValueError(
                f"All `axis` values must be in the range [-ndim, ndim). Received inputs with ndim={ndim}, while "
                f"axis={self.axis}"
            )
        self._keep_axis = tuple(sorted(a % ndim for a in self.axis))
        for d in self._keep_axis:
            if input_shape[d] is None:
                raise ValueError(
                    "All `axis` values to be kept must have a known shape. Received axis="
                    f"{self.axis}, inputs.shape={input_shape}, with unknown axis at index {d}"
                )
        self._reduce_axis = tuple(d for d in range(ndim) if d not in self._keep_axis)
        self._broadcast_shape = tuple(input_shape[d] if d in self._keep_axis else 1 for d in range(ndim))
        self._mean_and_var_shape = tuple(input_shape[d] for d in self._keep_axis)
        if self.input_mean is None:
            shape = self._mean_and_var_shape
            self.adapt_mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
            self.adapt_variance = self.add_weight(name="variance", shape=shape, initializer="ones", trainable=False)
            # Not used; files of Keras hold it.
            self.count = self.add_weight(name="count", shape=(), dtype="int", initializer="zeros", trainable=False)
            self.built = True
            self.finalize_state()
        else:
            self.__dict__["mean"] = self._placed(self.input_mean)
            self.__dict__["variance"] = self._placed(self.input_variance)
            self.built = True

    def _placed(self, value):
        """Given statistics in the broadcast shape: their axes are the kept axes, from the right."""
        value = ops.cast(convert_to_tensor(value), self.compute_dtype)
        shape = [1] * len(self._broadcast_shape)
        for i in range(1, value.ndim + 1):
            size = self._broadcast_shape[self._keep_axis[-i]]
            if value.shape[-i] not in (1, size):
                raise ValueError(
                    f"Layer '{self.name}' (Normalization) was given mean and variance of shape {tuple(value.shape)}, which do not fit "
                    f"inputs of shape {self._build_input_shape}: axis {self._keep_axis[-i]} has size {size}"
                )
            shape[self._keep_axis[-i]] = value.shape[-i]
        return ops.broadcast_to(ops.reshape(value, shape), self._broadcast_shape)

    def adapt(self, data):
        """Set mean and variance to those of data: an array, a tensor, or an iterable of batches (a list, generator, PyDataset).

        Batches may be (x, y) tuples, of which x is used. Raises ValueError for no batches and for shapes that do not fit.
        """
        if isinstance(data, (np.ndarray, Tensor)):
            self._check_or_build(data.shape)
            mean, variance = ops.moments(ops.cast(convert_to_tensor(data), self.compute_dtype), axes=list(self._reduce_axis))
            if not self._reduce_axis:
                mean, variance = ops.cast(convert_to_tensor(data), self.compute_dtype), ops.zeros(self._mean_and_var_shape)
        else:
            mean, variance = self._moments_of_batches(data)
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)
        self.finalize_state()

    def _moments_of_batches(self, data):
        """Mean and variance over batches, combined pairwise (Chan, Golub and LeVeque 1979)."""
        if hasattr(data, "__getitem__") and hasattr(data, "num_batches"):  # a PyDataset
            batches = (data[k] for k in range(len(data)))
        elif hasattr(data, "__iter__"):
            batches = iter(data)
        else:
            raise TypeError(
                f"Unsupported data type: {type(data)}. `adapt` supports `np.ndarray`, backend tensors, "
                "`keras.utils.PyDataset`, and iterables of batches (e.g. list, generator)."
            )
        batches = (b[0] if isinstance(b, (tuple, list)) and b and hasattr(b[0], "shape") else b for b in batches)
        first = next(batches, None)
        if first is None:
            raise ValueError(
                "adapt() received an empty iterable (no batches). Expected at least one batch. Pass a non-empty iterable "
                "of arrays or tensors, e.g. layer.adapt([x]) or layer.adapt(list_of_batches)."
            )
        if not hasattr(first, "shape"):
            raise TypeError(
                "adapt() expects an iterable that yields arrays or tensors with a `.shape` attribute (e.g. numpy arrays or "
                f"backend tensors). Got an element of type {type(first).__name__}. Ensure each yielded element is "
                "array-like with a `.shape` attribute."
            )
        self._check_or_build(first.shape)
        count, mean, variance = 0, 0.0, 0.0
        for batch in itertools.chain([first], batches):
            batch = ops.cast(convert_to_tensor(batch), self.compute_dtype)
            self._check_batch(batch.shape)
            n = math.prod(batch.shape[d] for d in self._reduce_axis)
            batch_mean, batch_variance = ops.moments(batch, axes=list(self._reduce_axis))
            count += n
            weight = n / count
            new_mean = mean * (1 - weight) + batch_mean * weight
            variance = (variance + (mean - new_mean) ** 2) * (1 - weight) + (
                batch_variance + (batch_mean - new_mean) ** 2
            ) * weight
            mean = new_mean
        return mean, variance

    def _check_or_build(self, shape):
        if not self.built:
            self.build(tuple(shape))
        for d in self._keep_axis:
            if shape[d] != self._build_input_shape[d]:
                raise ValueError(
                    f"Layer '{self.name}' (Normalization) was built with input_shape={self._build_input_shape}, but adapt() is being "
                    f"called with data of an incompatible shape, data.shape={tuple(shape)}: axis {d} has size "
                    f"{self._build_input_shape[d]} there and {shape[d]} here"
                )
        if self.input_mean is not None:
            raise ValueError(f"Layer '{self.name}' (Normalization) was given mean and variance; adapt() would not change them.")

    def _check_batch(self, shape):
        if len(shape) != len(self._build_input_shape) or any(shape[d] != self._build_input_shape[d] for d in self._keep_axis):
            raise ValueError(
                f"Layer '{self.name}' (Normalization): adapt() yielded a batch with incompatible shape. Expected "
                f"{self._build_input_shape}, got {tuple(shape)}."
            )

    def finalize_state(self):
        """Take the statistics from the weights, in the shape and dtype that call() uses."""
        if self.input_mean is not None or not self.built:
            return
        self.__dict__["mean"] = ops.cast(ops.reshape(self.adapt_mean, self._broadcast_shape), self.compute_dtype)
        self.__dict__["variance"] = ops.cast(ops.reshape(self.adapt_variance, self._broadcast_shape), self.compute_dtype)

    def call(self, inputs):
        if self.mean is None:
            raise ValueError("You must call `.build(input_shape)` on the layer before using it.")
        if not isinstance(inputs, KerasTensor):
            inputs = convert_to_tensor(inputs)
        self._check_input(inputs.shape)
        inputs = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), 1e-7)
        if self.invert:
            return ops.add(self.mean, ops.multiply(inputs, deviation))
        return ops.divide(ops.subtract(inputs, self.mean), deviation)

    def _check_input(self, shape):
        """The axes that are normalized apart have the sizes that the layer was built, and adapted, with."""
        known = self._build_input_shape
        for d in self._keep_axis:
            place = d - len(known)  # from the end, so that single examples pass
            if place < -len(shape) or shape[place] in (None, known[d]):
                continue
            raise ValueError(
                f"Layer '{self.name}' (Normalization) was adapted to (or built for) inputs of shape {known}, with separate statistics "
                f"along axis {self.axis}, but is called on inputs of shape {tuple(shape)}. Call adapt() with data of the shape that the "
                "model uses"
            )

    def compute_output_shape(self, input_shape):
        if self.built and self._build_input_shape is not None:
            self._check_input(input_shape)
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": np.array(self.input_mean).tolist(),
            "variance": np.array(self.input_variance).tolist(),
        }

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.finalize_state()

    def get_build_config(self):
        return {"input_shape": self._build_input_shape} if self._build_input_shape else None

    def build_from_config(self, config):
        if config:
            self.build(config["input_shape"])
