"""keras.ops.numpy: whether elements are among given ones."""

from __future__ import annotations

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, comparison, indexing, logical, reduction, shaping, sorting, statistics
from kerasgpu.ops.primitives.operands import as_tensor


@symbolic
def isin(x1, x2, assume_unique=False, invert=False):
    """Whether each element of x1 is among those of x2 (not among them with `invert`).

    >>> import kerasgpu as keras
    >>> keras.ops.isin([0, 1, 2, 5], [0, 2]).numpy()
    array([ True, False,  True, False])
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    dtype = dtypes.result_type(x1.dtype, x2.dtype)
    x1, x2 = casting.cast(x1, dtype), shaping.ravel(casting.cast(x2, dtype))
    if x2.size <= 16:
        found = reduction.any(comparison.equal(shaping.expand_dims(x1, -1), x2), axis=-1)
    else:  # look each element up in the sorted values
        line = sorting.sort(x2)
        place = arithmetic.minimum(statistics.searchsorted(line, x1), x2.size - 1)
        found = comparison.equal(indexing.take(line, place), x1)
    return logical.logical_not(found) if invert else found
