"""keras.ops.numpy: the same elements in another shape or order."""

from __future__ import annotations

import operator

from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.primitives import elementwise
from kerasgpu.ops.primitives import movement as p
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import all_axes, broadcast_shapes, count, one_axis


def shape_tuple(shape, name):
    """A shape given as a number, a sequence, or a tensor, as a tuple of ints."""
    if isinstance(shape, (tuple, list)):
        return tuple(operator.index(d) for d in shape)
    if getattr(shape, "ndim", 0):
        return tuple(int(d) for d in shape)
    try:
        return (operator.index(shape),)
    except TypeError:
        raise TypeError(f"{name}: a shape is a sequence of integers; received {shape!r}") from None


@symbolic
def reshape(x, newshape):
    """The same elements, in row-major order, under `newshape`; one entry may be -1 and is worked out.

    >>> import kerasgpu as keras
    >>> keras.ops.reshape([1, 2, 3, 4], (2, -1)).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    x = as_tensor(x)
    shape = shape_tuple(newshape, "reshape")
    if any(d < -1 for d in shape):
        raise ValueError(
            f"reshape: every entry must be a non-negative integer or -1, not {min(shape)}. Received: newshape={newshape}"
        )
    if -1 in shape:
        rest = count(d for d in shape if d != -1)
        if shape.count(-1) > 1:
            raise ValueError(f"reshape: there must be at most one unknown dimension (-1). Received: newshape={newshape}")
        if rest == 0 or x.size % rest:
            raise ValueError(f"reshape: cannot reshape a tensor of shape {x.shape} ({x.size} elements) into shape {shape}")
        shape = tuple(x.size // rest if d == -1 else d for d in shape)
    elif count(shape) != x.size:
        raise ValueError(f"reshape: cannot reshape a tensor of shape {x.shape} ({x.size} elements) into shape {shape}")
    return x if shape == x.shape else p.reshape(x, shape)


@symbolic
def ravel(x):
    """All elements in one dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.ravel([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    x = as_tensor(x)
    return x if x.ndim == 1 else p.reshape(x, (x.size,))


@symbolic
def expand_dims(x, axis):
    """A new dimension of size 1 at `axis` of the result (a number or several).

    >>> import kerasgpu as keras
    >>> keras.ops.expand_dims([1, 2], -1).shape
    (2, 1)
    """
    x = as_tensor(x)
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = all_axes(tuple(many), x.ndim + len(many), "expand_dims")
    dims = iter(x.shape)
    return p.reshape(x, tuple(1 if k in axes else next(dims) for k in range(x.ndim + len(axes))))


@symbolic
def squeeze(x, axis=None):
    """Without dimensions of size 1: all of them, or those in `axis`.

    >>> import kerasgpu as keras
    >>> keras.ops.squeeze([[[1, 2]]]).shape
    (2,)
    """
    x = as_tensor(x)
    if axis is None:
        return p.reshape(x, tuple(d for d in x.shape if d != 1))
    axes = all_axes(axis, x.ndim, "squeeze")
    for k in axes:
        if x.shape[k] != 1:
            raise ValueError(f"squeeze: cannot remove axis={k} of a tensor of shape {x.shape}; its size is not 1")
    return p.reshape(x, tuple(d for k, d in enumerate(x.shape) if k not in axes))


@symbolic
def transpose(x, axes=None):
    """Dimensions in the order of `axes`; reversed for None.

    >>> import kerasgpu as keras
    >>> keras.ops.transpose([[1, 2], [3, 4]]).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    x = as_tensor(x)
    if axes is None:
        order = tuple(reversed(range(x.ndim)))
    else:
        order = _order(axes, x.shape)
    # Where only dims of size 1 change places the elements stay in order.
    if [a for a in order if x.shape[a] != 1] == [a for a in range(x.ndim) if x.shape[a] != 1]:
        shape = tuple(x.shape[a] for a in order)
        return x if shape == x.shape else p.reshape(x, shape)
    return p.transpose(x, order)


def _order(axes, shape):
    n = len(shape)
    if len(axes) != n:
        raise ValueError(
            f"`axes` must be a list of the same length as the input shape, expected {n}, but received {len(axes)}."
        )
    if any(not -n <= a < n for a in axes):
        raise ValueError(f"Each axis in `axes` must be an integer in [-{n}, {n}). Received: axes={axes}")
    order = tuple(operator.index(a) % n for a in axes)
    if len(set(order)) != n:
        raise ValueError(f"`axes` must be a valid permutation of the dimensions of shape {shape}. Received: axes={axes}")
    return order


@symbolic
def swapaxes(x, axis1, axis2):
    """Two dimensions exchanged.

    >>> import kerasgpu as keras
    >>> keras.ops.swapaxes(keras.ops.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_tensor(x)
    a, b = one_axis(axis1, x.ndim, "swapaxes"), one_axis(axis2, x.ndim, "swapaxes")
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return transpose(x, order)


@symbolic
def moveaxis(x, source, destination):
    """Dimensions `source` at places `destination` of the result, the others in their order.

    >>> import kerasgpu as keras
    >>> keras.ops.moveaxis(keras.ops.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor(x)
    source = [one_axis(a, x.ndim, "moveaxis") for a in (source if isinstance(source, (tuple, list)) else (source,))]
    target = [
        one_axis(a, x.ndim, "moveaxis") for a in (destination if isinstance(destination, (tuple, list)) else (destination,))
    ]
    if len(source) != len(target):
        raise ValueError(f"moveaxis: source {source} and destination {target} must have the same length")
    order = [k for k in range(x.ndim) if k not in source]
    for t, s in sorted(zip(target, source)):
        order.insert(t, s)
    return transpose(x, order)


@symbolic
def broadcast_to(x, shape):
    """x repeated to `shape` along dimensions of size 1 and new leading ones.

    >>> import kerasgpu as keras
    >>> keras.ops.broadcast_to([1, 2], (2, 2)).numpy()
    array([[1, 2],
           [1, 2]], dtype=int32)
    """
    x = as_tensor(x)
    shape = shape_tuple(shape, "broadcast_to")
    if x.shape == shape:
        return x
    if broadcast_shapes("broadcast_to", x.shape, shape) != shape:
        raise ValueError(f"broadcast_to: a tensor of shape {x.shape} does not broadcast to {shape}")
    return p.broadcast_to(x, shape)


@symbolic
def flip(x, axis=None):
    """Elements in reverse order along an axis (a number or several; all for None).

    >>> import kerasgpu as keras
    >>> keras.ops.flip([1, 2, 3]).numpy()
    array([3, 2, 1], dtype=int32)
    """
    x = as_tensor(x)
    axes = all_axes(axis, x.ndim, "flip")
    if not x.size or not axes:
        return x
    starts = tuple(d - 1 if k in axes else 0 for k, d in enumerate(x.shape))
    return p.strided_slice(x, starts, tuple(-1 if k in axes else 1 for k in range(x.ndim)), x.shape)


@symbolic
def fliplr(x):
    """Elements in reverse order along the second dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.fliplr([[1, 2]]).numpy()
    array([[2, 1]], dtype=int32)
    """
    return flip(x, 1)


@symbolic
def flipud(x):
    """Elements in reverse order along the first dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.flipud([[1], [2]]).numpy()
    array([[2],
           [1]], dtype=int32)
    """
    return flip(x, 0)


@symbolic
def rot90(array, k=1, axes=(0, 1)):
    """Rotated k times by 90 degrees, from the first towards the second axis.

    >>> import kerasgpu as keras
    >>> keras.ops.rot90([[1, 2], [3, 4]]).numpy()
    array([[2, 4],
           [1, 3]], dtype=int32)
    """
    x = as_tensor(array)
    if x.ndim < 2:
        raise ValueError(f"Input array must have at least 2 dimensions. Received: array.ndim={x.ndim}")
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Invalid axes: {axes}. Axes must be a tuple of two different dimensions.")
    a, b = one_axis(axes[0], x.ndim, "rot90"), one_axis(axes[1], x.ndim, "rot90")
    k %= 4
    if k == 0:
        return x
    if k == 2:
        return flip(x, (a, b))
    return swapaxes(flip(x, b), a, b) if k == 1 else flip(swapaxes(x, a, b), b)


@symbolic
def copy(x):
    """The same values in new memory.

    >>> import kerasgpu as keras
    >>> float(keras.ops.copy(2.0))
    2.0
    """
    return elementwise.copy(as_tensor(x))


def ndim(x):
    """Number of dimensions, as a Python int.

    >>> import kerasgpu as keras
    >>> keras.ops.ndim([[1, 2]])
    2
    """
    if isinstance(x, KerasTensor):  # what Keras answers for symbolic tensors
        return KerasTensor((len(x.shape),))
    return len(x.shape) if hasattr(x, "shape") else as_tensor(x).ndim


def size(x):
    """Number of elements.

    >>> import kerasgpu as keras
    >>> int(keras.ops.size([[1, 2], [3, 4]]))
    4
    """
    if isinstance(x, KerasTensor):
        return KerasTensor((), "int32")
    return count(x.shape if hasattr(x, "shape") else as_tensor(x).shape)
