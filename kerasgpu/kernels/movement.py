"""Kernels that move elements without looking at them: transpose, slice, pad, concatenate, repeat, fill.

All take contiguous arrays of any dtype and return new arrays of the same dtype, unless they say that they write in place.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from operator import index
from typing import NamedTuple

import numpy as np

from kerasgpu.kernels.launch import empty, launch
from kerasgpu.kernels.spec import parameters

_MAX_OPERANDS = 512
_PAD_MODES = {"constant": 0, "reflect": 1, "symmetric": 2, "edge": 3}


@parameters("fill")
class FillSpec(NamedTuple):
    """`integer` where `exact`, else `number`."""

    exact: bool
    integer: int = 0
    number: float = 0.0


@parameters("advance")
class AdvanceSpec(NamedTuple):
    """What is added to the counter."""

    step: int


@parameters("transpose")
class TransposeSpec(NamedTuple):
    """Dim d of the result is dim perm[d] of the array."""

    ndim: int
    dims: tuple[int, ...]
    perm: tuple[int, ...]


@parameters("broadcast_to")
class BroadcastSpec(NamedTuple):
    """The dims of the array, with as many of them as the result has."""

    ndim: int
    dims: tuple[int, ...]
    shape: tuple[int, ...]


@parameters("slice", "slice_assign")
class SliceSpec(NamedTuple):
    """A block of an array."""

    ndim: int
    dims: tuple[int, ...]
    starts: tuple[int, ...]
    steps: tuple[int, ...]
    sizes: tuple[int, ...]


@parameters("pad")
class PadSpec(NamedTuple):
    """See csrc/cpu/pad.cpp."""

    mode: int
    ndim: int
    dims: tuple[int, ...]
    lows: tuple[int, ...]
    highs: tuple[int, ...]
    value: float


@parameters("concatenate", "split")
class PartsSpec(NamedTuple):
    """`outer` rows, of which each part has so many elements."""

    outer: int
    widths: tuple[int, ...]


@parameters("tri_mask")
class BandSpec(NamedTuple):
    """Diagonals low to high stay."""

    outer: int
    rows: int
    cols: int
    low: int
    high: int


def normalize_axis(name: str, axis, ndim: int) -> int:
    """`axis` as a number in [0, ndim); raises ValueError naming the kernel otherwise."""
    k = index(axis)
    if not -ndim <= k < ndim:
        raise ValueError(f"{name}: axis {axis} is out of range for an array of {ndim} dimensions; use {-ndim} to {ndim - 1}")
    return k + ndim if k < 0 else k


def copy(x, out=None):
    """The elements of x in a new array, or in `out` (same size and dtype).

    >>> copy(np.arange(3))
    array([0, 1, 2])
    """
    if out is None:
        out = empty(x.shape, x.dtype, x)
    elif out.dtype != x.dtype or out.size != x.size:
        raise ValueError(f"copy: x is {x.dtype} {x.shape}, out is {out.dtype} {out.shape}; they must match")
    if x.dtype.kind == "c":
        launch("copy", (_parts(x),), (_parts(out),))
    else:
        launch("copy", (x,), (out,))
    return out


def _parts(x):
    """The real and imaginary parts of a contiguous complex array, in turn."""
    return x.reshape(-1).view("float32" if x.dtype.itemsize == 8 else "float64")


def fill(out, value):
    """Set every element of `out` to `value` in place. Integers are exact; floats are rounded to out's dtype."""
    if isinstance(value, (bool, int, np.integer, np.bool_)) and out.dtype.kind in "iub":
        value = int(value)
        if out.dtype.kind != "b":
            info = np.iinfo(out.dtype)
            if not info.min <= value <= info.max:
                raise OverflowError(f"fill: {value} does not fit {out.dtype}")
            if value >= 1 << 63:
                value -= 1 << 64
        launch("fill", (), (out,), FillSpec(True, int(bool(value)) if out.dtype.kind == "b" else value, 0.0))
    else:
        launch("fill", (), (out,), FillSpec(False, number=float(value)))
    return out


