"""remat: a function whose intermediate results are computed again for its gradient instead of being kept.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", https://arxiv.org/abs/1604.06174.

The function runs with gradients off, so that nothing inside is kept, while a watcher notes the frontier: each tensor from outside
that requires a gradient, and the value that each variable had before the function wrote to it. The result is one node on the
tape. Its gradient runs the function again, with gradients on, variables as they were (also the states of random generators, so
that dropout drops the same elements) and writes kept from taking effect, and walks back to the frontier.
"""

from __future__ import annotations

import collections
import functools

from kerasgpu.engine import dtypes, nest, state, tape
from kerasgpu.engine.keras_tensor import any_symbolic_tensors
from kerasgpu.engine.op import Node
from kerasgpu.engine.stateless import StatelessScope
from kerasgpu.engine.tensor import MetaTensor, Tensor

__all__ = ["RematScope", "remat"]

# (read, write) pairs of settings that hold during a call and must hold again while it is recomputed.
CONTEXT = [
    (lambda: state.thread.autocast_dtype, lambda value: setattr(state.thread, "autocast_dtype", value)),
    (lambda: state.thread.device, lambda value: setattr(state.thread, "device", value)),
]


class Watcher:
    """The frontier of one call."""

    def __init__(self, outer):
        self.outer = outer
        self.seen = {}  # id -> tensor from outside that requires a gradient
        self.leaves = {}  # (id(variable), number of writes so far) -> its tensor
        self.before = {}  # id(variable) -> (variable, its tensor before the first write)
        self.writes_of = collections.Counter()

    def reads(self, tensors):
        for t in tensors:
            if t is not None and t._requires and id(t) not in self.seen:
                self.seen[id(t)] = t
                variable = None if t._variable is None else t._variable()
                if variable is not None:
                    self.leaves[id(variable), self.writes_of[id(variable)]] = t
        if self.outer is not None:
            self.outer.reads(tensors)

    def writes(self, variable):
        # Holding the tensor makes the variable give it a copy of the value that is about to be overwritten.
        self.before.setdefault(id(variable), (variable, variable._tensor))
        self.writes_of[id(variable)] += 1
        if self.outer is not None:
            self.outer.writes(variable)


class _Replay(StatelessScope):
    """Variables as they were when the watched call began; each of its writes leads to the tensor that was read after it."""

    def __init__(self, watcher, mapping):
        super().__init__()
        self.leaves = watcher.leaves
        self.count = collections.Counter()
        first = {key: t for (key, writes), t in watcher.leaves.items() if writes == 0}
        self.state_mapping = {**mapping, **{key: t for key, (_, t) in watcher.before.items()}, **first}

    def add_update(self, update):
        variable, value = update
        self.count[id(variable)] += 1
        self.state_mapping[id(variable)] = self.leaves.get((id(variable), self.count[id(variable)]), value)


class _Recompute:
    """What Node and the tape need to know of an operation, for one call."""

    keeps_output = False
    differentiable = True
    multiple = True
    count = None

    def __init__(self, name, rule):
        self.name = name
        self.gradient_rule = rule


def remat(f):
    """A function like `f` that keeps only its inputs for the gradient and computes the rest again: less memory, more time.

    Args:
        f: function of tensors that gives the same results when it is called again; random numbers of keras.random and writes
            to variables are allowed, `add_loss` is not. Variables that are not trainable must not be changed from outside
            between the call and the gradient.

    Use it inside `call()` of a layer, or on tensors; KerasTensors are refused (see RematScope for whole layers).

    >>> import kerasgpu as keras
    >>> square = keras.remat(lambda x: keras.ops.exp(keras.ops.log(x) * 2.0))
    >>> round(float(keras.grad(square)(3.0)), 3)
    6.0
    """

    @functools.wraps(f, updated=())
    def wrapper(*args, **kwargs):
        if any_symbolic_tensors(args, kwargs):
            raise ValueError(
                "keras.remat: KerasTensors cannot be recomputed; use the function inside call() of a layer, or make the layers "
                "of a functional model inside keras.RematScope()"
            )
        if state.thread.shape_only or not state.thread.grad_enabled:
            return f(*args, **kwargs)
        return _call(f, args, kwargs)

    return wrapper


