"""The output shape of any function of symbolic tensors.

The function runs on meta tensors: once with one number in place of every None, once with another; output dims that differ between
the two runs depend on an unknown and are None.
"""

from __future__ import annotations

import itertools

from kerasgpu.engine import nest, state
from kerasgpu.engine.keras_tensor import KerasTensor
from kerasgpu.engine.tensor import MetaTensor, Tensor

# Pairs of stand-ins for None: primes first (unlikely to equal a real size), then numbers that reshape can divide.
_FILLS = ((83, 89), (64, 128), (5040, 10080))


def infer_spec(function, args, kwargs):
    """Output structure of function(*args, **kwargs) with a KerasTensor for every tensor in it.

    KerasTensors among the arguments are replaced by meta tensors. Raises what the function raises for such shapes.
    """
    leaves = [x for x in nest.flatten([list(args), dict(kwargs)]) if isinstance(x, KerasTensor)]
    unknown = any(d is None for x in leaves for d in x.shape)
    if not unknown:
        return nest.map_structure(_to_keras_tensor, _run_meta(function, args, kwargs, None))
    first_error = None
    for low, high in _FILLS:
        try:
            a = _run_meta(function, args, kwargs, low)
            b = _run_meta(function, args, kwargs, high)
        except Exception as error:
            first_error = first_error or error
            continue
        merged = nest.map_structure(_merge, a, b)
        return _with_ones(function, args, kwargs, merged) if hasattr(_operation(function), "tries_one") else merged
    op = _operation(function)
    if hasattr(op, "is_symbolic_op") or hasattr(op, "shape_rule"):  # not layers: a failing call of one may be slow
        found = _pinned_spec(function, args, kwargs, leaves)
        if found is not None:
            return found
    raise first_error


def _operation(function):
    """The operation that a bound FunctionOperation.call applies, or None."""
    return getattr(getattr(function, "__self__", None), "function", None)


def _with_ones(function, args, kwargs, spec):
    """`spec` without the sizes that are others when every None is 1; the spec itself when the operation refuses that."""
    try:
        small = _run_meta(function, args, kwargs, 1)
        return nest.map_structure(lambda kept, seen: _merge(seen, kept) if isinstance(kept, KerasTensor) else kept, spec, small)
    except Exception:
        return spec


def _pinned_spec(function, args, kwargs, leaves):
    """The spec when some None must equal a known size, as in (None, 3) + (2, None); None if no choice of up to two works."""
    places = [(k, d) for k, x in enumerate(leaves) for d, size in enumerate(x.shape) if size is None]
    numbers = [d for x in leaves for d in x.shape if d not in (None, 1)]
    numbers += [v for v in nest.flatten([list(args), dict(kwargs)]) if type(v) is int and v > 1]
    for count in (1, 2):
        for chosen in itertools.combinations(places, count):
            for sizes in itertools.product(dict.fromkeys(numbers), repeat=count):
                pins = {(id(leaves[k]), d): n for (k, d), n in zip(chosen, sizes)}
                try:
                    specs = [_run_meta(function, args, kwargs, fill, pins) for fill in _FILLS[0]]
                except Exception:
                    continue
                return nest.map_structure(_merge, *specs)
    return None


def _run_meta(function, args, kwargs, fill, pins=()):
    def replace(x):
        if not isinstance(x, KerasTensor):
            return x
        shape = [fill if d is None else d for d in x.shape]
        for k in range(len(shape) if pins else 0):
            shape[k] = pins.get((id(x), k), shape[k])
        meta = MetaTensor(shape, x.dtype)
        mask = getattr(x, "_keras_mask", None)
        if mask is not None:
            meta._keras_mask = replace(mask)
        return meta

    args, kwargs = nest.map_structure(replace, (list(args), dict(kwargs)))
    with state.shape_only_scope():
        return function(*args, **kwargs)


def _to_keras_tensor(x):
    return KerasTensor(x.shape, x.dtype) if isinstance(x, Tensor) else x


def _merge(a, b):
    if not isinstance(a, Tensor):
        return a
    if len(a.shape) != len(b.shape):
        raise ValueError(f"the rank of the output depends on an unknown dimension: {len(a.shape)} and {len(b.shape)}")
    return KerasTensor(tuple(m if m == n else None for m, n in zip(a.shape, b.shape)), a.dtype)
