"""keras.ops.numpy: tensors that repeat, shift or extend another: roll, tile, repeat, pad."""

from __future__ import annotations

import operator

from kerasgpu.engine.state import spend_while_loading
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.numpy import indexing, joining
from kerasgpu.ops.numpy.shaping import broadcast_to, ravel, reshape, shape_tuple
from kerasgpu.ops.primitives import movement as p
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import one_axis


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
            x = joining.concatenate(
                [indexing.get_item(x, (*lead, slice(n - s, n))), indexing.get_item(x, (*lead, slice(0, n - s)))], a
            )
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
    return indexing.take(x, [k for k, t in enumerate(times) for _ in range(t)], axis=axis)


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
            x = indexing.take(x, np.pad(np.arange(x.shape[k], dtype="int32"), (low, high), mode=mode), axis=k)
    return x