def _call(f, args, kwargs):
    scope = state.thread.stateless_scope
    mapping = dict(scope.state_mapping) if scope is not None else {}
    context = [read() for read, _ in CONTEXT]
    watcher = Watcher(state.thread.watcher)
    state.thread.watcher = watcher
    try:
        with tape.no_grad():
            outputs = f(*args, **kwargs)
    finally:
        state.thread.watcher = watcher.outer
    flat = nest.flatten(outputs)
    tensors = [x for x in flat if isinstance(x, Tensor)]
    watcher.reads(tensors)  # what f returns as it came in
    if not watcher.seen or any(type(x) is MetaTensor for x in tensors):
        return outputs
    frontier = list(watcher.seen.values())

    def gradient(grads, *_):
        return _recompute(f, args, kwargs, grads, frontier, _Replay(watcher, mapping), context)

    made = {id(x): Tensor(x._data, x.dtype) for x in tensors}
    kept = [made[id(x)] for x in tensors]
    node = Node(_Recompute("remat", gradient), frontier, (), {}, None, [(x.shape, x.dtype) for x in kept])
    for k, x in enumerate(kept):
        if dtypes.is_float(x.dtype):
            x._node, x._index, x._requires = node, k, True
    return nest.pack_sequence_as(outputs, [made.get(id(x), x) for x in flat])


def _recompute(f, args, kwargs, grads, frontier, replay, context):
    """Gradients of the frontier from those of the outputs."""
    create_graph = state.thread.grad_enabled
    now = [read() for read, _ in CONTEXT]
    nodes = [t._node for t in frontier]
    try:
        for (_, write), value in zip(CONTEXT, context):
            write(value)
        for t in frontier:
            t._node = None  # the walk back ends here
        with replay, tape.enable_grad():
            outputs = [x for x in nest.flatten(f(*args, **kwargs)) if isinstance(x, Tensor)]
        pairs = [(x, g) for x, g in zip(outputs, grads) if x._requires]
        keys = [tape._key(t) for t in frontier]
        found, _ = tape.compute([x for x, _ in pairs], [g for _, g in pairs], set(keys), create_graph=create_graph)
        return [found.pop(key, None) for key in keys]  # the tensors of one variable share a key, so a sum: once
    finally:
        for t, node in zip(frontier, nodes):
            t._node = node
        for (_, write), value in zip(CONTEXT, now):
            write(value)


RematMode = collections.namedtuple("RematMode", ["mode", "output_size_threshold", "layer_names"])
_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope:
    """Context manager: layers made inside compute their intermediate results again for the gradient (see `remat`).

    Args:
        mode: "full" (every layer), "activations" (the activation function of layers that have one), "larger_than" (layers
            whose outputs have more elements than `output_size_threshold`), "list_of_layers" (those in `layer_names`), or
            None (no layer).
        output_size_threshold: number of elements, for "larger_than".
        layer_names: names, for "list_of_layers".

    >>> import kerasgpu as keras
    >>> with keras.RematScope(mode="full"):
    ...     layer = keras.layers.Dense(4, activation="gelu")
    >>> layer(keras.ops.ones((2, 3))).shape
    (2, 4)
    """

    def __init__(self, mode="full", output_size_threshold=1024, layer_names=None):
        if mode not in _MODES:
            raise ValueError(
                f"Invalid mode '{mode}'. Supported modes are: 'full', 'activations', 'larger_than', 'list_of_layers', or  None."
            )
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = layer_names or []

    def __enter__(self):
        _stack().append(self)
        return self

    def __exit__(self, *args, **kwargs):
        _stack().pop()


def _stack():
    return state.get_global_attribute("remat_scope_stack", [], set_to_default=True)


def get_current_remat_mode():
    """The settings of the innermost RematScope as a RematMode, or None outside of any."""
    stack = state.get_global_attribute("remat_scope_stack")
    if not stack:
        return None
    return RematMode(stack[-1].mode, stack[-1].output_size_threshold, stack[-1].layer_names)
