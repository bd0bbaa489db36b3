"""The rarer ways of writing by index: maxima, minima and products of the updates of a row, and index tuples as row numbers."""

from __future__ import annotations

import numpy as np

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import indexing as kernels
from kerasgpu.kernels import launch, movement
from kerasgpu.ops.primitives import indexing


@primitive(tensors=1, differentiable=False)
def ravel_indices(indices, dims):
    """Row-major numbers (int64) of the index tuples (..., k) in a box of shape dims; outside: a number that is out of range."""
    return kernels.ravel_indices(indices, dims)


@ravel_indices.shape
def _(indices, dims):
    return indices.shape[:-1], "int64"


@primitive(tensors=3)
def scatter_extreme(x, indices, updates, which):
    """x with row indices[k] replaced by the larger ("max") or smaller ("min") of it and updates[k], for every k."""
    out = movement.copy(x)
    if updates.size:
        (kernels.scatter_max if which == "max" else kernels.scatter_min)(out, indices, updates)
    return out


@scatter_extreme.gradient
def _(g, y, x, indices, updates, which):
    # All that equal the result share its gradient.
    chosen = ops.cast(ops.equal(updates, indexing.take(y, indices, 0, "clip")), x.dtype)
    kept = ops.cast(ops.equal(x, y), x.dtype)
    share = g / (kept + indexing.scatter_add(indices, chosen, x.shape))
    return lambda: share * kept, None, lambda: chosen * indexing._masked_take(share, indices)


def _multiply_rows(indices, updates, out):
    out[...] = 1
    n = out.shape[0]
    inside = (indices >= -n) & (indices < n)
    np.multiply.at(out, indices[inside], updates[inside])


@primitive(tensors=2)
def scatter_product(indices, updates, shape):
    """Ones of `shape` with row indices[k] multiplied by updates[k], for every k. Outside: skipped.

    Second derivatives hold where no update is 0.
    """
    out = launch.empty(shape, updates.dtype, like=updates)
    launch.host_call(_multiply_rows, (indices, updates), (out,))
    return out


@scatter_product.shape
def _(indices, updates, shape):
    return shape, updates.dtype


@scatter_product.gradient
def _(g, y, indices, updates, shape):
    # The product of the others: y / u, and where u is 0 the product with that factor left out (0 if another one is 0 too).
    zero = ops.equal(updates, 0)
    zeros = indexing.scatter_add(indices, ops.cast(zero, updates.dtype), shape)
    without = scatter_product(indices, ops.where(zero, 1.0, updates), shape)
    rest = indexing.take(without, indices, 0, "clip") / ops.where(zero, 1.0, updates)
    others = indexing.take(zeros, indices, 0, "clip") - ops.cast(zero, updates.dtype)
    return None, lambda: ops.where(ops.equal(others, 0), rest, 0.0) * indexing._masked_take(g, indices)
