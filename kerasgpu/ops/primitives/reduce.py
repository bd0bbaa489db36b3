"""Reductions over axes (a sorted tuple of non-negative numbers), and running sums and products along one axis."""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import reduce as kernels
from kerasgpu.ops.primitives.shapes import count, reduced_shape


def _spread(g, x, axes):
    """g, the gradient of a reduction of x, with its reduced dims put back as 1."""
    return ops.reshape(g, reduced_shape(x.shape, axes, True))


def _reduction(name, kernel, gradient=None, result=None):
    def forward(x, axes, keepdims=False):
        return kernel(x, axes, keepdims)

    forward.__name__ = forward.__qualname__ = name
    op = primitive(tensors=1, differentiable=gradient is not None)(forward)
    op.shape(lambda x, axes, keepdims=False: (reduced_shape(x.shape, axes, keepdims), result or x.dtype))
    if gradient is not None:
        op.gradient(gradient)
    return op


def _mean_gradient(g, x, axes, keepdims=False):
    n = count(x.shape[k] for k in axes)
    return (ops.broadcast_to(_spread(g, x, axes) * (1 / n if n else 0.0), x.shape),)


def _extreme_gradient(g, y, x, axes, keepdims=False):
    # Where several elements are the extreme, they share the gradient.
    wins = ops.cast(ops.equal(x, _spread(y, x, axes)), x.dtype)
    return (wins * (_spread(g, x, axes) / ops.sum(wins, axis=axes, keepdims=True)),)


def _prod_gradient(g, x, axes, keepdims=False):
    # The product of all other elements, from both sides, so that zeros in x are no special case.
    kept = [k for k in range(x.ndim) if k not in axes]
    order = (*kept, *axes)
    lead = [x.shape[k] for k in kept]
    flat = ops.reshape(ops.transpose(x, order), (*lead, count(x.shape[k] for k in axes)))
    last = len(lead)
    others = cumprod(flat, last, False, True) * cumprod(flat, last, True, True)
    back = ops.reshape(others, tuple(x.shape[k] for k in order))
    return (_spread(g, x, axes) * ops.transpose(back, tuple(order.index(k) for k in range(x.ndim))),)


@primitive(tensors=1)
def sum(x, axes, keepdims=False, dtype=None):
    """Sum over axes, of integers in a wider dtype if one is given."""
    return kernels.sum(x, axes, keepdims, dtype)


@sum.shape
def _(x, axes, keepdims=False, dtype=None):
    return reduced_shape(x.shape, axes, keepdims), dtype or x.dtype


@sum.gradient
def _(g, x, axes, keepdims=False, dtype=None):
    return (ops.broadcast_to(_spread(g, x, axes), x.shape),)


mean = _reduction("mean", kernels.mean, _mean_gradient)
max = _reduction("max", kernels.max, _extreme_gradient)
min = _reduction("min", kernels.min, _extreme_gradient)
prod = _reduction("prod", kernels.prod, _prod_gradient)
any = _reduction("any", kernels.any, result="bool")
all = _reduction("all", kernels.all, result="bool")


@primitive(tensors=1, differentiable=False)
def argmax(x, axis, keepdims=False):
    """Index (int32) of the first largest element along one axis; a NaN counts as largest."""
    return kernels.argmax(x, axis, keepdims)


@primitive(tensors=1, differentiable=False)
def argmin(x, axis, keepdims=False):
    """Index (int32) of the first smallest element along one axis; a NaN counts as smallest."""
    return kernels.argmin(x, axis, keepdims)


@argmax.shape
@argmin.shape
def _(x, axis, keepdims=False):
    return reduced_shape(x.shape, (axis,), keepdims), "int32"


@primitive(tensors=1)
def cumsum(x, axis, reverse=False, exclusive=False):
    """y[k] = x[0] + ... + x[k] along an axis; without x[k] if exclusive; from the other end if reverse."""
    return kernels.cumsum(x, axis, reverse=reverse, exclusive=exclusive)


@cumsum.gradient
def _(g, x, axis, reverse=False, exclusive=False):
    return (cumsum(g, axis, not reverse, exclusive),)


@primitive(tensors=1)
def cumprod(x, axis, reverse=False, exclusive=False):
    """y[k] = x[0] * ... * x[k] along an axis; without x[k] if exclusive; from the other end if reverse."""
    return kernels.cumprod(x, axis, reverse=reverse, exclusive=exclusive)


@cumprod.gradient
def _(g, x, axis, reverse=False, exclusive=False):
    # dx[i] = (product of what comes before i) * (sum over k >= i of g[k] times the product of x[i+1..k]). The second factor
    # needs an n by n table of products; dividing y by x would fail at zeros.
    n = x.shape[axis]
    if reverse:
        x, g = ops.flip(x, axis), ops.flip(g, axis)
    if exclusive:  # y[k + 1] of the exclusive product is y[k] of the inclusive one
        g = ops.concatenate([_part(g, axis, 1, n), ops.zeros_like(_part(g, axis, 0, 1))], axis)
    rows = ops.expand_dims(ops.moveaxis(x, axis, -1), -2)  # (..., 1, n)
    upper = ops.triu(ops.ones((n, n), dtype="bool"), 1)
    # table[i, k] = product of x[i+1..k], for k >= i
    table = cumprod(ops.where(upper, rows, 1), x.ndim)
    reach = ops.triu(ops.ones((n, n), dtype="bool"))
    terms = ops.where(reach, table * ops.expand_dims(ops.moveaxis(g, axis, -1), -2), 0)
    out = ops.moveaxis(ops.sum(terms, -1), -1, axis) * cumprod(x, axis, False, True)
    return (ops.flip(out, axis) if reverse else out,)


def _part(x, axis, start, stop):
    return ops.get_item(x, (*[slice(None)] * axis, slice(start, stop)))
