"""Symbolic tensors: placeholders with a shape (dims may be None) and dtype, from which functional models are built.

The output shape of any function of them is found by running it on meta tensors: once with one number in place of every None, once
with another; output dims that differ between the two runs depend on an unknown and are None.
"""

from __future__ import annotations

import functools
import itertools

from kerasgpu.config.installed import ops
from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.naming import auto_name
from kerasgpu.engine.operators import LogicalOperators
from kerasgpu.engine.tensor import MetaTensor, Tensor

# Pairs of stand-ins for None: primes first (unlikely to equal a real size), then numbers that reshape can divide.
_FILLS = ((83, 89), (64, 128), (5040, 10080))


class KerasTensor(LogicalOperators):
    """A symbolic tensor: `shape` (None where unknown), `dtype`, `name`. Made by `keras.Input` and by calls on other KerasTensors.

    It has no value: using it as a number or a NumPy array raises an error that says what to do instead.
    """

    __slots__ = ("__dict__", "__weakref__", "dtype", "name", "record_history", "shape")
    __array_priority__ = 1000

    def __init__(self, shape, dtype="float32", sparse=False, ragged=False, record_history=True, name=None, **kwargs):
        if sparse or ragged:
            raise NotImplementedError(
                "KerasTensor: sparse and ragged tensors are not supported; use dense tensors with padding"
            )
        if isinstance(shape, int) or shape is None:
            raise ValueError(
                f"KerasTensor: shape must be a tuple of sizes, with None for unknown ones. Received: shape={shape}"
            )
        self.shape = tuple(None if d is None else int(d) for d in shape)
        self.dtype = dtypes.standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self.record_history = record_history

    @property
    def ndim(self):
        return len(self.shape)

    sparse = False
    ragged = False

    def _no_value(self, what):
        raise ValueError(
            f"A KerasTensor has no value, so {what} is not possible. It stands for the input of a model that is being built: use "
            "keras.ops and keras.layers on it, or write the computation in the call() of a custom layer"
        )

    def __array__(self, dtype=None, copy=None):
        self._no_value("turning it into a NumPy array")

    def __invert__(self):
        return ops.logical_not(self)

    def __bool__(self):
        raise TypeError("A symbolic KerasTensor cannot be used as a boolean; use keras.ops.where or keras.ops.cond")

    def __int__(self):
        self._no_value("int()")

    def __float__(self):
        self._no_value("float()")

    def __index__(self):
        self._no_value("using it as an index")

    def __repr__(self):
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"


def is_symbolic(x) -> bool:
    return isinstance(x, KerasTensor)


def any_symbolic_tensors(args=None, kwargs=None) -> bool:
    """Whether a KerasTensor is anywhere in these (nested) arguments."""
    for a in args or ():
        if _has_symbolic(a):
            return True
    if kwargs:
        for a in kwargs.values():
            if _has_symbolic(a):
                return True
    return False


def _has_symbolic(x) -> bool:
    kind = type(x)
    if kind is Tensor:
        return False
    if kind is KerasTensor:
        return True
    if isinstance(x, (list, tuple)):
        return any(_has_symbolic(v) for v in x)
    if isinstance(x, dict):
        return any(_has_symbolic(v) for v in x.values())
    return isinstance(x, KerasTensor)


def symbolic(function):
    """Decorator of a composed operation: on KerasTensors it becomes one node of the functional graph."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for a in args:
            kind = type(a)
            if kind is KerasTensor or ((kind is list or kind is tuple or kind is dict) and _has_symbolic(a)):
                return call_function(wrapper, args, kwargs)
        if kwargs:
            for a in kwargs.values():
                if a is not None and _has_symbolic(a):
                    return call_function(wrapper, args, kwargs)
        return function(*args, **kwargs)

    wrapper.is_symbolic_op = True
    return wrapper


def needs_known(*axes, square=False):
    """Decorator of a symbolic operation that refuses KerasTensors whose sizes along `axes` are not known, or, with square=True,
    whose last two sizes differ: one known, one not. Stand-ins for None would make something of them that need not hold."""

    def check(x, name):
        if len(x.shape) < 2 and (square or len(axes) > 1):
            return  # the operation itself says that there are too few
        if square and x.shape[-1] != x.shape[-2]:
            raise ValueError(f"{name}: expected square matrices, received shape {x.shape}. Give both sizes, or neither")
        if any(len(x.shape) >= -a and x.shape[a] is None for a in axes):
            last = "the last dimension" if len(axes) == 1 else f"the last {len(axes)} dimensions"
            raise ValueError(
                f"{name}: {last} of the input must be known, received shape {x.shape}. Give sizes in Input(shape=...)"
            )

    def mark(function):
        function.symbolic_check = check
        return function

    return mark


def depends_on_small_sizes(function):
    """Decorator of a symbolic operation whose output has a size like min(n, 2): a None is tried as 1, too."""
    function.tries_one = True
    return function


def call_function(function, args, kwargs):
    """Apply an op to symbolic arguments: a new node whose operation is that op."""
    check = getattr(function, "symbolic_check", None)
    if check is not None:
        for x in nest.flatten([list(args), dict(kwargs)]):
            if isinstance(x, KerasTensor):
                check(x, function.__name__)
    from kerasgpu.engine.operation import FunctionOperation

    return FunctionOperation(function).symbolic_call(*args, **kwargs)


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
