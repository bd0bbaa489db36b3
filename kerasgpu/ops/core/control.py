"""Control flow: cond, switch, while_loop, fori_loop, map, vectorized_map, scan, associative_scan.

All run in Python, one step after the other, so gradients flow through them as through any code. A condition that depends on a
tensor's value is read on the host, which means that a step with one is not captured.
"""

from __future__ import annotations

import builtins

import numpy as np

from kerasgpu.engine import nest
from kerasgpu.engine.symbolic import symbolic
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor
from kerasgpu.ops.numpy import indexing, joining, shaping

__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop"]


def _as_tensors(structure):
    return nest.map_structure(lambda x: x if x is None else convert_to_tensor(x), structure)


def _is_meta(x):
    return isinstance(x, MetaTensor)


@symbolic
def cond(pred, true_fn, false_fn):
    """true_fn() if pred else false_fn(); both take no arguments and return the same structure.

    >>> import kerasgpu as keras
    >>> int(keras.ops.cond(keras.ops.convert_to_tensor(True), lambda: 1, lambda: 2))
    1
    """
    if _is_meta(pred):
        result, other = true_fn(), false_fn()
        _same_specs("cond", result, other)
        return result
    return true_fn() if pred else false_fn()


def _same_specs(name, one, two):
    a, b = nest.flatten(one), nest.flatten(two)
    if len(a) != len(b):
        raise ValueError(f"{name}: the branches return structures of {len(a)} and {len(b)} values; they must be the same")
    for x, y in zip(a, b):
        if isinstance(x, Tensor) and isinstance(y, Tensor) and (x.shape != y.shape or x.dtype != y.dtype):
            raise ValueError(
                f"{name}: the branches must return the same dtypes and shapes; received {x.dtype} {x.shape} and {y.dtype} "
                f"{y.shape}"
            )


@symbolic
def switch(index, branches, *operands):
    """branches[index](*operands), the index clipped into range.

    >>> import kerasgpu as keras
    >>> int(keras.ops.switch(1, [lambda x: x + 1, lambda x: x * 10], 3))
    30
    """
    if _is_meta(index):
        return branches[0](*operands)
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


@symbolic
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """Repeat loop_vars = body(*loop_vars) while cond(*loop_vars).

    Args:
        cond: callable of the loop variables, returns a boolean.
        body: callable of the loop variables, returns new ones in the same structure.
        loop_vars: a list or tuple of values (or one value).
        maximum_iterations: the most rounds, None for no limit.

    >>> import kerasgpu as keras
    >>> int(keras.ops.while_loop(lambda i: i < 10, lambda i: i + 3, [0])[0])
    12
    """
    several = isinstance(loop_vars, (list, tuple))
    values = tuple(_as_tensors(v) for v in loop_vars) if several else (_as_tensors(loop_vars),)
    if any(_is_meta(v) for v in nest.flatten(values)):
        return loop_vars if several else values[0]  # the body must keep shapes
    count = 0
    while (maximum_iterations is None or count < maximum_iterations) and builtins.bool(cond(*values)):
        out = body(*values)
        values = tuple(out) if several and isinstance(out, (list, tuple)) else (out,)
        values = tuple(_as_tensors(v) for v in values)
        count += 1
    return values if several else values[0]


@symbolic
def fori_loop(lower, upper, body_fun, init_val):
    """val = body_fun(i, val) for i from lower to upper - 1, starting with init_val.

    >>> import kerasgpu as keras
    >>> int(keras.ops.fori_loop(0, 4, lambda i, total: total + i, 0))
    6
    """
    value = _as_tensors(init_val)
    if _is_meta(lower) or _is_meta(upper):
        return value
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def _leading(xs, name):
    leaves = [x for x in nest.flatten(xs) if x is not None]
    if not leaves:
        raise ValueError(f"{name}: no tensor to loop over")
    sizes = {x.shape[0] if x.ndim else None for x in leaves}
    if len(sizes) != 1 or None in sizes:
        raise ValueError(f"{name}: all inputs need the same first dimension; received shapes {[x.shape for x in leaves]}")
    return sizes.pop()


def _row(xs, k):
    return nest.map_structure(lambda x: None if x is None else indexing.get_item(x, k), xs)


def _stack_rows(rows):
    return nest.map_structure(lambda *leaves: None if leaves[0] is None else joining.stack(leaves), *rows)


def _map(f, xs, name):
    xs = _as_tensors(xs)
    count = _leading(xs, name)
    if count == 0:
        raise ValueError(f"{name}: the first dimension is 0, so the shape of the result cannot be known")
    if any(_is_meta(x) for x in nest.flatten(xs)):
        row = _as_tensors(f(_row(xs, 0)))
        return nest.map_structure(lambda x: None if x is None else MetaTensor((count, *x.shape), x.dtype), row)
    return _stack_rows([_as_tensors(f(_row(xs, k))) for k in range(count)])


