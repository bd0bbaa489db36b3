"""Python operators, shared by Tensor, Variable and KerasTensor: each calls the function of keras.ops of that name."""

from __future__ import annotations

import math

import numpy as np

from kerasgpu.config.installed import ops

_OF_SHAPE = (np.shape, np.ndim, np.size)


class _Shaped:
    """What np.shape, np.ndim and np.size look at."""

    def __init__(self, shape):
        self.shape, self.ndim, self.size = shape, len(shape), math.prod(shape)


def _as_arrays(x):
    """Nested arguments with NumPy arrays in place of tensors."""
    if isinstance(x, Operators):
        return np.asarray(x)
    if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
        return type(x)(_as_arrays(v) for v in x)
    return {k: _as_arrays(v) for k, v in x.items()} if type(x) is dict else x


class Operators:
    """Mixin with the arithmetic, comparison, indexing and method operators of an array."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __add__(self, other):
        return ops.add(self, other)

    def __radd__(self, other):
        return ops.add(other, self)

    def __sub__(self, other):
        return ops.subtract(self, other)

    def __rsub__(self, other):
        return ops.subtract(other, self)

    def __mul__(self, other):
        return ops.multiply(self, other)

    def __rmul__(self, other):
        return ops.multiply(other, self)

    def __truediv__(self, other):
        return ops.true_divide(self, other)

    def __rtruediv__(self, other):
        return ops.true_divide(other, self)

    def __floordiv__(self, other):
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other):
        return ops.floor_divide(other, self)

    def __mod__(self, other):
        return ops.mod(self, other)

    def __rmod__(self, other):
        return ops.mod(other, self)

    def __divmod__(self, other):
        return ops.divmod(self, other)

    def __rdivmod__(self, other):
        return ops.divmod(other, self)

    def __pow__(self, other):
        return ops.power(self, other)

    def __rpow__(self, other):
        return ops.power(other, self)

    def __matmul__(self, other):
        return ops.matmul(self, other)

    def __rmatmul__(self, other):
        return ops.matmul(other, self)

    def __neg__(self):
        return ops.negative(self)

    def __pos__(self):
        return self

    def __abs__(self):
        return ops.absolute(self)

    def __invert__(self):
        return ops.logical_not(self) if str(self.dtype) == "bool" else ops.bitwise_not(self)

    def __and__(self, other):
        return (ops.logical_and if str(self.dtype) == "bool" else ops.bitwise_and)(self, other)

    def __rand__(self, other):
        return (ops.logical_and if str(self.dtype) == "bool" else ops.bitwise_and)(other, self)

    def __or__(self, other):
        return (ops.logical_or if str(self.dtype) == "bool" else ops.bitwise_or)(self, other)

    def __ror__(self, other):
        return (ops.logical_or if str(self.dtype) == "bool" else ops.bitwise_or)(other, self)

    def __xor__(self, other):
        return (ops.logical_xor if str(self.dtype) == "bool" else ops.bitwise_xor)(self, other)

    def __rxor__(self, other):
        return (ops.logical_xor if str(self.dtype) == "bool" else ops.bitwise_xor)(other, self)

    def __lshift__(self, other):
        return ops.left_shift(self, other)

    def __rshift__(self, other):
        return ops.right_shift(self, other)

    def __eq__(self, other):
        return NotImplemented if other is None or isinstance(other, str) else ops.equal(self, other)

    def __ne__(self, other):
        return NotImplemented if other is None or isinstance(other, str) else ops.not_equal(self, other)

    def __lt__(self, other):
        return ops.less(self, other)

    def __le__(self, other):
        return ops.less_equal(self, other)

    def __gt__(self, other):
        return ops.greater(self, other)

    def __ge__(self, other):
        return ops.greater_equal(self, other)

    def __getitem__(self, key):
        return ops.get_item(self, key)

    def __array_function__(self, function, types, args, kwargs):
        """NumPy's functions (np.mean, np.concatenate, ...) take the values, and give what they give for arrays."""
        if function in _OF_SHAPE and not kwargs and len(args) == 1:
            return function(_Shaped(args[0].shape))  # nothing is read
        return function(*_as_arrays(args), **_as_arrays(kwargs))

    def __round__(self, ndigits=None):
        return ops.round(self, decimals=ndigits or 0)

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of a scalar tensor")
        if self.shape[0] is None:
            raise TypeError(f"len() of a tensor whose first dimension is not known: shape {self.shape}")
        return self.shape[0]

    def __iter__(self):
        if not self.shape:
            raise TypeError("iteration over a scalar tensor")
        if self.shape[0] is None:
            raise TypeError(f"cannot iterate over a tensor whose first dimension is not known: shape {self.shape}")
        return (self[k] for k in range(self.shape[0]))

    @property
    def T(self):
        return ops.transpose(self)

    def reshape(self, *newshape):
        return ops.reshape(self, newshape[0] if len(newshape) == 1 and not isinstance(newshape[0], int) else newshape)

    def squeeze(self, axis=None):
        return ops.squeeze(self, axis)

    def astype(self, dtype):
        return ops.cast(self, dtype)

    def sum(self, axis=None, keepdims=False):
        return ops.sum(self, axis, keepdims)

    def mean(self, axis=None, keepdims=False):
        return ops.mean(self, axis, keepdims)

    def max(self, axis=None, keepdims=False):
        return ops.max(self, axis, keepdims)

    def min(self, axis=None, keepdims=False):
        return ops.min(self, axis, keepdims)


class LogicalOperators(Operators):
    """As Keras has it for variables and symbolic tensors: &, | and ^ speak of truth for every dtype, not of bits."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __and__(self, other):
        return ops.logical_and(self, other)

    def __rand__(self, other):
        return ops.logical_and(other, self)

    def __or__(self, other):
        return ops.logical_or(self, other)

    def __ror__(self, other):
        return ops.logical_or(other, self)

    def __xor__(self, other):
        return ops.logical_xor(self, other)

    def __rxor__(self, other):
        return ops.logical_xor(other, self)
