"""The decorator of composed operations: on symbolic tensors they become nodes of a functional graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from kerasgpu.engine import nest
from kerasgpu.engine.keras_tensor import KerasTensor, has_symbolic
from kerasgpu.engine.operation import FunctionOperation

_Operation = TypeVar("_Operation", bound=Callable[..., Any])


def symbolic(function: _Operation) -> _Operation:
    """Decorator of a composed operation: on KerasTensors it becomes one node of the functional graph."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for a in args:
            kind = type(a)
            if kind is KerasTensor or ((kind is list or kind is tuple or kind is dict) and has_symbolic(a)):
                return call_function(wrapper, args, kwargs)
        if kwargs:
            for a in kwargs.values():
                if a is not None and has_symbolic(a):
                    return call_function(wrapper, args, kwargs)
        return function(*args, **kwargs)

    wrapper.is_symbolic_op = True  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


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
    return FunctionOperation(function).symbolic_call(*args, **kwargs)
