"""Quantizers: a float tensor as small integers times a scale."""

from __future__ import annotations

from kerasgpu import ops
from kerasgpu.engine.dtypes import standardize_dtype


class Quantizer:
    """Base class: a callable from a tensor to its quantized form. Subclasses implement `__call__` and `get_config`.

    Args:
        output_dtype: the dtype of the quantized tensor.
    """

    def __init__(self, output_dtype="int8"):
        self.output_dtype = output_dtype

    def __call__(self, x):
        return x

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_config(self):
        raise NotImplementedError(f"{self} does not implement get_config(): return the constructor's arguments from it")


def abs_max_quantize(inputs, axis, value_range=(-127, 127), dtype="int8", epsilon=1e-7, to_numpy=False):
    """q = clip(round(x s)), s = value_range[1] / (max |x| + epsilon) over `axis`; x is about q / s.

    Args:
        inputs: float tensor.
        axis: int or tuple: the axes that share a scale.
        value_range: the least and largest integer.
        dtype: of q.
        epsilon: keeps s finite where x is 0.
        to_numpy: whether the work is done on the host, to spare device memory.

    Returns (q, s); s has x's dtype and size 1 along `axis`.

    >>> import kerasgpu as keras
    >>> q, s = keras.quantizers.abs_max_quantize(keras.ops.array([[0.25, -1.0]]), axis=-1)
    >>> q.tolist(), round(float(s[0, 0]))
    ([[32, -127]], 127)
    """
    kind = standardize_dtype(inputs.dtype) if hasattr(inputs, "dtype") else "float32"
    if to_numpy:
        import numpy as np

        x = ops.convert_to_numpy(inputs)
        axis = tuple(axis) if isinstance(axis, list) else axis
        scale = value_range[1] / (np.abs(x).max(axis=axis, keepdims=True) + epsilon)
        quantized = np.clip(np.round(x * scale), *value_range).astype(dtype)
        return ops.convert_to_tensor(quantized), ops.convert_to_tensor(scale, dtype=kind)
    x = ops.convert_to_tensor(inputs)
    scale = ops.cast(value_range[1] / (ops.max(ops.abs(x), axis=axis, keepdims=True) + epsilon), x.dtype)
    return ops.cast(ops.clip(ops.round(x * scale), *value_range), dtype), scale


class AbsMaxQuantizer(Quantizer):
    """`abs_max_quantize` with settings.

    Args:
        axis: the axes that share a scale, int or tuple; may be given to the call instead.
        value_range: the least and largest integer; within [-128, 127] for "int8".
        epsilon: keeps the scale finite where the tensor is 0.
        output_dtype: the dtype of the integers.

    >>> import kerasgpu as keras
    >>> keras.quantizers.AbsMaxQuantizer(axis=-1)(keras.ops.array([[0.5, -1.0]]))[0].dtype
    'int8'
    """

    def __init__(self, axis=None, value_range=(-127, 127), epsilon=1e-7, output_dtype="int8"):
        super().__init__(output_dtype=output_dtype)
        self.axis = None if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.value_range = value_range
        self.epsilon = epsilon
        if output_dtype == "int8" and (value_range[0] < -128 or value_range[1] > 127):
            raise ValueError(
                "Quantizer with output_dtype='int8' requires value_range to be within the interval [-128, 127]. Received: "
                f"value_range={value_range}"
            )

    def __call__(self, x, axis=None, to_numpy=False):
        axis = next((a for a in (axis, self.axis) if a is not None), -1)
        return abs_max_quantize(x, axis, self.value_range, self.output_dtype, self.epsilon, to_numpy)

    def get_config(self):
        config = {"value_range": self.value_range, "epsilon": self.epsilon, "output_dtype": self.output_dtype}
        return config if self.axis is None else {**config, "axis": self.axis}


def compute_float8_scale(amax, scale, dtype_max, margin=0):
    """The scale amax 2^margin / dtype_max, or `scale` where amax is 0 or not finite (Micikevicius et al. 2022)."""
    usable = ops.logical_and(ops.greater(amax, 0.0), ops.isfinite(amax))
    return ops.where(usable, ops.multiply(ops.divide(amax, dtype_max), 2.0**margin), scale)


def compute_float8_amax_history(x, amax_history):
    """`amax_history` moved on by one place, with max |x| at index 0."""
    newest = ops.reshape(ops.cast(ops.max(ops.abs(x)), amax_history.dtype), (1,))
    return ops.concatenate([newest, ops.roll(amax_history, shift=-1)[1:]], axis=0)


def quantize_and_dequantize(inputs, scale, quantized_dtype, compute_dtype):
    """What is left of `inputs` after a trip through a float8 dtype: cast(clip(x / scale)) scale."""
    import ml_dtypes

    largest = float(ml_dtypes.finfo(quantized_dtype).max)
    scale = ops.cast(scale, compute_dtype)
    small = ops.cast(ops.clip(ops.divide(inputs, scale), -largest, largest), quantized_dtype)
    return ops.multiply(ops.cast(small, compute_dtype), scale)
