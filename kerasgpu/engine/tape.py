"""Reverse-mode differentiation over the nodes that operations leave on their outputs.

There is no global list: each tensor knows the Node that made it. The walk counts, for every node, how many needed consumers it has,
and processes a node when all of them have delivered (Griewank & Walther 2008, ch. 3); an explicit stack, so depth is no limit.
Gradients of gradients work because gradient rules are operations themselves.
"""

from __future__ import annotations

import weakref

from kerasgpu.config import installed
from kerasgpu.config.installed import ops
from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.tensor import MetaTensor, Tensor, convert_to_tensor


class no_grad:
    """Context manager: operations inside are not recorded for gradients."""

    def __enter__(self):
        self._before = state.thread.grad_enabled
        state.thread.grad_enabled = False
        return self

    def __exit__(self, *exc):
        state.thread.grad_enabled = self._before


class enable_grad(no_grad):
    """Context manager: operations inside are recorded, also within no_grad."""

    def __enter__(self):
        self._before = state.thread.grad_enabled
        state.thread.grad_enabled = True
        return self


def _key(t):
    """What identifies t in a graph. A variable keeps its identity when an assignment gives it a new tensor."""
    if t._node is not None:
        return id(t._node), t._index
    return id(t if t._variable is None else t._variable)


def _plan(targets, wanted):
    """Nodes that lead from targets to a wanted key, with the number of needed consumers of each."""
    needed: dict[int, bool] = {}  # id(node) -> leads to a wanted tensor
    order = []
    for target in targets:
        if target._node is None:
            continue
        stack = [(target._node, False)]
        while stack:
            node, done = stack.pop()
            if done:
                needed[id(node)] = any(
                    t is not None and t._requires and (wanted is None or _key(t) in wanted or needed.get(id(t._node), False))
                    for t in node.inputs
                ) or (wanted is not None and any((id(node), k) in wanted for k in range(len(node.out_specs))))
                if needed[id(node)]:
                    order.append(node)
                continue
            if id(node) in needed:
                continue
            if node.inputs is None:
                raise RuntimeError(
                    "backward() was already called through this part of the graph, which freed it; call "
                    "backward(retain_graph=True) the first time, or compute the loss again"
                )
            needed[id(node)] = False
            stack.append((node, True))
            for t in node.inputs:
                if t is not None and t._node is not None and id(t._node) not in needed:
                    stack.append((t._node, False))
    return order  # inputs before consumers


def compute(targets, seeds, wanted, release=False, create_graph=False):
    """{key: gradient} of sum(targets * seeds) for every wanted key (all leaves when wanted is None)."""
    grads: dict = {}
    order = _plan(targets, wanted)
    in_plan = {id(n) for n in order}
    pending: dict[int, list] = {}  # id(node) -> gradients of its outputs
    leaves: dict = {}

    def deliver(t, g):
        if t._node is not None:
            slot = pending.setdefault(id(t._node), [None] * len(t._node.out_specs))
            slot[t._index] = g if slot[t._index] is None else ops.add(slot[t._index], g)
        else:
            key = _key(t)
            grads[key] = g if key not in grads else ops.add(grads[key], g)
            leaves[key] = t

    with enable_grad() if create_graph else no_grad():
        for t, seed in zip(targets, seeds):
            deliver(t, seed)
        for node in reversed(order):
            out_grads = pending.pop(id(node), None)
            if out_grads is None:
                continue
            for k, g in enumerate(out_grads):
                if wanted is not None and (id(node), k) in wanted and g is not None:
                    grads[(id(node), k)] = g
            if all(g is None for g in out_grads):
                continue
            if node.op.gradient_rule is None:
                raise NotImplementedError(f"{node.op.name} has no gradient; cut it off with keras.ops.stop_gradient")
            inputs = node.inputs
            if not any(t is not None and t._requires and _leads(t, wanted, in_plan) for t in inputs):
                continue
            # Outputs that are no floats (indices) have no gradient: None.
            filled = tuple(_zeros(s) if g is None and "float" in s[1] else g for g, s in zip(out_grads, node.out_specs))
            entries = node.gradients(filled)
            if len(entries) != len(inputs):
                raise RuntimeError(f"gradient of {node.op.name} returned {len(entries)} entries for {len(inputs)} inputs")
            for t, entry in zip(inputs, entries):
                if entry is None or t is None or not t._requires or not _leads(t, wanted, in_plan):
                    continue
                g = entry() if callable(entry) else entry
                if g is None:
                    continue
                if g.shape != t.shape:
                    raise RuntimeError(f"gradient of {node.op.name} has shape {g.shape} for an input of shape {t.shape}")
                deliver(t, g if g.dtype == t.dtype else ops.cast(g, t.dtype))
            if release:
                node.release()
    return grads, leaves


