"""`keras.backend` of Keras 2: arithmetic, reductions and shapes, where arguments or meaning differ from keras.ops.

What keras.ops has under the same name with the same arguments is taken from there (names/table.py).
"""

from __future__ import annotations

import math
import string

from kerasgpu import config, ops
from kerasgpu.engine.dtypes import is_float


def _as_float(x):
    """x, or its float for booleans and integers: the means of Keras 2 are those of floats."""
    x = ops.convert_to_tensor(x)
    return x if is_float(x.dtype) else ops.cast(x, config.floatx())


def sqrt(x):
    """The square root; negative numbers count as 0."""
    return ops.sqrt(ops.maximum(x, 0.0))


def pow(x, a):
    """x to the power a, element by element."""
    return ops.power(x, a)


def clip(x, min_value, max_value):
    """x kept between the two; None leaves a side open. A max_value below min_value counts as min_value."""
    low = -float("inf") if min_value is None else min_value
    high = float("inf") if max_value is None else max_value
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        high = high if high > low else low
    return ops.clip(x, low, high)


def mean(x, axis=None, keepdims=False):
    """The mean over axes."""
    return ops.mean(_as_float(x), axis, keepdims)


def std(x, axis=None, keepdims=False):
    """The standard deviation over axes."""
    return ops.std(_as_float(x), axis, keepdims)


def var(x, axis=None, keepdims=False):
    """The variance over axes."""
    return ops.var(_as_float(x), axis, keepdims)


def any(x, axis=None, keepdims=False):
    """Whether any value is not 0, over axes."""
    return ops.any(ops.cast(x, "bool"), axis, keepdims)


def all(x, axis=None, keepdims=False):
    """Whether no value is 0, over axes."""
    return ops.all(ops.cast(x, "bool"), axis, keepdims)


def argmax(x, axis=-1):
    """Where the largest value is along an axis."""
    return ops.argmax(x, axis)


def argmin(x, axis=-1):
    """Where the smallest value is along an axis."""
    return ops.argmin(x, axis)


def cumsum(x, axis=0):
    """Running sums along an axis."""
    return ops.cumsum(x, axis)


def cumprod(x, axis=0):
    """Running products along an axis."""
    return ops.cumprod(x, axis)


def expand_dims(x, axis=-1):
    """x with a dimension of size 1 at `axis`."""
    return ops.expand_dims(x, axis)


def concatenate(tensors, axis=-1):
    """Tensors joined along an axis."""
    return ops.concatenate(list(tensors), axis)


def permute_dimensions(x, pattern):
    """x with its dimensions in another order."""
    return ops.transpose(x, tuple(pattern))


def reverse(x, axes):
    """x backwards along one or several axes."""
    return ops.flip(x, tuple(axes) if isinstance(axes, (list, tuple)) else axes)


def repeat(x, n):
    """A matrix (batch, features) n times along a new second dimension: (batch, n, features)."""
    if len(x.shape) != 2:
        raise ValueError(f"keras.backend.repeat takes a matrix. Received shape: {tuple(x.shape)}. See repeat_elements.")
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    """Every element `rep` times along an axis."""
    return ops.repeat(x, rep, axis=axis)


def tile(x, n):
    """x repeated n times along each dimension."""
    n = [n] if isinstance(n, int) else list(n)
    if len(n) < len(x.shape):
        n += [1] * (len(x.shape) - len(n))
    return ops.tile(x, n)


def flatten(x):
    """x as a vector."""
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    """x as a matrix: all but the first dimension in one."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def gather(reference, indices):
    """The rows of `reference` at `indices`."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices, num_classes):
    """Vectors of num_classes with a 1 at the index."""
    return ops.one_hot(indices, num_classes)


def dot(x, y):
    """The last dimension of x by the last but one of y (by the only one of a vector).

    >>> import kerasgpu as keras
    >>> keras.backend.dot(keras.ops.ones((2, 3)), keras.ops.ones((4, 3, 5))).shape
    (2, 4, 5)
    """
    return ops.dot(x, y)


