"""Penalties on weights or activations, added to the loss."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu import ops


def _non_negative(value, name):
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value}")
    return float(value)


class Regularizer:
    """Base class of regularizers: callables from a tensor to a scalar.

    >>> import kerasgpu as keras
    >>> class Peak(keras.regularizers.Regularizer):
    ...     def __call__(self, x):
    ...         return keras.ops.max(keras.ops.abs(x))
    ...     def get_config(self):
    ...         return {}
    >>> float(Peak()(keras.ops.convert_to_tensor([1.0, -3.0])))
    3.0
    """

    def __call__(self, x):
        return 0.0

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_config(self):
        raise NotImplementedError(f"{type(self).__name__} does not implement get_config()")


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2).

    Args: l1, l2: floats >= 0; ValueError otherwise.

    >>> import kerasgpu as keras
    >>> float(keras.regularizers.L1L2(l1=0.5, l2=0.25)(keras.ops.ones((4,))))
    3.0
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _non_negative(0.0 if l1 is None else l1, "l1")
        self.l2 = _non_negative(0.0 if l2 is None else l2, "l2")

    def __call__(self, x):
        total = None
        if self.l1 != 0.0:
            total = ops.sum(ops.absolute(x)) * self.l1
        if self.l2 != 0.0:
            squares = ops.sum(ops.square(x)) * self.l2
            total = squares if total is None else total + squares
        return ops.convert_to_tensor(0.0, dtype=x.dtype) if total is None else total

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).

    Args: l1: float >= 0; ValueError otherwise.

    >>> import kerasgpu as keras
    >>> float(keras.regularizers.L1(0.5)(keras.ops.ones((4,))))
    2.0
    """

    def __init__(self, l1=0.01):
        self.l1 = _non_negative(0.01 if l1 is None else l1, "l1")

    def __call__(self, x):
        return ops.sum(ops.absolute(x)) * self.l1

    def get_config(self):
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x^2).

    Args: l2: float >= 0; ValueError otherwise.

    >>> import kerasgpu as keras
    >>> float(keras.regularizers.L2(0.5)(keras.ops.ones((4,))))
    2.0
    """

    def __init__(self, l2=0.01):
        self.l2 = _non_negative(0.01 if l2 is None else l2, "l2")

    def __call__(self, x):
        return ops.sum(ops.square(x)) * self.l2

    def get_config(self):
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """factor * mean of |cosine| over all pairs of different rows (or columns): 0 when they are orthogonal.

    Args: factor: float >= 0; mode: "rows" or "columns". ValueError otherwise, and for inputs that are not matrices.

    >>> import kerasgpu as keras
    >>> float(keras.regularizers.OrthogonalRegularizer(0.5)(keras.ops.ones((2, 3)))) > 0.49
    True
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _non_negative(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f'Invalid value for argument `mode`. Expected one of {{"rows", "columns"}}. Received: mode={mode}')
        self.mode = mode

    def __call__(self, inputs):
        if len(inputs.shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={inputs.shape}")
        unit = ops.normalize(inputs, axis=1 if self.mode == "rows" else 0)
        if self.mode == "rows":
            cosines = ops.matmul(unit, ops.transpose(unit))
        else:
            cosines = ops.matmul(ops.transpose(unit), unit)
        size = cosines.shape[0]
        cosines = cosines * (1.0 - ops.eye(size, dtype=cosines.dtype))
        pairs = size * (size - 1.0) / 2.0
        return ops.sum(ops.absolute(cosines)) * (self.factor * 0.5) / pairs

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}