def _leads(t, wanted, in_plan):
    if t._node is not None:
        return id(t._node) in in_plan or (wanted is not None and _key(t) in wanted)
    return wanted is None or _key(t) in wanted


def _zeros(spec):
    return ops.zeros(spec[0], dtype=spec[1])


def _ones_like(t):
    return ops.ones(t.shape, dtype=t.dtype)


def backward(target, gradient=None, retain_graph=False) -> None:
    """torch's shape: add gradients to `.grad` of every leaf that requires one. See Tensor.backward."""
    _refuse_released([target])
    if not target._requires:
        raise RuntimeError(
            "backward() on a tensor that does not depend on anything that requires a gradient: compute it from trainable variables (or "
            "tensors with requires_grad = True), outside no_grad and without NumPy in between"
        )
    if gradient is None:
        if target.size != 1:
            raise RuntimeError(f"backward() without a gradient argument needs a scalar; this tensor has shape {target.shape}")
        gradient = _ones_like(target)
    gradient = convert_to_tensor(gradient, target.dtype)
    if gradient.shape != target.shape:
        raise ValueError(f"backward(): gradient has shape {gradient.shape}, the tensor {target.shape}; they must be equal")
    grads, leaves = compute([target], [gradient], None, release=not retain_graph)
    for key, t in leaves.items():
        if t._variable is not None:
            variable = t._variable()
            t = t if variable is None else variable._tensor
        t.grad = grads[key] if t.grad is None else ops.add(t.grad, grads[key])


def gradients(target, sources, output_gradients=None, create_graph=False, release=False, unconnected=None):
    """d sum(target) / d source for each source (a flat list); None where there is no path."""
    targets = [convert_to_tensor(t) for t in nest.flatten(target)]
    _refuse_released(targets)
    if output_gradients is None:
        seeds = [_ones_like(t) for t in targets]
    else:
        seeds = [convert_to_tensor(g, t.dtype) for g, t in zip(nest.flatten(output_gradients), targets)]
    tensors = [source_tensor(s) for s in sources]
    wanted = {_key(t) for t in tensors}
    live = [(t, s) for t, s in zip(targets, seeds) if t._requires]
    if any(type(t) is MetaTensor for t in targets):
        return [MetaTensor(t.shape, t.dtype) for t in tensors]
    found, _ = compute([t for t, _ in live], [s for _, s in live], wanted, release, create_graph)
    out = []
    for t in tensors:
        g = found.get(_key(t))
        out.append(_zeros((t.shape, t.dtype)) if g is None and unconnected == "zero" else g)
    return out


def source_tensor(x) -> Tensor:
    """The tensor that stands for x on the tape: of a variable, its own (before any autocast)."""
    if isinstance(x, Tensor):
        return x
    leaf = getattr(x, "_tensor", None)
    if leaf is None:
        raise TypeError(f"cannot differentiate with respect to {type(x).__name__}: pass a Variable or a tensor")
    return leaf


class Recording:
    """What tapes share that recorded at the same time: when the last of them has given its gradient, their graph is let go.

    A loss that is kept, for a mean over the epoch say, then keeps a number and not every activation of its step. Two tapes over
    one computation (the generator's and the discriminator's, say) need the graph until both have answered.
    """

    def __init__(self):
        self.open = weakref.WeakSet()  # tapes that may still be asked
        self.targets = []  # nodes of the tensors whose gradients were asked for

    def asked(self, tape, targets, done):
        """`tape` gave the gradient of these targets; `done` when it will give no other."""
        self.targets += [t._node for t in targets if t._node is not None]
        if done:
            self.open.discard(tape)
        self.release()

    def release(self):
        """Let go what was recorded, unless a tape needs it. To later gradients these nodes are constants."""
        if self.open:
            return
        stack, self.targets = self.targets, []
        while stack:
            node = stack.pop()
            if node.recording is not self or not node.inputs:
                continue
            stack += [t._node for t in node.inputs if t is not None and t._node is not None]
            node.inputs, node.outputs = (), None


def _refuse_released(targets):
    for t in targets:
        if t._node is not None and t._node.inputs == ():
            raise RuntimeError(
                "the gradient of this tensor was already taken, which let go of its graph; make the tape with persistent=True, or "
                "compute the tensor again inside a new tape"
            )


