"""keras.ops.numpy: diagonals and triangles."""

from __future__ import annotations

from kerasgpu.engine.symbolic import depends_on_small_sizes, symbolic
from kerasgpu.ops.numpy import creation, joining, reduction, shaping
from kerasgpu.ops.primitives import movement as p
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import one_axis


@depends_on_small_sizes
@symbolic
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The elements x[..., i, ..., i + offset, ...] for two axes, in a new last dimension.

    >>> import kerasgpu as keras
    >>> keras.ops.diagonal([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"`diagonal` requires an array of at least two dimensions, but `x` is of shape {x.shape}.")
    a, b = one_axis(axis1, x.ndim, "diagonal"), one_axis(axis2, x.ndim, "diagonal")
    if a == b:
        raise ValueError(f"`axis1` and `axis2` must be different. Received: axis1={axis1}, axis2={axis2}")
    rest = [k for k in range(x.ndim) if k not in (a, b)]
    x = shaping.transpose(x, (*rest, a, b))
    rows, cols = x.shape[-2:]
    n = max(0, min(rows, cols - offset) if offset >= 0 else min(rows + offset, cols))
    # Along the flattened matrix the diagonal is every (cols + 1)-th element.
    flat = p.reshape(x, (*x.shape[:-2], rows * cols))
    start = (offset if offset >= 0 else -offset * cols) if n else 0
    lead = flat.ndim - 1
    return p.strided_slice(flat, (*[0] * lead, start), (*[1] * lead, cols + 1), (*flat.shape[:-1], n))


@depends_on_small_sizes
@symbolic
def diag(x, k=0):
    """Diagonal k of a matrix; for a vector, the matrix that has it there.

    >>> import kerasgpu as keras
    >>> keras.ops.diag([1, 2]).numpy()
    array([[1, 0],
           [0, 2]], dtype=int32)
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"`x` must be 1-D or 2-D. Received: x.shape={x.shape}")
    size = x.shape[0] + abs(k)
    start = k if k >= 0 else -k * size
    flat = p.spread_slice(x, (size * size,), (start if x.shape[0] else 0,), (size + 1,))
    return p.reshape(flat, (size, size))


@symbolic
def diagflat(x, k=0):
    """The matrix whose diagonal k has all elements of x.

    >>> import kerasgpu as keras
    >>> keras.ops.diagflat([[1], [2]]).shape
    (2, 2)
    """
    return diag(shaping.ravel(x), k)


@symbolic
def trace(x, offset=0, axis1=0, axis2=1):
    """Sum of a diagonal; bools and small integers as in `sum`.

    >>> import kerasgpu as keras
    >>> int(keras.ops.trace([[1, 2], [3, 4]]))
    5
    """
    return reduction.sum(diagonal(x, offset, axis1, axis2), axis=-1)


def _matrix(x, name):
    x = as_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"{name}: x must have at least 2 dimensions; received shape {x.shape}")
    return x


@symbolic
def tril(x, k=0):
    """x (..., rows, cols) with zeros above diagonal k.

    >>> import kerasgpu as keras
    >>> keras.ops.tril([[1, 2], [3, 4]]).numpy()
    array([[1, 0],
           [3, 4]], dtype=int32)
    """
    x = _matrix(x, "tril")
    return p.band(x, -x.shape[-2], k)


@symbolic
def triu(x, k=0):
    """x (..., rows, cols) with zeros below diagonal k.

    >>> import kerasgpu as keras
    >>> keras.ops.triu([[1, 2], [3, 4]]).numpy()
    array([[1, 2],
           [0, 4]], dtype=int32)
    """
    x = _matrix(x, "triu")
    return p.band(x, k, x.shape[-1])


@symbolic
def vander(x, N=None, increasing=False):
    """Powers of a vector in columns: x**(N-1), ..., x, 1 (increasing: from 1 up); N is the length of x by default.

    >>> import kerasgpu as keras
    >>> keras.ops.vander([2.0, 3.0], 3).numpy()
    array([[4., 2., 1.],
           [9., 3., 1.]], dtype=float32)
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"Input tensor must be 1-dimensional. Received: input.shape={x.shape}")
    n = x.shape[0] if N is None else int(N)
    if n < 0:
        raise ValueError(f"vander: N must not be negative. Received: N={N}")
    columns = joining.concatenate(
        [creation.ones((x.shape[0], min(n, 1)), dtype=x.dtype), *[shaping.expand_dims(x, 1)] * (n - 1)], axis=1
    )
    if n > 1:
        columns = reduction.cumprod(columns, axis=1)
    return columns if increasing else shaping.flip(columns, 1)