def batch_dot(x, y, axes=None):
    """The products of x and y for each example, summed over one axis of each.

    Args:
        x, y: tensors of rank 2 or more; the first dimension is the batch.
        axes: the axes to sum over, a pair or one for both; None: the last of x, and the last but one of y (the last of a
            matrix).

    Returns the other dimensions of x, then those of y; (batch, 1) for two matrices.

    >>> import kerasgpu as keras
    >>> keras.backend.batch_dot(keras.ops.ones((32, 20, 1)), keras.ops.ones((32, 30, 20)), axes=(1, 2)).shape
    (32, 1, 30)
    """
    ranks = len(x.shape), len(y.shape)
    received = f"Received shapes: {tuple(x.shape)} and {tuple(y.shape)}, axes={axes}"
    if min(ranks) < 2:
        raise ValueError(f"keras.backend.batch_dot: both need a batch dimension and another. {received}")
    if axes is None:
        axes = (ranks[0] - 1, max(ranks[1] - 2, 1))
    first, second = (axes, axes) if isinstance(axes, int) else axes
    if not isinstance(first, int) or not isinstance(second, int):
        raise ValueError(f"keras.backend.batch_dot: `axes` must be one or two integers. {received}")
    first, second = first % ranks[0], second % ranks[1]
    if 0 in (first, second):
        raise ValueError(f"keras.backend.batch_dot: the first dimension is the batch and cannot be summed over. {received}")
    letters = iter(string.ascii_lowercase[2:])
    left = ["a", *(next(letters) for _ in range(ranks[0] - 1))]
    right = ["a", *(next(letters) for _ in range(ranks[1] - 1))]
    left[first] = right[second] = "b"
    kept = "".join(c for c in left + right[1:] if c != "b")
    out = ops.einsum(f"{''.join(left)},{''.join(right)}->{kept}", x, y)
    return ops.expand_dims(out, -1) if ranks == (2, 2) else out


def l2_normalize(x, axis=None):
    """x divided by its Euclidean norm along an axis; the squared norm is at least epsilon."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, True), config.epsilon()))


def in_top_k(predictions, targets, k):
    """Whether the target class is among the k largest predictions, (batch,)."""
    return ops.in_top_k(targets, predictions, k)


def switch(condition, then_expression, else_expression):
    """One of two values (or of what two functions return), for a scalar condition, or row by row, element by element.

    A condition of a smaller rank counts for all that follows its dimensions.
    """
    condition = ops.cast(condition, "bool")
    rank = len(condition.shape)
    call = lambda value: value() if callable(value) else value
    if rank == 0:
        return ops.cond(condition, lambda: call(then_expression), lambda: call(else_expression))
    yes, no = (ops.convert_to_tensor(call(v)) for v in (then_expression, else_expression))
    if rank > len(yes.shape):
        raise ValueError(
            "keras.backend.switch: the condition has more dimensions than the values. Received shapes: "
            f"{tuple(condition.shape)} and {tuple(yes.shape)}"
        )
    return ops.where(ops.reshape(condition, (*condition.shape, *[1] * (len(yes.shape) - rank))), yes, no)


def stop_gradient(variables):
    """The same values (or lists of them), through which no gradient flows."""
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(v) for v in variables]
    return ops.stop_gradient(variables)


def map_fn(fn, elems, name=None, dtype=None):
    """fn of each element along the first dimension, stacked."""
    return ops.stack([fn(x) for x in ops.unstack(elems)])


def _fold(fn, elems, initializer):
    parts = list(elems)
    total = parts.pop(0) if initializer is None else initializer
    for x in parts:
        total = fn(total, x)
    return total


def foldl(fn, elems, initializer=None, name=None):
    """fn(...fn(fn(initializer, elems[0]), elems[1])...); None: begin with the first element.

    >>> import kerasgpu as keras
    >>> float(keras.backend.foldl(lambda total, x: total - x, [10.0, 1.0, 2.0]))
    7.0
    """
    return _fold(fn, ops.unstack(ops.convert_to_tensor(elems)), initializer)


def foldr(fn, elems, initializer=None, name=None):
    """As foldl, from the last element to the first."""
    return _fold(fn, reversed(ops.unstack(ops.convert_to_tensor(elems))), initializer)
