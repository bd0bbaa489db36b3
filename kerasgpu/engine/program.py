"""Program: a recorded step, optimised and frozen, that replays without Python.

    recorder = Recorder()
    with recorder: outputs = step()
    program = Program(recorder, inputs=[...], outputs=[...])
    program.run(100)

Before it is frozen the list of calls goes through `passes.optimize`; then temporaries get places in one block of memory, sharing it
where their lifetimes do not overlap. On the CPU the frozen program is a C++ list of kernel calls, on a GPU it is a CUDA graph.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from kerasgpu import _core
from kerasgpu.config.installed import gpu_program
from kerasgpu.engine import device, forks, passes, state
from kerasgpu.engine.passes.memory import place_temporaries
from kerasgpu.engine.recorder import Recorder
from kerasgpu.kernels import launch

# Bytes of a temporary that is not worth sharing memory on a GPU: calls over shared memory cannot change places (kernels/gpu/graph/group.py).
SMALL = 1 << 14


class Program:
    """A frozen step.

    Args:
        recorder: a Recorder after a step ran in it, with `reason` None.
        inputs: arrays that may be replaced between runs by others of the same dtype and size (`bind`).
        outputs: arrays whose values are wanted after a run; `output(k)` gives the array of the last run.
    """

    def __init__(self, recorder: Recorder, inputs=(), outputs=()):
        if recorder.reason:
            raise ValueError(f"this step cannot be replayed: {recorder.reason}")
        in_buffers = [recorder.buffer(a) for a in inputs]
        out_buffers = [recorder.buffer(a) for a in outputs]
        self.variables = list(recorder.variables.values())
        self._moved = state.variables_moved
        calls = passes.optimize(recorder.calls, keep=[*in_buffers, *out_buffers])
        self.calls = calls
        self._outputs = [a if b.temporary else None for a, b in zip(outputs, out_buffers)]
        self._output_arrays = list(outputs)
        # Its memory serves one run at a time: who binds inputs, runs and reads outputs holds this from the first to the last.
        self.lock = threading.RLock()
        forks.renewed(self)
        self._core = self._new_core([*in_buffers, *out_buffers, *[b for c in calls for b in (*c.inputs, *c.outputs)]])
        pinned = {id(b) for b in [*in_buffers, *out_buffers]}
        places, self._slab = place_temporaries(calls, pinned, apart=SMALL if self.on_gpu else 0)
        numbers: dict[int, int] = {}
        # What inputs and outputs are at the moment, for host calls: kernels are told by `rebind`.
        self._now = {id(b): b.array for b in [*in_buffers, *out_buffers]}
        self._in_keys, self._out_keys = [id(b) for b in in_buffers], [id(b) for b in out_buffers]
        for b in [*in_buffers, *out_buffers]:
            self._number(b, numbers, places)
        for call in calls:
            ins = [self._number(b, numbers, places) for b in call.inputs]
            outs = [self._number(b, numbers, places) for b in call.outputs]
            if isinstance(call.kernel, str):
                kernel = call.kernel if self.on_gpu else launch.kernel_id(call.kernel)
                self._core.add_call(kernel, ins, outs, call.spec)
            else:
                self._core.add_host_call(_host_step(call, places, self._now))
        self._in_numbers = [numbers[id(b)] for b in in_buffers]
        self._out_numbers = [numbers[id(b)] for b in out_buffers]
        # Whose arrays the inputs are now: a token of the caller's choice.
        self.bound_to: object = None
        for b in in_buffers:
            b.array = np.empty(0, b.array.dtype)  # the calls are kept to be looked at, not the caller's data
        for call in calls:
            call.arrays = ()

    def after_fork(self):
        """In a forked process: the thread that was running this, or was about to bind inputs, is not there."""
        self.lock = threading.RLock()
        self.bound_to = None

    def _new_core(self, buffers):
        """The list of calls: C++ on the CPU, CUDA graphs on a GPU."""
        where = {device.of_array(b.array) for b in buffers}
        self.on_gpu = where not in (set(), {"cpu:0"})
        if not self.on_gpu:
            return _core.Program()
        if len(where) > 1:
            raise ValueError(f"this step cannot be replayed: it uses arrays on {' and '.join(sorted(where))}")

        return gpu_program.Program(device.parse(where.pop())[1])

    def _number(self, buffer, numbers, places):
        found = numbers.get(id(buffer))
        if found is None:
            found = numbers[id(buffer)] = self._core.add_buffer(places.get(id(buffer), buffer.array))
        return found

    def __len__(self):
        return len(self._core)

    @property
    def valid(self) -> bool:
        """False once a variable moved to another device: record the step again."""
        return self._moved == state.variables_moved

    def bind(self, k: int, array) -> None:
        """Let input k be another array, of the same dtype, contiguous, and not smaller than the program reads."""
        self._core.rebind(self._in_numbers[k], array)
        self._now[self._in_keys[k]] = array

    def release_inputs(self) -> None:
        """Let go of the input arrays. Until others are bound, running raises instead of touching memory."""
        self.bound_to = None
        for k, key in enumerate(self._in_keys):
            self.bind(k, np.empty(0, self._now[key].dtype))

    def fresh_outputs(self) -> list:
        """Give every output that is the program's own a new array, so that results of earlier runs stay as they are."""
        for k, like in enumerate(self._outputs):
            if like is not None:
                made = launch.empty(like.shape, like.dtype, like=like)
                self._core.rebind(self._out_numbers[k], made)
                self._output_arrays[k] = made
                self._now[self._out_keys[k]] = made
        return self._output_arrays

    def output(self, k: int):
        return self._output_arrays[k]

    def run(self, steps: int = 1, together: int = 1) -> None:
        """Replay `steps` times with the GIL released. KeyboardInterrupt is raised between two steps.

        `together` is how many steps a GPU is given as one graph, if more than one.
        """
        for v in self.variables:
            # As Variable.assign does: whoever holds the tensor of the old value keeps that value.
            if sys.getrefcount(v._tensor) > 2:
                v.writable()
        if self.on_gpu:
            self._core.run(steps, together)
        else:
            self._core.run(steps)

    def profile(self) -> list[tuple[str, float]]:
        """Run one step and return (kernel, seconds) for each call."""
        return [(repr(c), s) for c, s in zip(self.calls, self._core.profile())]


def _host_step(call, places, now):
    """The host function of a call, on arrays that look at the places the program gave its buffers.

    `now` has the arrays of those buffers that are replaced between runs.
    """

    def located(array, buffer):
        place = places.get(id(buffer))
        return array if place is None else place.view(array.dtype).reshape(array.shape)

    ins = [located(a, b) for a, b in zip(call.arrays[0], call.inputs)]
    outs = [located(a, b) for a, b in zip(call.arrays[1], call.outputs)]
    function = call.kernel
    fixed = [*ins, *outs]
    replaced = []
    for k, (a, b) in enumerate(zip([*ins, *outs], [*call.inputs, *call.outputs])):
        if id(b) in now:
            replaced.append((k, id(b), a.dtype, a.shape))
            fixed[k] = None
    if not replaced:
        return lambda: launch.run_on_host(function, fixed[: len(ins)], fixed[len(ins) :])

    def step():
        arrays = list(fixed)
        for k, key, dtype, shape in replaced:
            arrays[k] = now[key].view(dtype).reshape(shape)
        launch.run_on_host(function, arrays[: len(ins)], arrays[len(ins) :])

    return step
