"""What weights must satisfy after each update: a bound on norms, unit norms, no negative values."""

from __future__ import annotations

from kerasgpu import config, ops
from kerasgpu.ops.primitives.lengths import length


def _norms(w, axis):
    return length(w, tuple(axis) if isinstance(axis, list) else axis, keepdims=True)


class Constraint:
    """Base class of constraints: callables from a weight to the weight that takes its place.

    >>> import kerasgpu as keras
    >>> class AtMostOne(keras.constraints.Constraint):
    ...     def __call__(self, w):
    ...         return keras.ops.minimum(w, 1.0)
    >>> AtMostOne()(keras.ops.convert_to_tensor([0.5, 2.0])).numpy()
    array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w):
        return w

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class MaxNorm(Constraint):
    """Scales down what has a norm above max_value along `axis`.

    Args: max_value: float; axis: int or tuple; 0 for the units of a Dense kernel, (0, 1, 2) for the filters of a Conv2D kernel.

    >>> import kerasgpu as keras
    >>> keras.constraints.MaxNorm(1)(keras.ops.convert_to_tensor([[0.0], [2.0]])).numpy().round(4)
    array([[0.],
           [1.]], dtype=float32)
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (norms + config.epsilon()))

    def get_config(self):
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative values to 0.

    >>> import kerasgpu as keras
    >>> keras.constraints.NonNeg()(keras.ops.convert_to_tensor([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w):
        return ops.maximum(ops.convert_to_tensor(w), 0)


class UnitNorm(Constraint):
    """Scales everything to norm 1 along `axis`.

    Args: axis: int or tuple, see MaxNorm.

    >>> import kerasgpu as keras
    >>> keras.constraints.UnitNorm()(keras.ops.convert_to_tensor([[0.0], [2.0]])).numpy().round(4)
    array([[0.],
           [1.]], dtype=float32)
    """

    def __init__(self, axis=0):
        self.axis = axis

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        return w / (_norms(w, self.axis) + config.epsilon())

    def get_config(self):
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves norms along `axis` towards [min_value, max_value]: all the way at rate 1.

    Args: min_value, max_value, rate: floats, rate in [0, 1]; axis: int or tuple, see MaxNorm.

    >>> import kerasgpu as keras
    >>> keras.constraints.MinMaxNorm(1.0, 1.0)(keras.ops.convert_to_tensor([[0.0], [2.0]])).numpy().round(4)
    array([[0.],
           [1.]], dtype=float32)
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (norms + config.epsilon()))

    def get_config(self):
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}
