"""Reading and writing by index. Indices are int32 or int64; negative ones count from the end. Nothing outside is touched."""

from __future__ import annotations

from kerasgpu.config.installed import ops
from kerasgpu.engine.op import primitive
from kerasgpu.kernels import indexing as kernels
from kerasgpu.kernels import launch, movement
from kerasgpu.ops.primitives.shapes import count


@primitive(tensors=2)
def take(x, indices, axis, mode="fill"):
    """x[..., indices, ...] at `axis`. An index outside gives NaN (0 for integers); mode "clip" and "wrap" as in NumPy."""
    return kernels.take(x, indices, axis, mode)


@take.shape
def _(x, indices, axis, mode="fill"):
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype


@take.gradient
def _(g, x, indices, axis, mode="fill"):
    if mode != "fill":
        n = x.shape[axis]
        indices = ops.clip(indices, -n, n - 1) if mode == "clip" else ops.mod(indices, n)
    return (lambda: _untake(g, indices, x.shape, axis)), None


def _untake(g, indices, shape, axis):
    """Zeros of `shape` to which the slices of g are added where `take` read them."""
    n = count(indices.shape)
    flat = ops.reshape(indices, (n,))
    if axis == 0:
        return scatter_add(flat, ops.reshape(g, (n, *shape[1:])), shape)
    # The indexed axis first: (n, outer, inner) rows are added into (shape[axis], outer, inner).
    outer, inner = count(shape[:axis]), count(shape[axis + 1 :])
    rows = ops.transpose(ops.reshape(g, (outer, n, inner)), (1, 0, 2))
    out = scatter_add(flat, rows, (shape[axis], outer, inner))
    return ops.reshape(ops.transpose(out, (1, 0, 2)), shape)


@primitive(tensors=2)
def scatter_add(indices, updates, shape):
    """Zeros of `shape` with updates[k] added to row indices[k]; updates: (len(indices), *shape[1:]). Outside: skipped."""
    out = launch.empty(shape, updates.dtype, like=updates)
    return kernels.scatter_add(out, indices, updates, zero_first=True)


@scatter_add.shape
def _(indices, updates, shape):
    return shape, updates.dtype


@scatter_add.gradient
def _(g, indices, updates, shape):
    return None, _masked_take(g, indices)


def _masked_take(g, indices):
    """Rows of g, and 0 where the index is outside (such an update went nowhere)."""
    rows = take(g, indices, 0, "clip")
    n = g.shape[0]
    inside = ops.logical_and(ops.less(indices, n), ops.greater_equal(indices, -n))
    return ops.where(ops.reshape(inside, (-1, *[1] * (g.ndim - 1))), rows, 0)


@primitive(tensors=3)
def scatter_update(x, indices, updates):
    """x with row indices[k] replaced by updates[k], in order of k."""
    return _into_copy(kernels.scatter_update, x, indices, updates)


@scatter_update.gradient
def _(g, x, indices, updates):
    # With one row named twice the last update wins; the earlier one then has no gradient of its own.
    return (
        lambda: scatter_update(g, indices, ops.zeros_like(updates)),
        None,
        lambda: _winner(g, indices, updates),
    )


def _winner(g, indices, updates):
    n = indices.shape[0]
    order = ops.arange(n, dtype="int32")
    last = scatter_update(ops.full((g.shape[0],), -1, dtype="int32"), indices, order)
    wins = ops.equal(take(last, indices, 0, "clip"), order)
    return ops.where(ops.reshape(wins, (n, *[1] * (g.ndim - 1))), _masked_take(g, indices), 0)


def _into_copy(kernel, x, indices, updates):
    return kernel(movement.copy(x), indices, updates)


@primitive(tensors=2)
def take_along_axis(x, indices, axis):
    """y[..., k, ...] = x[..., indices[..., k, ...], ...]; the other dims of x and indices are equal."""
    return kernels.take_along_axis(x, indices, axis)


@take_along_axis.shape
def _(x, indices, axis):
    return indices.shape, x.dtype


@take_along_axis.gradient
def _(g, x, indices, axis):
    return lambda: untake_along_axis(g, indices, x.shape, axis), None


def untake_along_axis(g, indices, shape, axis):
    """Zeros of `shape` to which the elements of g are added where `take_along_axis` read them."""
    n, ndim = shape[axis], len(shape)
    indices = ops.where(ops.less(indices, 0), indices + n, indices)
    # The number of each element, row by row: the indexed axis last, then one flat scatter.
    order = (*(k for k in range(ndim) if k != axis), axis)
    moved = tuple(shape[k] for k in order)
    lead = count(moved[:-1])
    total = count(indices.shape)
    rows = ops.reshape(ops.transpose(indices, order), (lead, indices.shape[axis]))
    base = ops.reshape(ops.arange(lead, dtype="int64") * n, (lead, 1))
    flat = ops.reshape(ops.cast(rows, "int64") + base, (total,))
    out = scatter_add(flat, ops.reshape(ops.transpose(g, order), (total,)), (lead * n,))
    return ops.transpose(ops.reshape(out, moved), tuple(order.index(k) for k in range(ndim)))
