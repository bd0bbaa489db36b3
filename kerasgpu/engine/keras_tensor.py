"""Symbolic tensors: placeholders with a shape (dims may be None) and dtype, from which functional models are built."""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine import dtypes
from kerasgpu.engine.naming import auto_name
from kerasgpu.engine.operators import LogicalOperators
from kerasgpu.engine.tensor import Tensor


class KerasTensor(LogicalOperators):
    """A symbolic tensor: `shape` (None where unknown), `dtype`, `name`. Made by `keras.Input` and by calls on other KerasTensors.

    It has no value: using it as a number or a NumPy array raises an error that says what to do instead.
    """

    __slots__ = ("__dict__", "__weakref__", "dtype", "name", "record_history", "shape")
    __array_priority__ = 1000

    def __init__(self, shape, dtype="float32", sparse=False, ragged=False, record_history=True, name=None, **kwargs):
        if sparse or ragged:
            raise NotImplementedError(
                "KerasTensor: sparse and ragged tensors are not supported; use dense tensors with padding"
            )
        if isinstance(shape, int) or shape is None:
            raise ValueError(
                f"KerasTensor: shape must be a tuple of sizes, with None for unknown ones. Received: shape={shape}"
            )
        self.shape = tuple(None if d is None else int(d) for d in shape)
        self.dtype = dtypes.standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.record_history = record_history

    @property
    def ndim(self):
        return len(self.shape)

    sparse = False
    ragged = False

    def _no_value(self, what):
        raise ValueError(
            f"A KerasTensor has no value, so {what} is not possible. It stands for the input of a model that is being built: use "
            "keras.ops and keras.layers on it, or write the computation in the call() of a custom layer"
        )

    def __array__(self, dtype=None, copy=None):
        self._no_value("turning it into a NumPy array")

    def __invert__(self):
        return ops.logical_not(self)

    def __bool__(self):
        raise TypeError("A symbolic KerasTensor cannot be used as a boolean; use keras.ops.where or keras.ops.cond")

    def __int__(self):
        self._no_value("int()")

    def __float__(self):
        self._no_value("float()")

    def __index__(self):
        self._no_value("using it as an index")

    def __repr__(self):
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"


def is_symbolic(x) -> bool:
    return isinstance(x, KerasTensor)


def any_symbolic_tensors(args=None, kwargs=None) -> bool:
    """Whether a KerasTensor is anywhere in these (nested) arguments."""
    for a in args or ():
        if has_symbolic(a):
            return True
    if kwargs:
        for a in kwargs.values():
            if has_symbolic(a):
                return True
    return False


def has_symbolic(x) -> bool:
    kind = type(x)
    if kind is Tensor:
        return False
    if kind is KerasTensor:
        return True
    if isinstance(x, (list, tuple)):
        return any(has_symbolic(v) for v in x)
    if isinstance(x, dict):
        return any(has_symbolic(v) for v in x.values())
    return isinstance(x, KerasTensor)