def full(shape, value, dtype="float32", like=None):
    """A new array of `shape` with every element `value`."""
    return fill(empty(tuple(shape), dtype, like), value)


def advance(counter, step):
    """counter[0] += step in place; counter is an int32, uint32, int64 or uint64 array (a cursor, the step number)."""
    launch("advance", (counter,), (counter,), AdvanceSpec(int(step)))
    return counter


def transpose(x, perm=None):
    """y with y.shape[d] = x.shape[perm[d]]; perm None reverses the axes.

    >>> transpose(np.zeros((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    shape, spec = _transposed(x.shape, None if perm is None else tuple(perm))
    y = empty(shape, x.dtype, x)
    launch("transpose", (x,), (y,), spec)
    return y


@lru_cache(4096)
def _transposed(shape, perm) -> tuple[tuple, TransposeSpec]:
    """The shape of the result, and the parameters."""
    ndim = len(shape)
    perm = tuple(range(ndim))[::-1] if perm is None else tuple(p + ndim if p < 0 else p for p in perm)
    if sorted(perm) != list(range(ndim)):
        raise ValueError(f"transpose: perm {perm} is not a permutation of the {ndim} axes of x {shape}")
    return tuple([shape[p] for p in perm]), TransposeSpec(ndim, shape, perm)


def broadcast_to(x, shape):
    """x repeated to `shape` by NumPy's rules: axes of size 1 stretch, new axes come first."""
    shape = tuple(shape)
    dims = (1,) * (len(shape) - x.ndim) + x.shape
    if len(dims) != len(shape) or any(d != n and d != 1 for d, n in zip(dims, shape)):
        raise ValueError(f"broadcast_to: x has shape {x.shape}, which does not broadcast to {shape}")
    y = empty(shape, x.dtype, x)
    launch("broadcast_to", (x,), (y,), BroadcastSpec(len(shape), dims, shape))
    return y


def tile(x, repeats):
    """x laid side by side `repeats[d]` times along axis d (numpy.tile)."""
    repeats = tuple(repeats)
    ndim = max(len(repeats), x.ndim)
    shape = (1,) * (ndim - x.ndim) + x.shape
    repeats = (1,) * (ndim - len(repeats)) + repeats
    if any(r < 0 for r in repeats):
        raise ValueError(f"tile: repeats must not be negative. Received: repeats={repeats}")
    dims, out_dims = [], []
    for n, r in zip(shape, repeats):
        if r != 1:
            dims.append(1)
            out_dims.append(r)
        dims.append(n)
        out_dims.append(n)
    y = empty(tuple(n * r for n, r in zip(shape, repeats)), x.dtype, x)
    launch("broadcast_to", (x,), (y,), BroadcastSpec(len(dims), tuple(dims), tuple(out_dims)))
    return y


def repeat(x, repeats: int, axis: int):
    """Each element along `axis` repeated `repeats` times in place (numpy.repeat with one number)."""
    axis = normalize_axis("repeat", axis, x.ndim)
    if repeats < 0:
        raise ValueError(f"repeat: repeats must not be negative. Received: repeats={repeats}")
    outer, n, inner = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    y = empty((*x.shape[:axis], n * repeats, *x.shape[axis + 1 :]), x.dtype, x)
    launch("broadcast_to", (x,), (y,), BroadcastSpec(3, (outer * n, 1, inner), (outer * n, repeats, inner)))
    return y


