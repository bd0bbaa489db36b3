"""keras.ops.numpy: the same elements in another shape or order."""

from __future__ import annotations

import operator

from kerasgpu import ops
from kerasgpu.engine.state import spend_while_loading
from kerasgpu.engine.symbolic import KerasTensor, symbolic
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
def roll(x, shift, axis=None):
    """Elements moved by `shift` places along an axis, those over the end put in at the start; flattened for axis=None.

    >>> import kerasgpu as keras
    >>> keras.ops.roll([1, 2, 3], 1).numpy()
    array([3, 1, 2], dtype=int32)
    """
    x = as_tensor(x)
    if axis is None:
        if isinstance(shift, (tuple, list)):
            shift = sum(shift)
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
    if len(shifts) == 1:
        shifts = tuple(shifts) * len(axes)
    if len(axes) == 1:
        axes = tuple(axes) * len(shifts)
    for s, a in zip(shifts, axes):
        a = one_axis(a, x.ndim, "roll")
        n = x.shape[a]
        s = operator.index(s) % n if n else 0
        if s:
            lead = (slice(None),) * a
            x = ops.concatenate([ops.get_item(x, (*lead, slice(n - s, n))), ops.get_item(x, (*lead, slice(0, n - s)))], a)
    return x


@symbolic
def tile(x, repeats):
    """x repeated `repeats` times (a number, or one per dimension).

    >>> import kerasgpu as keras
    >>> keras.ops.tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    x = as_tensor(x)
    repeats = shape_tuple(repeats, "tile")
    shape = (1,) * (len(repeats) - x.ndim) + x.shape
    repeats = (1,) * (len(shape) - len(repeats)) + repeats
    paired = tuple(d for n in shape for d in (1, n))
    wide = tuple(d for r, n in zip(repeats, shape) for d in (r, n))
    return reshape(broadcast_to(reshape(x, paired), wide), tuple(r * n for r, n in zip(repeats, shape)))


@symbolic
def repeat(x, repeats, axis=None):
    """Each element `repeats` times (a number, or one per element) along an axis; flattened for axis=None.

    >>> import kerasgpu as keras
    >>> keras.ops.repeat([1, 2], 2).numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis(axis, x.ndim, "repeat")
    n = x.shape[axis]
    times = shape_tuple(repeats, "repeat")
    if len(times) == 1:
        lead, tail = x.shape[: axis + 1], x.shape[axis + 1 :]
        wide = broadcast_to(reshape(x, (*lead, 1, *tail)), (*lead, times[0], *tail))
        return reshape(wide, (*x.shape[:axis], n * times[0], *tail))
    if len(times) != n:
        raise ValueError(f"repeat: repeats has {len(times)} entries for a dimension of size {n}")
    spend_while_loading(8 * sum(times))
    return ops.take(x, [k for k, t in enumerate(times) for _ in range(t)], axis=axis)


_PAD_MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


@symbolic
def pad(x, pad_width, mode="constant", constant_values=None):
    """More elements at both ends of each dimension.

    Args:
        x: tensor.
        pad_width: number, (before, after), or one such pair per dimension.
        mode: "constant", "reflect" (edge not repeated), "symmetric" (edge repeated), "edge" or "wrap".
        constant_values: the value for "constant"; 0 by default.

    >>> import kerasgpu as keras
    >>> keras.ops.pad([1, 2], (1, 2)).numpy()
    array([0, 1, 2, 0, 0], dtype=int32)
    """
    import numpy as np

    x = as_tensor(x)
    if mode not in _PAD_MODES:
        raise ValueError(f"pad: mode must be one of {_PAD_MODES}. Received: mode={mode!r}")
    if constant_values is not None and mode != "constant":
        raise ValueError(f"Argument `constant_values` can only be provided when `mode == 'constant'`. Received: mode={mode}")
    widths = [tuple(int(n) for n in pair) for pair in np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))]
    if any(n < 0 for pair in widths for n in pair):
        raise ValueError(f"pad: pad_width must not be negative. Received: pad_width={pad_width}")
    if mode == "constant":
        value = constant_values if constant_values is not None else 0
        if not isinstance(value, (int, float, np.number)):
            value = as_tensor(value).item()
        return p.pad(x, tuple(a for a, _ in widths), tuple(b for _, b in widths), value)
    for k, (low, high) in enumerate(widths):
        if low or high:
            if x.shape[k] == 0:
                raise ValueError(f"pad: mode {mode!r} cannot extend dimension {k} of size 0 (shape {x.shape})")
            x = ops.take(x, np.pad(np.arange(x.shape[k], dtype="int32"), (low, high), mode=mode), axis=k)
    return x


@symbolic
def copy(x):
    """The same values in new memory.

    >>> import kerasgpu as keras
    >>> float(keras.ops.copy(2.0))
    2.0
    """
    from kerasgpu.ops.primitives import elementwise

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
