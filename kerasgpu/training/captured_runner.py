"""Runs the steps of in-memory arrays as captured programs: whole stretches of an epoch are one call into C++.

The program of one batch size begins with the gather of its rows (`data[order[cursor + i]]`, with the order of the epoch and the
cursor in memory) and ends by moving the cursor on, so nothing about a step is decided in Python. The first batch of a size runs
eagerly, the second is recorded, the others replay; what cannot be recorded runs eagerly for good, with the same results.

Programs are kept by the model, so that a later fit() or predict() on arrays of the same shapes replays at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasgpu import config, kernels
from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, nest, state
from kerasgpu.engine.jit import CapturedFunction, explain
from kerasgpu.engine.program import Program
from kerasgpu.engine.recorder import Recorder, address
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.training.step_runner import EagerRunner

MAX_PROGRAMS = 32  # per model; signatures beyond that (ever new shapes) push out the oldest


def can_capture(model) -> bool:
    return not model.run_eagerly and config.capture() and launch.recorder is None


def device_of(model) -> str:
    """Where a model computes: where its variables are; the current device before it has any."""
    for v in model.variables:
        return v.value.device
    return devices.current_device()


def fits(model, arrays) -> bool:
    """Whether a data set may lie where the model is as a whole: on the CPU it already does, on a GPU in half of what is free."""
    where = device_of(model)
    if where.startswith("cpu"):
        return True
    from kerasgpu.kernels import cuda

    wanted = sum(a.nbytes for a in arrays if launch.is_host(a))
    return wanted <= cuda.free_memory(devices.parse(where)[1]) // 2


def write(array, values) -> None:
    """Set the elements of an array on either device from the host."""
    if launch.is_host(array):
        array[...] = values
    else:
        array.set(np.ascontiguousarray(values, array.dtype).reshape(array.shape))


def to_host(array) -> np.ndarray:
    return array if launch.is_host(array) else array.get()


def model_state(model, mode):
    """What a recorded step of this model depends on besides the shapes of its batch."""
    layers = tuple((id(layer), layer.trainable) for layer in model._flatten_layers())
    compiled = (id(model.optimizer), id(model._compile_loss), id(model._compile_metrics)) if mode != "predict" else ()
    return (
        mode,
        layers,
        compiled,
        tuple((id(v), v.trainable) for v in model.variables),
        dtypes.floatx(),
        state.thread.autocast_dtype,
        state.variables_moved,
        config.image_data_format(),
    )


def cached(model, key, make):
    """The model's entry for this key, made if new."""
    store = model.__dict__.setdefault("_programs", {})
    entry = store.get(key)
    if entry is None:
        if len(store) >= MAX_PROGRAMS:
            del store[next(iter(store))]
        entry = store[key] = make()
    return entry


class StepPrograms:
    """The programs of one step function for arrays of certain shapes, by batch size."""

    def __init__(self):
        self.by_size: dict = {}  # batch size -> "once", a Program, or a reason why there is none
        self.outputs: dict = {}  # batch size -> structure of what the step returns, with positions for tensors