class GradientTape:
    """TensorFlow's shape of differentiation.

    >>> import kerasgpu as keras
    >>> x = keras.Variable(3.0)
    >>> with keras.GradientTape() as tape:
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0

    Trainable variables are watched by themselves, tensors by `watch`. Nested tapes give higher derivatives. A tape that is not
    `persistent` answers one `gradient` call.
    """

    def __init__(self, persistent=False, watch_accessed_variables=True):
        self._persistent = persistent
        self._used = False
        self._entered = False
        self._watched = []
        self._recording = None

    def __del__(self):
        recording = getattr(self, "_recording", None)
        if recording is not None:
            recording.open.discard(self)
            recording.release()

    def __enter__(self):
        if self._entered:
            raise RuntimeError("GradientTape: this tape is already recording")
        self._entered = True
        self._grad_before, state.thread.grad_enabled = state.thread.grad_enabled, True
        state.thread.tapes += 1
        # Tapes that overlap share a recording, and so does one that is entered again.
        self._recording_before = state.thread.recording
        if self._recording_before is not None:
            self._recording = self._recording_before
        elif self._recording is None:
            self._recording = Recording()
        self._recording.open.add(self)
        state.thread.recording = self._recording
        return self

    def __exit__(self, *exc):
        self._entered = False
        state.thread.tapes -= 1
        state.thread.recording = self._recording_before
        state.thread.grad_enabled = self._grad_before
        if self._used and not self._persistent:  # it was asked while it recorded
            self._recording.open.discard(self)
            self._recording.release()

    def watch(self, tensor):
        """Record operations on this tensor (or structure of tensors)."""
        for t in nest.flatten(tensor):
            leaf = source_tensor(t)
            if not dtypes.is_float(leaf.dtype):
                raise ValueError(f"GradientTape.watch: only float tensors have gradients; received dtype {leaf.dtype}")
            if not leaf._requires:
                leaf._requires = True
                self._watched.append(leaf)

    def stop_recording(self):
        """Context manager: operations inside are not recorded."""
        return no_grad()

    def reset(self):
        self._used = False

    def watched_variables(self):
        return tuple(self._watched)

    def gradient(self, target, sources, output_gradients=None, unconnected_gradients="none"):
        """Gradients of the sum of target with respect to sources, in the structure of sources; None where unconnected."""
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients; make it with persistent=True"
            )
        self._used = True
        flat = nest.flatten(sources)
        unconnected = getattr(unconnected_gradients, "value", unconnected_gradients)
        # Inside another tape (or this one, still recording) the gradient itself may be differentiated.
        found = gradients(target, flat, output_gradients, create_graph=state.thread.tapes > 0, unconnected=unconnected)
        if self._recording is not None:
            targets = [t for t in nest.flatten(target) if isinstance(t, Tensor)]
            self._recording.asked(self, targets, done=not self._persistent and not self._entered)
        return nest.pack_sequence_as(sources, found)


def value_and_grad(function, argnums=0, has_aux=False):
    """A function that returns (function(*args), gradient with respect to the argument(s) numbered by argnums).

    Arguments may be tensors, arrays, variables, or nested structures of them. With has_aux, function returns (loss, aux).

    >>> import kerasgpu as keras
    >>> value, gradient = keras.value_and_grad(lambda x: x**2)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """

    def wrapped(*args, **kwargs):
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        args = list(args)
        flat_sources = []
        with enable_grad():
            for n in numbers:
                args[n] = nest.map_structure(_as_source, args[n])
                flat_sources.append([source_tensor(x) for x in nest.flatten(args[n])])
            with GradientTape() as tape:  # a gradient taken inside function may be differentiated by this one
                result = function(*args, **kwargs)
        value = result[0] if has_aux else result
        found = gradients(
            value, [t for group in flat_sources for t in group], create_graph=state.thread.tapes > 0, unconnected="zero"
        )
        tape._recording.asked(tape, [t for t in nest.flatten(value) if isinstance(t, Tensor)], done=True)
        packed = []
        for n, group in zip(numbers, flat_sources):
            packed.append(nest.pack_sequence_as(args[n], found[: len(group)]))
            found = found[len(group) :]
        return result, packed[0] if isinstance(argnums, int) else tuple(packed)

    return wrapped


def _as_source(x):
    if hasattr(x, "_tensor"):
        return x
    t = convert_to_tensor(x)
    if not dtypes.is_float(t.dtype):
        raise TypeError(f"gradients need float inputs; received dtype {t.dtype}")
    if t._node is None and not t._requires:
        t = t.detach()
        t._requires = True
    return t


def grad(function, argnums=0):
    """A function that returns the gradient of function with respect to the argument(s) numbered by argnums."""
    both = value_and_grad(function, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


installed.tape.install(globals())
