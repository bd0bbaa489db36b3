"""What runners that replay programs share: a program begins by taking its batch from arrays in memory and ends by moving on.

The program of one batch size reads `arrays`, an `order` and a `cursor`, all in memory of the device, so that nothing about a step is
decided in Python: any number of steps are one call. The first batch of a size runs eagerly, the second is recorded, the others
replay; what cannot be recorded runs eagerly for good, with the same results.

Programs are kept by the model, so that a later fit() or predict() on data of the same shapes replays at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasgpu import kernels
from kerasgpu.config.installed import gpu_driver as driver
from kerasgpu.config.installed import gpu_transfer as transfer
from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.engine.jit import explain
from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder, address
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.training.runners.base import StepRunner
from kerasgpu.training.runners.capture import cached, model_state


class StepPrograms:
    """The programs of one step function for arrays of certain shapes, by batch size."""

    def __init__(self):
        self.by_size: dict = {}  # batch size -> "once", a Program, or a reason why there is none
        self.outputs: dict = {}  # batch size -> structure of what the step returns, with positions for tensors


class Feed:
    """The memory that programs take batches from.

    Args:
        arrays: arrays on one device; a batch is `rows` rows of each.
        rows: length of the order in which rows are taken.
        whole: a row of the arrays is a whole batch.
    """

    def __init__(self, arrays, rows: int, whole: bool):
        self.arrays = list(arrays)
        like = self.arrays[0]
        self.order = launch.empty((rows,), "int64", like)
        self.cursor = launch.empty((1,), "int64", like)
        self.whole = whole
        self.token = object()  # names these arrays to the programs that are bound to them
        self.programs: StepPrograms | None = None
        self._at: int | None = None  # where the cursor stands
        self._order_copy: Any = None  # a transfer.Upload, on a GPU
        self.together: int | None = None  # steps of one graph, if others than steps_per_execution

    def set_order(self, order: np.ndarray) -> None:
        """Take rows in this order from now on. On a GPU after the steps that were started before, without waiting for them."""
        if launch.is_host(self.order):
            self.order[...] = order
            return
        if self._order_copy is None:
            self._order_copy = transfer.Upload(driver.current(), self.order)
        self._order_copy.start(order)

    def move_to(self, start: int) -> None:
        """Let the next step begin at `start`; nothing to do where the step before has moved the cursor there."""
        if self._at != start:
            kernels.movement.fill(self.cursor, start)
        self._at = start

    def moved(self, rows: int) -> None:
        self._at = None if self._at is None else self._at + rows

    def key(self):
        spots = [address(a) for a in self.arrays]
        return (
            tuple((a.shape, a.dtype.str) for a in self.arrays),
            len(self.order),
            self.whole,
            devices.of_array(self.order),
            tuple(spots.index(p) for p in spots),  # which arguments are the same array
        )

    def take(self, rows: int) -> list[Tensor]:
        """The tensors of the next batch."""
        batch = []
        for a in self.arrays:
            out = launch.empty((rows, *a.shape[1:]), a.dtype, a)
            out = kernels.indexing.gather_rows(a, self.order, self.cursor, out)
            batch.append(Tensor(out.reshape(a.shape[1:]) if self.whole else out))
        return batch


class ProgramRunner(StepRunner):
    """See the module docstring. Subclasses say where batches are (`Feed`), and what becomes of predictions."""

    def __init__(self, model, mode, source):
        super().__init__(model, mode, source)
        self._feeds: list[Feed] = []  # that programs may be bound to

    def _programs_for(self, feed: Feed, structure) -> StepPrograms:
        if feed.programs is None:
            key = (model_state(self.model, self.mode), feed.key(), structure)
            feed.programs = cached(self.model, key, StepPrograms)
            self._feeds.append(feed)
        return feed.programs

    # -- running ------------------------------------------------------------------------------------------------
    def _run_rows(self, feed: Feed, structure, rows, steps, start) -> int:
        """Run up to `steps` batches of `rows` rows from `start` on; returns how many."""
        programs: StepPrograms = feed.programs  # type: ignore[assignment]
        feed.move_to(start)
        entry = programs.by_size.get(rows)
        if isinstance(entry, Program) and not entry.valid:
            entry = "once"
        if isinstance(entry, Program):
            with entry.lock:
                if self._ready(entry, feed):
                    entry.run(steps, feed.together or self.model.steps_per_execution)
                    feed.moved(rows * steps)
                    self._replayed(entry, rows, steps)
                    if self.mode != "predict":
                        self._logs = self._read(programs, rows, entry)
                    return steps
        if entry == "once" and self._before_recording(feed):
            self._record(feed, structure, rows)
        else:
            if entry is None:
                programs.by_size[rows] = "once"
            self._finish(self._body(feed, structure, rows), rows)
        feed.moved(rows)
        return 1

    def _body(self, feed, structure, rows):
        """One step, eagerly (while recording: also written down)."""
        leaves = iter(feed.take(rows))
        data = nest.map_structure(lambda a: None if a is None else next(leaves), structure)
        result = self._step(data)
        self._keep(result, feed)
        kernels.movement.advance(feed.cursor, rows)
        return result

    def _record(self, feed, structure, rows):
        recorder = Recorder()
        with recorder:
            result = self._body(feed, structure, rows)
        programs = feed.programs
        if recorder.reason:
            explain(f"{type(self.model).__name__}.{self.mode}_step", recorder.reason)
            programs.by_size[rows] = recorder.reason
        else:
            flat = nest.flatten(result) if self._wants_outputs() else []
            tensors = [x if isinstance(x, Tensor) else getattr(x, "_tensor", None) for x in flat]
            outputs = [t._data for t in tensors if t is not None]
            program = programs.by_size[rows] = Program(recorder, self._inputs(feed), outputs)
            program.bound_to = feed.token
            programs.outputs[rows] = (result if self._wants_outputs() else None, [t is not None for t in tensors])
        self._finish(result, rows)

    # -- for subclasses -----------------------------------------------------------------------------------------------
    def _wants_outputs(self) -> bool:
        """Whether what a step returns is looked at after it."""
        return self.mode != "predict"

    def _finish(self, result, rows):
        """Keep what an eager step returned."""
        if self.mode == "predict":
            self._outputs.append(result)
        else:
            self._logs = result

    def _keep(self, result, feed):
        """Within the step: put its result where later steps leave it alone."""

    def _replayed(self, program, rows, steps):
        """After a replay."""

    def _before_recording(self, feed) -> bool:
        """Make what the program writes to. False where it is not known yet what that is."""
        return True

    # -- a program's view of this runner's arrays -----------------------------------------------------------------
    def _inputs(self, feed) -> list:
        return [*feed.arrays, feed.order, feed.cursor]

    def _ready(self, program, feed) -> bool:
        """Point the program at this runner's arrays. False where it stores outputs and there is nothing to store into yet.

        Other runners of the model may have used the program since (a callback that evaluates, say).
        """
        if program.bound_to is feed.token:
            return True
        if not self._before_recording(feed):
            return False
        for k, a in enumerate(self._inputs(feed)):
            program.bind(k, a)
        program.bound_to = feed.token
        return True

    def _read(self, programs, rows, program):
        """What the step returned, from the outputs of the last replay; None where metrics speak for it."""
        result, is_tensor = programs.outputs[rows]
        if result is None or not any(is_tensor):
            return result
        arrays = iter(range(sum(is_tensor)))
        leaves = [Tensor(program.output(next(arrays))) if t else x for x, t in zip(nest.flatten(result), is_tensor)]
        return nest.pack_sequence_as(result, leaves)

    def close(self):
        super().close()
        for feed in list(self._feeds):
            self._drop(feed)

    def _drop(self, feed):
        """Let go of the arrays of a feed: programs that are bound to them, too."""
        self._feeds.remove(feed)
        for program in feed.programs.by_size.values():
            if isinstance(program, Program):
                with program.lock:
                    if program.bound_to is feed.token:
                        program.release_inputs()


def structure_key(structure) -> Any:
    return str(nest.map_structure(lambda a: 0 if a is None else 1, structure))