class CapturedRunner(EagerRunner):
    """The runner of an ArraySource that replays programs. See the module docstring and step_runner."""

    def __init__(self, model, mode, source):
        super().__init__(model, mode, source)
        adapter = source.adapter
        where = device_of(model)
        self._arrays = [devices.put(a, where) for a in adapter.arrays]
        self._like = self._arrays[0]
        self._order = launch.empty((adapter.num_samples,), "int64", self._like)
        self._cursor = launch.empty((1,), "int64", self._like)
        self._stores: list | None = None  # of predict: arrays that collect the outputs
        self._store_structure = None
        self._stored = 0
        self._token = object()  # names the arrays of this runner to the programs that are bound to them
        self._programs: Any = None  # StepPrograms, from the first epoch on

    def begin_epoch(self):
        super().begin_epoch()
        order = self.source.order
        if order is not None:
            write(self._order, order)
        elif self._programs is None:
            write(self._order, np.arange(len(self._order)))
        if self._programs is None:
            self._programs = cached(self.model, self._key(), StepPrograms)
        if self._stores is not None:
            self._stores = None
            self._token = object()
        self._stored = 0

    def _key(self):
        places = [address(a) for a in self._arrays]
        return (
            model_state(self.model, self.mode),
            tuple((a.shape, a.dtype.str) for a in self._arrays),
            devices.of_array(self._like),
            tuple(places.index(p) for p in places),  # which arguments are the same array
            str(nest.map_structure(lambda a: 0 if a is None else 1, self.source.adapter._structure)),
        )

    def has_next(self):
        return self.source.remaining > 0 or self.source.has_next()

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, max_steps):
        source, size = self.source, self.source.adapter.batch_size
        samples = len(self._order)
        done = 0
        while done < max_steps:
            if not self.has_next():
                break
            start = source.position * size
            if start + size <= samples:
                rows = size
                steps = min(max_steps - done, source.remaining, (samples - start) // size)
            else:
                rows, steps = samples - start, 1
            ran = self._run_rows(rows, steps, start)
            source.advance(ran)
            done += ran
            if getattr(self.model, self._stop, False):
                break
        return done

    def _run_rows(self, rows, steps, start) -> int:
        """Run up to `steps` batches of `rows` samples from `start` on; returns how many."""
        write(self._cursor, start)
        entry = self._programs.by_size.get(rows)
        if isinstance(entry, Program) and not entry.valid:
            entry = "once"
        if isinstance(entry, Program):
            with entry.lock:
                if self._ready(entry):
                    entry.run(steps)
                    self._stored += rows * steps if self._stores is not None else 0
                    if self.mode != "predict":
                        self._logs = self._read(rows, entry)
                    return steps
        if entry == "once" and self._prepare_stores():
            self._record(rows)
            return 1
        if entry is None:
            self._programs.by_size[rows] = "once"
        self._finish(self._body(rows), rows)
        return 1

    def _body(self, rows):
        """One step, eagerly (while recording: also written down)."""
        batch = []
        for a in self._arrays:
            out = launch.empty((rows, *a.shape[1:]), a.dtype, a)
            batch.append(Tensor(kernels.indexing.gather_rows(a, self._order, self._cursor, out)))
        leaves = iter(batch)
        data = nest.map_structure(lambda a: None if a is None else next(leaves), self.source.adapter._structure)
        result = self._step(data)
        if self._stores is not None:
            for out, x in zip(self._stores, nest.flatten(result)):
                kernels.indexing.store_rows(x._data, self._cursor, out)
        kernels.movement.advance(self._cursor, rows)
        return result

    def _finish(self, result, rows):
        """Keep what an eager step returned."""
        if self.mode != "predict":
            self._logs = result
            return
        if self._stores is not None:
            self._stored += rows
            return
        self._outputs.append(result)
        flat = nest.flatten(result)
        if len(self._outputs) == 1 and all(isinstance(x, Tensor) and x.shape[:1] == (rows,) for x in flat):
            # Every output has a row per sample: from here on they are collected in arrays of full length.
            self._stores = [launch.empty((len(self._order), *x.shape[1:]), x._data.dtype, x._data) for x in flat]
            self._store_structure = result
            for out, x in zip(self._stores, flat):
                first = (0,) * len(x.shape)
                kernels.movement.slice_assign(out, x._data, first)
            self._outputs = []
            self._stored = rows

    def _record(self, rows):
        recorder = Recorder()
        with recorder:
            result = self._body(rows)
        if recorder.reason:
            explain(f"{type(self.model).__name__}.{self.mode}_step", recorder.reason)
            self._programs.by_size[rows] = recorder.reason
        else:
            flat = nest.flatten(result) if self.mode != "predict" else []
            tensors = [x if isinstance(x, Tensor) else getattr(x, "_tensor", None) for x in flat]
            outputs = [t._data for t in tensors if t is not None]
            program = self._programs.by_size[rows] = Program(recorder, self._inputs(), outputs)
            program.bound_to = self._token
            self._programs.outputs[rows] = (result if self.mode != "predict" else None, [t is not None for t in tensors])
        self._finish(result, rows)

    # -- a program's view of this runner's arrays -----------------------------------------------------------------
    def _inputs(self):
        return [*self._arrays, self._order, self._cursor, *(self._stores or ())]

    def _ready(self, program) -> bool:
        """Point the program at this runner's arrays. False where it stores outputs and there is nothing to store into yet.

        Other runners of the model may have used the program since (a callback that evaluates, say).
        """
        if program.bound_to is self._token:
            return True
        if not self._prepare_stores():
            return False
        for k, a in enumerate(self._inputs()):
            program.bind(k, a)
        program.bound_to = self._token
        return True

    def _prepare_stores(self) -> bool:
        """Make the arrays that collect predictions, once it is known what the outputs look like. True where none are needed."""
        if self.mode == "predict" and self._stores is None:
            if "stores" not in self._programs.outputs:
                return False
            self._store_structure, specs = self._programs.outputs["stores"]
            self._stores = [launch.empty((len(self._order), *shape), dtype, self._like) for shape, dtype in specs]
        return True

    def _read(self, rows, program):
        """What the step returned, from the outputs of the last replay; None where metrics speak for it."""
        result, is_tensor = self._programs.outputs[rows]
        if result is None or not any(is_tensor):
            return result
        arrays = iter(range(sum(is_tensor)))
        leaves = [Tensor(program.output(next(arrays))) if t else x for x, t in zip(nest.flatten(result), is_tensor)]
        return nest.pack_sequence_as(result, leaves)

    def close(self):
        super().close()
        if self._programs is not None:
            for program in self._programs.by_size.values():
                if isinstance(program, Program):
                    with program.lock:
                        if program.bound_to is self._token:
                            program.release_inputs()

    # -- results --------------------------------------------------------------------------------------------------
    def last_outputs(self):
        if self._stores is None:
            return super().last_outputs()
        size = self.source.adapter.batch_size
        begin = (self._stored - 1) // size * size
        return nest.pack_sequence_as(self._store_structure, [to_host(a[begin : self._stored].copy()) for a in self._stores])

    def outputs(self):
        if self._stores is None:
            return super().outputs()
        if "stores" not in self._programs.outputs:
            structure = nest.map_structure(lambda x: 0, self._store_structure)
            self._programs.outputs["stores"] = (structure, [(a.shape[1:], a.dtype) for a in self._stores])
        return nest.pack_sequence_as(self._store_structure, [to_host(a[: self._stored]) for a in self._stores])


def captured_step(model, mode):
    """The step function of a model for batches that come one by one (generators, train_on_batch), captured per shape."""
    step = model._step_function(mode)
    if not can_capture(model):
        return step
    return cached(model, (model_state(model, mode), "batch"), lambda: CapturedFunction(step))