def _block(name, shape, starts, sizes, steps):
    ndim = len(shape)
    starts, sizes = tuple(starts), tuple(sizes)
    steps = (1,) * ndim if steps is None else tuple(steps)
    if not len(starts) == len(sizes) == len(steps) == ndim:
        raise ValueError(f"{name}: starts {starts}, sizes {sizes} and steps {steps} need one number for each axis of {shape}")
    for n, start, size, step in zip(shape, starts, sizes, steps):
        if step == 0 or size < 0 or (size > 0 and not (0 <= start < n and 0 <= start + (size - 1) * step < n)):
            raise ValueError(f"{name}: starts {starts}, sizes {sizes}, steps {steps} leave the array of shape {shape}")
    return SliceSpec(ndim, tuple(shape), starts, steps, sizes)


def slice(x, starts, sizes, steps=None):
    """The block x[starts[d] + i * steps[d]] for i < sizes[d]; steps default to 1, may be negative, not 0.

    >>> slice(np.arange(10), (8,), (3,), (-2,))
    array([8, 6, 4])
    """
    spec = _block("slice", x.shape, starts, sizes, steps)
    y = empty(spec.sizes, x.dtype, x)
    launch("slice", (x,), (y,), spec)
    return y


def slice_assign(out, block, starts, steps=None):
    """Write `block` into out[starts[d] + i * steps[d]] in place; the rest of `out` keeps its values."""
    launch("slice_assign", (block,), (out,), _block("slice_assign", out.shape, starts, block.shape, steps))
    return out


def slice_update(x, block, starts, steps=None):
    """A copy of x in which the block at `starts` is replaced."""
    return slice_assign(copy(x), block, starts, steps)


def slice_grad(g, shape, starts, steps=None):
    """The gradient of `slice`: zeros of `shape` with g written at the block."""
    return slice_assign(full(shape, 0, g.dtype, g), g, starts, steps)


def flip(x, axes):
    """x with the given axes reversed."""
    axes = {normalize_axis("flip", a, x.ndim) for a in axes}
    steps = tuple(-1 if d in axes else 1 for d in range(x.ndim))
    starts = tuple(max(n - 1, 0) if d in axes else 0 for d, n in enumerate(x.shape))
    return slice(x, starts, x.shape, steps)


def roll(x, shift: int, axis: int):
    """x shifted by `shift` along `axis`; what leaves one end enters at the other."""
    axis = normalize_axis("roll", axis, x.ndim)
    n = x.shape[axis]
    shift = shift % n if n else 0
    y = empty(x.shape, x.dtype, x)
    low = (0,) * x.ndim
    for start, size, at in ((n - shift, shift, 0), (0, n - shift, shift)):
        if size and x.size:
            part = slice(x, low[:axis] + (start,) + low[axis + 1 :], x.shape[:axis] + (size,) + x.shape[axis + 1 :])
            slice_assign(y, part, low[:axis] + (at,) + low[axis + 1 :])
    return y


def concatenate(xs, axis: int = 0):
    """Arrays of one dtype joined along `axis`; the other axes have the same sizes.

    >>> concatenate([np.zeros((2, 1)), np.ones((2, 3))], axis=1).shape
    (2, 4)
    """
    xs = tuple(xs)
    if not xs:
        raise ValueError("concatenate: needs at least one array")
    first = xs[0]
    axis = normalize_axis("concatenate", axis, first.ndim)
    shape = first.shape
    for x in xs:
        if (
            x.dtype != first.dtype
            or x.shape[:axis] != shape[:axis]
            or x.shape[axis + 1 :] != shape[axis + 1 :]
            or x.ndim != first.ndim
        ):
            raise ValueError(
                f"concatenate: arrays differ other than along axis {axis}: {first.dtype} {shape} and {x.dtype} {x.shape}"
            )
    if len(xs) > _MAX_OPERANDS:
        xs = tuple(concatenate(xs[k : k + _MAX_OPERANDS], axis) for k in range(0, len(xs), _MAX_OPERANDS))
        return concatenate(xs, axis)
    inner = prod(shape[axis + 1 :])
    y = empty((*shape[:axis], sum([x.shape[axis] for x in xs]), *shape[axis + 1 :]), first.dtype, first)
    launch("concatenate", xs, (y,), PartsSpec(prod(shape[:axis]), tuple([x.shape[axis] * inner for x in xs])))
    return y


