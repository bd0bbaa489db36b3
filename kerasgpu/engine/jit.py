"""jit: capture a function of tensors and replay it, one program per input signature."""

from __future__ import annotations

import functools
import sys

from kerasgpu import config
from kerasgpu.config.installed import ops
from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder, address
from kerasgpu.engine.tensor import MetaTensor, Tensor, contiguous, convert_to_tensor
from kerasgpu.kernels import launch

MAX_PROGRAMS = 32  # per function; signatures beyond that (ever new shapes) push out the oldest
EAGER = object()  # in place of a program: this signature cannot be replayed


def explain(name: str, reason: str) -> None:
    """The one line of debug mode about a step that runs eagerly."""
    if config.debug() >= 1:
        print(f"kerasgpu: {name} runs eagerly: {reason}", file=sys.stderr)


class CapturedFunction:
    """See `jit`."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function
        self._seen: dict = {}

    def __get__(self, instance, owner):
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args, **kwargs):
        if launch.recorder is not None or state.thread.shape_only or not config.capture() or state.thread.tapes:
            return self.function(*args, **kwargs)
        leaves = nest.flatten([list(args), kwargs])
        tensors = [k for k, x in enumerate(leaves) if _is_data(x)]
        values = [convert_to_tensor(leaves[k]) for k in tensors]
        if any(type(v) is MetaTensor or (v._requires and state.thread.grad_enabled) for v in values):
            return self.function(*args, **kwargs)
        arrays = [contiguous(v._data) for v in values]
        try:
            static = tuple(x for k, x in enumerate(leaves) if not _is_data(x))
            key = (
                str(nest.map_structure(lambda x: 0, [list(args), kwargs])),
                tuple((a.shape, v.dtype, v.device) for a, v in zip(arrays, values)),
                static,
                tuple(type(x) for x in static),
                state.thread.autocast_dtype,
                dtypes.floatx(),
            )
            entry = self._seen.get(key)
        except TypeError:  # an argument that cannot be compared with earlier ones
            return self.function(*args, **kwargs)
        if entry is EAGER:
            return self.function(*args, **kwargs)
        if entry is None:
            if len(self._seen) >= MAX_PROGRAMS:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = "once"
            return self.function(*args, **kwargs)
        if entry == "once" or not entry[0].valid:
            return self._record(key, args, kwargs, leaves, tensors, values)
        program, structure, specs = entry
        with program.lock:
            for k, array in enumerate(arrays):
                program.bind(k, array)
            outputs = list(program.fresh_outputs())
            program.run()
            program.release_inputs()
        made = iter([Tensor(o if own else o.copy(), d) for o, (d, own) in zip(outputs, specs)])
        return nest.map_structure(lambda x: next(made) if isinstance(x, _Output) else x, structure)

    def _record(self, key, args, kwargs, leaves, tensors, values):
        # Fresh copies: the recorded addresses are the program's inputs, whatever the caller does with his.
        copies = [Tensor(v._data.copy(), v.dtype) for v in values]
        leaves = list(leaves)
        for k, c in zip(tensors, copies):
            leaves[k] = c
        new_args, new_kwargs = nest.pack_sequence_as([list(args), kwargs], leaves)
        recorder = Recorder()
        given = {address(c._data) for c in copies}
        with recorder:
            result = self.function(*new_args, **new_kwargs)
            # An argument handed back, perhaps reshaped, is copied: each replay is given another one.
            result = nest.map_structure(lambda x: _copied(x) if _is_at(x, given) else x, result)
        flat = nest.flatten(result)
        outs = [x if isinstance(x, Tensor) else getattr(x, "_tensor", None) for x in flat]
        if recorder.reason:
            explain(getattr(self.function, "__name__", "function"), recorder.reason)
            self._seen[key] = EAGER
            return result
        arrays = [o._data for o in outs if o is not None]
        own = [recorder.buffer(a).temporary for a in arrays]
        program = Program(recorder, [c._data for c in copies], arrays)
        structure = nest.pack_sequence_as(result, [x if o is None else _Output() for x, o in zip(flat, outs)])
        specs = list(zip([o.dtype for o in outs if o is not None], own))
        self._seen[key] = (program, structure, specs)
        return nest.map_structure(lambda x: x.detach() if isinstance(x, Tensor) else x, result)


def _is_at(x, addresses) -> bool:
    return isinstance(x, Tensor) and address(x._data) in addresses


def _copied(x):
    return ops.copy(x)


class _Output:
    """Stands for a tensor in the remembered structure of a result."""


def _is_data(x) -> bool:
    return isinstance(x, Tensor) or (hasattr(x, "__array__") and not hasattr(x, "_tensor"))


def jit(function=None, **options):
    """Run a function of tensors as a captured program.

    The first call of an input signature (structure, shapes, dtypes, other arguments) runs eagerly, the second records, later ones
    replay without Python per operation. Variables read and assigned inside keep working; other Python side effects happen only while
    recording. Gradients do not flow through the result: put the gradient computation inside. A function that reads values in
    Python runs eagerly, with the same results.

    >>> import kerasgpu as keras
    >>> @keras.jit
    ... def f(x):
    ...     return keras.ops.sum(x * 2)
    >>> [float(f(keras.ops.ones(3))) for _ in range(3)]
    [6.0, 6.0, 6.0]
    """
    del options  # accepted for compatibility (static_argnums: arguments that are not tensors are static)
    return CapturedFunction if function is None else CapturedFunction(function)