@symbolic
def map(f, xs):
    """f applied to each slice of xs along the first axis; the results stacked.

    >>> import kerasgpu as keras
    >>> keras.ops.map(lambda x: x * x, keras.ops.arange(3)).tolist()
    [0, 1, 4]
    """
    return _map(f, xs, "map")


@symbolic
def vectorized_map(function, elements):
    """function applied to each slice of elements along the first axis; the results stacked."""
    return _map(function, elements, "vectorized_map")


@symbolic
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """carry, y = f(carry, x) for each slice x of xs; returns the last carry and the stacked y.

    Args:
        f: callable of (carry, x) that returns (carry, y); y may be None.
        init: first carry, any structure.
        xs: structure of tensors to walk along the first axis, or None together with `length`.
        length: number of steps, needed when xs is None.
        reverse: walk from the last slice to the first.
        unroll: accepted for compatibility, a positive int or a bool.

    >>> import kerasgpu as keras
    >>> total, sums = keras.ops.scan(lambda c, x: (c + x, c + x), 0, keras.ops.arange(4))
    >>> int(total), sums.tolist()
    (6, [0, 1, 3, 6])
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if not isinstance(unroll, bool) and (not isinstance(unroll, (int, np.integer)) or unroll < 1):
        raise ValueError(f"`unroll` must be an positive integer or boolean. Received: unroll={unroll}")
    if xs is None and length is None:
        raise ValueError("Got no `xs` to scan over and `length` not provided.")
    xs = _as_tensors(xs)
    count = int(length) if xs is None else _leading(xs, "scan")
    if length is not None and count != int(length):
        raise ValueError(f"scan: length={length}, but xs has first dimension {count}")
    carry = _as_tensors(init)
    ys = []
    meta = any(_is_meta(x) for x in nest.flatten([xs, carry]))
    for k in range(min(count, 1) if meta else count):
        carry, y = f(carry, None if xs is None else _row(xs, count - 1 - k if reverse else k))
        carry = _as_tensors(carry)
        ys.append(_as_tensors(y))
    if not ys:
        return carry, None
    if meta:
        return carry, nest.map_structure(lambda x: None if x is None else MetaTensor((count, *x.shape), x.dtype), ys[0])
    return carry, _stack_rows(ys[::-1] if reverse else ys)


@symbolic
def associative_scan(f, elems, reverse=False, axis=0):
    """Running reduction of elems along `axis` by the associative function f, in about log2(n) vectorised rounds.

    After Blelloch (1990), "Prefix sums and their applications".

    >>> import kerasgpu as keras
    >>> keras.ops.associative_scan(keras.ops.add, keras.ops.arange(5)).tolist()
    [0, 1, 3, 6, 10]
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    flat = [convert_to_tensor(x) for x in nest.flatten(elems)]
    axes = {axis + x.ndim if axis < 0 else axis for x in flat}
    if len(axes) != 1 or builtins.any(not 0 <= a < x.ndim for a in axes for x in flat):
        raise ValueError(f"associative_scan: axis={axis} does not fit tensors of shapes {[x.shape for x in flat]}")
    axis = axes.pop()
    sizes = {x.shape[axis] for x in flat}
    if len(sizes) != 1:
        raise ValueError(
            "Array inputs to associative_scan must have the same first dimension. "
            f"Received shapes {[x.shape for x in flat]} with axis={axis}"
        )
    if reverse:
        flat = [shaping.flip(x, axis=axis) for x in flat]

    def combine(a, b):
        return nest.flatten(f(nest.pack_sequence_as(elems, a), nest.pack_sequence_as(elems, b)))

    out = _prefix(combine, flat, axis)
    if reverse:
        out = [shaping.flip(x, axis=axis) for x in out]
    return nest.pack_sequence_as(elems, out)


def _part(xs, axis, *bounds):
    key = (builtins.slice(None),) * axis + (builtins.slice(*bounds),)
    return [indexing.get_item(x, key) for x in xs]


def _prefix(combine, xs, axis):
    n = xs[0].shape[axis]
    if n < 2:
        return xs
    pairs = combine(_part(xs, axis, 0, n - 1, 2), _part(xs, axis, 1, None, 2))
    odd = _prefix(combine, pairs, axis)  # the results at 1, 3, 5, ...
    first = _part(xs, axis, 0, 1)
    if n == 2:
        return [joining.concatenate([a, b], axis) for a, b in zip(first, odd)]
    rest = combine(_part(odd, axis, 0, (n - 1) // 2), _part(xs, axis, 2, None, 2))
    even = [joining.concatenate([a, b], axis) for a, b in zip(first, rest)]
    return [_interleave(a, b, axis) for a, b in zip(even, odd)]


def _interleave(even, odd, axis):
    m = odd.shape[axis]
    paired = joining.stack([_part([even], axis, 0, m)[0], odd], axis + 1)
    out = shaping.reshape(paired, (*odd.shape[:axis], 2 * m, *odd.shape[axis + 1 :]))
    return out if even.shape[axis] == m else joining.concatenate([out, _part([even], axis, m, None)[0]], axis)