def stack(xs, axis: int = 0):
    """Arrays of one shape and dtype joined along a new axis."""
    xs = tuple(xs)
    if not xs:
        raise ValueError("stack: needs at least one array")
    shape = xs[0].shape
    axis = normalize_axis("stack", axis, xs[0].ndim + 1)
    if any(x.shape != shape or x.dtype != xs[0].dtype for x in xs):
        raise ValueError(f"stack: arrays differ: {', '.join(f'{x.dtype} {x.shape}' for x in xs[:4])}")
    return concatenate([x.reshape((*shape[:axis], 1, *shape[axis:])) for x in xs], axis)


def split(x, sizes, axis: int = 0):
    """x cut along `axis` into a list of arrays with these sizes, which sum to x.shape[axis]."""
    axis = normalize_axis("split", axis, x.ndim)
    sizes = tuple(sizes)
    if sum(sizes) != x.shape[axis] or any(n < 0 for n in sizes):
        raise ValueError(f"split: sizes {sizes} do not sum to axis {axis} of x {x.shape}")
    if len(sizes) > _MAX_OPERANDS:
        cut = sum(sizes[:_MAX_OPERANDS])
        head, tail = split(x, (cut, x.shape[axis] - cut), axis)
        return split(head, sizes[:_MAX_OPERANDS], axis) + split(tail, sizes[_MAX_OPERANDS:], axis)
    inner = prod(x.shape[axis + 1 :])
    ys = tuple(empty((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype, x) for n in sizes)
    if ys:
        launch("split", (x,), ys, PartsSpec(prod(x.shape[:axis]), tuple([n * inner for n in sizes])))
    return list(ys)


def pad(x, widths, mode: str = "constant", value=0.0):
    """x with widths[d] = (before, after) more elements along axis d.

    mode: "constant" (`value`), "reflect", "symmetric" or "edge" as numpy.pad.

    >>> pad(np.array([1, 2, 3]), [(2, 1)], "reflect")
    array([3, 2, 1, 2, 3, 2])
    """
    widths = tuple((index(a), index(b)) for a, b in widths)
    if mode not in _PAD_MODES:
        raise ValueError(f"pad: mode {mode!r} is not known; use one of {', '.join(_PAD_MODES)}")
    if len(widths) != x.ndim or any(a < 0 or b < 0 for a, b in widths):
        raise ValueError(f"pad: widths {widths} must be one pair (before, after), not negative, for each axis of x {x.shape}")
    if mode != "constant" and any(n == 0 and a + b > 0 for n, (a, b) in zip(x.shape, widths)):
        raise ValueError(f'pad: an axis of size 0 has nothing to repeat (x is {x.shape}); use mode="constant"')
    y = empty(tuple(n + a + b for n, (a, b) in zip(x.shape, widths)), x.dtype, x)
    lows, highs = tuple([a for a, _ in widths]), tuple([b for _, b in widths])
    launch("pad", (x,), (y,), PadSpec(_PAD_MODES[mode], x.ndim, x.shape, lows, highs, float(value)))
    return y


def band(x, low: int, high: int):
    """x (..., rows, cols) with every element (i, j) outside low <= j - i <= high set to 0."""
    if x.ndim < 2:
        raise ValueError(f"band: x must have at least 2 dimensions. Received: shape {x.shape}")
    y = empty(x.shape, x.dtype, x)
    launch("tri_mask", (x,), (y,), BandSpec(prod(x.shape[:-2]), x.shape[-2], x.shape[-1], low, high))
    return y


def tril(x, k: int = 0):
    """The lower triangle: 0 above diagonal k."""
    return band(x, -x.shape[-2] if x.ndim > 1 else 0, k)


def triu(x, k: int = 0):
    """The upper triangle: 0 below diagonal k."""
    return band(x, k, x.shape[-1] if x.ndim > 1 else 0)
