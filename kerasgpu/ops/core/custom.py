"""custom_gradient: a function with a gradient of the user's own."""

from __future__ import annotations

import functools

from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.op import Node
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor

__all__ = ["custom_gradient"]


class _CustomOperation:
    """What Node and the tape need to know of an operation, for one call of a user's function."""

    keeps_output = False
    differentiable = True
    multiple = True
    count = None

    def __init__(self, name, rule):
        self.name = name
        self.gradient_rule = rule


def _differentiable(x):
    return isinstance(x, Tensor) and dtypes.is_float(x.dtype)


def custom_gradient(f):
    """Decorator: f returns (outputs, grad_fn), and grad_fn(upstream gradients) returns the gradients of f's arguments.

    >>> import kerasgpu as keras
    >>> @keras.ops.custom_gradient
    ... def clipped_identity(x):
    ...     return x, lambda upstream: keras.ops.clip(upstream, -1.0, 1.0)
    >>> float(keras.grad(lambda x: 5.0 * clipped_identity(x))(2.0))
    1.0
    """

    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        args, kwargs = nest.map_structure(lambda x: x.value if hasattr(x, "assign") else x, (list(args), kwargs))
        args = [convert_to_tensor(x) if hasattr(x, "__array__") else x for x in args]
        outputs, grad_fn = f(*args, **kwargs)
        flat = [x if x is None else convert_to_tensor(x) for x in nest.flatten(outputs)]
        inputs = [x for x in nest.flatten(args) if _differentiable(x)]
        if not (state.thread.grad_enabled and any(x._requires for x in inputs)) or any(isinstance(x, MetaTensor) for x in flat):
            return nest.pack_sequence_as(outputs, flat)

        def rule(grads, *_):
            found = grad_fn(*grads)
            if len(args) == 1 and not isinstance(found, (list, tuple)):
                found = (found,)
            entries = nest.flatten([g for g, a in zip(found, args) if any(map(_differentiable, nest.flatten(a)))])
            return [g if g is None else convert_to_tensor(g) for g in entries]

        made = [Tensor(x._data, x.dtype) for x in flat]
        node = Node(_CustomOperation(f.__name__, rule), inputs, (), {}, None, [(x.shape, x.dtype) for x in made])
        for k, x in enumerate(made):
            if dtypes.is_float(x.dtype):
                x._node, x._index, x._requires = node, k, True
        return nest.pack_sequence_as(outputs, made)

    return wrapper
