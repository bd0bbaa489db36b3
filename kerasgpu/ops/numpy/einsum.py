"""keras.ops.einsum: sums of products written with one letter per axis, as a sequence of batched matrix products.

The operands are contracted two at a time in the order that numpy.einsum_path finds. A pair becomes one matmul: letters in
both operands and in the rest are batch axes, letters in both and nowhere else are summed (the inner axis), the others are
rows and columns.
"""

from __future__ import annotations

import functools

import numpy as np

from kerasgpu.engine import dtypes
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.ops.core import casting
from kerasgpu.ops.numpy import reduction, shaping, triangular
from kerasgpu.ops.primitives import matmul
from kerasgpu.ops.primitives.operands import as_tensor
from kerasgpu.ops.primitives.shapes import count

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _parse(subscripts, ndims):
    """(letters of each operand, letters of the result) with every "..." spelled out."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, {len(ndims)} were given")
    free = [c for c in _LETTERS if c not in text]
    hidden = [n - len(t.replace("...", "")) for t, n in zip(terms, ndims)]
    widest = max((h for t, h in zip(terms, hidden) if "..." in t), default=0)
    dots = "".join(free[:widest])
    spelled = []
    for k, (term, extra) in enumerate(zip(terms, hidden)):
        if extra < 0 or (extra and "..." not in term):
            raise ValueError(f"einsum: {term!r} in {subscripts!r} does not fit operand {k}, which has {ndims[k]} dimensions")
        spelled.append(term.replace("...", dots[widest - extra :]))
    if arrow:
        out = right.replace("...", dots)
    else:
        joined = "".join(t.replace("...", "") for t in terms)
        out = dots + "".join(c for c in sorted(set(joined)) if joined.count(c) == 1)
    bad = [c for c in "".join(spelled) + out if c not in _LETTERS]
    unknown = [c for c in out if c not in "".join(spelled)]
    if bad or unknown or len(set(out)) != len(out):
        raise ValueError(f"einsum: cannot read {subscripts!r}: letters {bad or unknown or list(out)} are not allowed there")
    return spelled, out


def _sizes(terms, shapes, subscripts):
    size = {}
    for term, shape in zip(terms, shapes):
        for c, d in zip(term, shape):
            if size.setdefault(c, d) != d:
                if d != 1 and size[c] != 1:
                    raise ValueError(f"einsum: {subscripts!r}: letter {c!r} has sizes {size[c]} and {d} in shapes {shapes}")
                size[c] = max(size[c], d)
    return size


@functools.lru_cache(512)
def _path(terms, out, sizes):
    size = dict(sizes)
    zero = np.zeros(())
    views = [np.broadcast_to(zero, [size[c] for c in t]) for t in terms]
    found = np.einsum_path(f"{','.join(terms)}->{out}", *views, optimize="greedy" if len(terms) < 5 else "optimal")[0]
    return found[1:]


def _diagonal_of(x, term):
    """An operand in which a letter stands twice, with that pair of axes replaced by their diagonal (put last)."""
    for c in term:
        while term.count(c) > 1:
            a, b = term.index(c), term.rindex(c)
            x = triangular.diagonal(x, axis1=a, axis2=b)
            term = term[:a] + term[a + 1 : b] + term[b + 1 :] + c
    return x, term


def _sum_out(x, term, keep):
    """x summed over the letters that nothing needs any more."""
    gone = [k for k, c in enumerate(term) if c not in keep]
    if gone:
        x = reduction.sum(x, axis=gone) if dtypes.is_float(x.dtype) else casting.cast(reduction.sum(x, axis=gone), x.dtype)
    return x, "".join(c for c in term if c in keep)


def _order(x, term, wanted):
    return shaping.transpose(x, [term.index(c) for c in wanted]) if wanted != term else x


def _pair(x, a, y, b, keep):
    """The product of two operands with letters a and b, summed over the letters not in keep."""
    x, a = _sum_out(x, a, keep | set(b))
    y, b = _sum_out(y, b, keep | set(a))
    batch = [c for c in a if c in b and c in keep]
    # A letter of size 1 in only one of them repeats: multiply there instead of contracting.
    inner = [c for c in a if c in b and c not in keep]
    for c in inner:
        if x.shape[a.index(c)] != y.shape[b.index(c)]:
            shape = [d if k != a.index(c) else max(d, y.shape[b.index(c)]) for k, d in enumerate(x.shape)]
            x = shaping.broadcast_to(x, shape)
            shape = [d if k != b.index(c) else x.shape[a.index(c)] for k, d in enumerate(y.shape)]
            y = shaping.broadcast_to(y, shape)
    rows = [c for c in a if c not in b]
    cols = [c for c in b if c not in a]
    x, y = _order(x, a, "".join(batch + rows + inner)), _order(y, b, "".join(batch + inner + cols))
    nb, nr, nc = len(batch), len(rows), len(cols)
    row_shape, col_shape, inner_shape = x.shape[nb : nb + nr], y.shape[len(b) - nc :], x.shape[nb + nr :]
    lead_x, lead_y = x.shape[:nb], y.shape[:nb]
    term = "".join(batch + rows + cols)
    lead = tuple(max(m, n) if m and n else 0 for m, n in zip(lead_x, lead_y))
    if not inner:  # nothing is summed: an elementwise product
        x = shaping.reshape(x, (*lead_x, *row_shape, *[1] * nc))
        y = shaping.reshape(y, (*lead_y, *[1] * nr, *col_shape))
        return x * y, term
    x = shaping.reshape(x, (*lead_x, count(row_shape), count(inner_shape)))
    y = shaping.reshape(y, (*lead_y, count(inner_shape), count(col_shape)))
    out = matmul.matmul(x, y)
    return shaping.reshape(casting.cast(out, x.dtype), (*lead, *row_shape, *col_shape)), term


@symbolic
def einsum(subscripts, *operands, **kwargs):
    """Sums of products by Einstein's convention: "ij,jk->ik" is a matrix product, "...ii->...i" a diagonal.

    Letters that are not in the result are summed; without "->" the result has the letters that occur once, in order.
    Operands promote to one dtype (int8 alone to int32).

    >>> import kerasgpu as keras
    >>> keras.ops.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    operands = [as_tensor(x) for x in operands]
    dtype = dtypes.result_type(*(x.dtype for x in operands))
    if all(x.dtype == "int8" for x in operands):
        dtype = "int32"
    terms, out = _parse(subscripts, [x.ndim for x in operands])
    size = _sizes(terms, [x.shape for x in operands], subscripts)
    work = [_diagonal_of(casting.cast(x, dtype), t) for x, t in zip(operands, terms)]
    steps = _path(tuple(t for _, t in work), out, tuple(sorted(size.items()))) if len(work) > 2 else [tuple(range(len(work)))]
    for step in steps:
        chosen = [work[k] for k in step]
        work = [w for k, w in enumerate(work) if k not in step]
        keep = set(out).union(*(t for _, t in work))
        x, term = chosen[0]
        for k, (y, other) in enumerate(chosen[1:], 2):
            x, term = _pair(x, term, y, other, keep.union(*(t for _, t in chosen[k:])))
        work.append(_sum_out(x, term, keep))
    x, term = work[0]
    return _order(x, term, out)
