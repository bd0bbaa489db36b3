"""Operations that move elements and compute nothing."""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import movement as kernels
from kerasgpu.ops.primitives.shapes import unbroadcast


@primitive(tensors=1)
def reshape(x, shape):
    """The same elements in row-major order under another shape of the same size. Shares the buffer."""
    return x.reshape(shape)


@reshape.shape
def _(x, shape):
    return shape, x.dtype


@reshape.gradient
def _(g, x, shape):
    return (reshape(g, x.shape),)


@primitive(tensors=1)
def transpose(x, axes):
    """y.shape[d] = x.shape[axes[d]]."""
    return kernels.transpose(x, axes)


@transpose.shape
def _(x, axes):
    return tuple(x.shape[a] for a in axes), x.dtype


@transpose.gradient
def _(g, x, axes):
    inverse = [0] * len(axes)
    for k, a in enumerate(axes):
        inverse[a] = k
    return (transpose(g, tuple(inverse)),)


@primitive(tensors=1)
def broadcast_to(x, shape):
    """x repeated along its dims of size 1 (and new leading dims) to `shape`."""
    return kernels.broadcast_to(x, shape)


@broadcast_to.shape
def _(x, shape):
    return shape, x.dtype


@broadcast_to.gradient
def _(g, x, shape):
    return (unbroadcast(g, x.shape),)


@primitive(tensors="list")
def concatenate(xs, axis):
    """The tensors of one dtype one after another along an axis."""
    return kernels.concatenate(xs, axis)


@concatenate.shape
def _(xs, axis):
    shape = list(xs[0].shape)
    shape[axis] = 0
    for x in xs:
        shape[axis] += x.shape[axis]
    return tuple(shape), xs[0].dtype


@concatenate.gradient
def _(g, xs, axis):
    entries = []
    start = 0
    for x in xs:
        entries.append(_piece(g, axis, start, x.shape))
        start += x.shape[axis]
    return entries


def _piece(g, axis, start, shape):
    starts = tuple(start if k == axis else 0 for k in range(g.ndim))
    return lambda: strided_slice(g, starts, (1,) * g.ndim, shape)


@primitive(tensors=1)
def strided_slice(x, starts, steps, sizes, shape=None):
    """y[i] = x[starts + i * steps] for i in a box of shape `sizes`, seen as `shape`; steps may be negative."""
    y = kernels.slice(x, starts, sizes, steps)
    return y if shape is None else y.reshape(shape)


@strided_slice.shape
def _(x, starts, steps, sizes, shape=None):
    return sizes if shape is None else shape, x.dtype


@strided_slice.gradient
def _(g, x, starts, steps, sizes, shape=None):
    if shape is not None:
        g = ops.reshape(g, sizes)
    return (spread_slice(g, x.shape, starts, steps),)


@primitive(tensors=1)
def spread_slice(v, shape, starts, steps):
    """Zeros of `shape` with v written at starts + i * steps: the transpose of strided_slice."""
    return kernels.slice_grad(v, shape, starts, steps)


@spread_slice.shape
def _(v, shape, starts, steps):
    return shape, v.dtype


@spread_slice.gradient
def _(g, v, shape, starts, steps):
    return (strided_slice(g, starts, steps, v.shape),)


@primitive(tensors=2)
def slice_assign(x, v, starts, steps):
    """x with v written at starts + i * steps."""
    return kernels.slice_update(x, v, starts, steps)


@slice_assign.gradient
def _(g, x, v, starts, steps):
    return lambda: slice_assign(g, ops.zeros_like(v), starts, steps), lambda: strided_slice(g, starts, steps, v.shape)


@primitive(tensors=1)
def pad(x, low, high, value=0):
    """x with low[d] elements of `value` before and high[d] after it in each dim."""
    return kernels.pad(x, zip(low, high), "constant", value)


@pad.shape
def _(x, low, high, value=0):
    return tuple(a + d + b for a, d, b in zip(low, x.shape, high)), x.dtype


@pad.gradient
def _(g, x, low, high, value=0):
    return (strided_slice(g, low, (1,) * x.ndim, x.shape),)


@primitive(tensors=1)
def band(x, low, high):
    """x (..., rows, cols) with the elements (i, j) outside low <= j - i <= high set to 0."""
    return kernels.band(x, low, high)


@band.gradient
def _(g, x, low, high):
    return (band(g, low, high),)
