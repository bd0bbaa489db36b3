"""keras.ops.numpy: vectorize, and index arithmetic."""

from __future__ import annotations

import functools
import operator
import re

import numpy as np

from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import arithmetic, comparison, joining, selection, shaping
from kerasgpu.ops.numpy.indexing import index_tensor
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import broadcast_shapes, count


@symbolic
def unravel_index(indices, shape):
    """The coordinates, one tensor per dimension, of flat indices into a tensor of this shape.

    >>> import kerasgpu as keras
    >>> [int(k) for k in keras.ops.unravel_index(5, (2, 3))]
    [1, 2]
    """
    indices = as_tensor(indices)
    dtype = indices.dtype
    flat = index_tensor(indices, "unravel_index")
    total = count(shape)
    flat = selection.where(comparison.less(flat, 0), flat + total, flat)
    out = []
    for n in reversed([operator.index(d) for d in shape]):
        out.append(casting.cast(arithmetic.mod(flat, n), dtype))
        flat = arithmetic.floor_divide(flat, n)
    return tuple(reversed(out))


def _parse_signature(signature):
    if not re.fullmatch(r"\s*\(.*\)\s*(,\s*\(.*\)\s*)*->\s*\(.*\)\s*(,\s*\(.*\)\s*)*", signature):
        raise ValueError(f"vectorize: signature {signature!r} is not of the form '(n),(m,n)->(m)'")
    sides = signature.replace(" ", "").split("->")
    return [[tuple(c for c in group.split(",") if c) for group in re.findall(r"\(([^)]*)\)", side)] for side in sides]


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function that applies `pyfunc` to every element of its arguments.

    With a `signature` such as "(n),(n)->()" it is applied to slices with these dimensions. The other
    dimensions of the arguments broadcast. Positions and names in `excluded` are passed on as they are.

    >>> import kerasgpu as keras
    >>> add = keras.ops.vectorize(lambda a, b: a + b)
    >>> add([1, 2], 10).numpy()
    array([11, 12], dtype=int32)
    """
    if not callable(pyfunc):
        raise ValueError(f"Expected argument `pyfunc` to be a callable. Received: pyfunc={pyfunc}")
    excluded = set(excluded or ())
    sides = _parse_signature(signature) if signature else None

    @functools.wraps(pyfunc)
    def wrapped(*args, **kwargs):
        looped = [k for k in range(len(args)) if k not in excluded]
        names = [n for n in kwargs if n not in excluded]
        values = [as_tensor(args[k]) for k in looped] + [as_tensor(kwargs[n]) for n in names]
        core = [len(c) for c in sides[0]] if sides else [0] * len(values)
        if len(core) != len(values):
            raise TypeError(f"vectorize: signature {signature!r} names {len(core)} arguments, {len(values)} were given")
        lead = broadcast_shapes("vectorize", *(v.shape[: v.ndim - c] for v, c in zip(values, core)), ())
        rows = [
            shaping.reshape(shaping.broadcast_to(v, (*lead, *v.shape[v.ndim - c :])), (count(lead), *v.shape[v.ndim - c :]))
            for v, c in zip(values, core)
        ]
        results = []
        for i in range(count(lead)):
            full, named = list(args), dict(kwargs)
            for k, row in zip([*looped, *names], rows):
                if isinstance(k, (int, np.integer)):
                    full[k] = row[i]
                else:
                    named[k] = row[i]
            results.append(pyfunc(*full, **named))
        if not results:
            raise ValueError(f"vectorize: the arguments have no elements (loop shape {lead})")
        if isinstance(results[0], (tuple, list)):
            return tuple(_gather([r[k] for r in results], lead) for k in range(len(results[0])))
        return _gather(results, lead)

    return wrapped


def _gather(results, lead):
    stacked = joining.stack(results, axis=0)
    return shaping.reshape(stacked, (*lead, *stacked.shape[1:]))
