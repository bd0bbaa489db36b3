"""Runs the steps of in-memory arrays as captured programs: whole stretches of an epoch are one call into C++, or of CUDA graphs.

The arrays lie on the model's device as a whole; a step begins with the gather of its rows (`data[order[cursor + i]]`). See
runners/program.py for how programs come about, and runners/streamed.py for data that is too large for a GPU.
"""

from __future__ import annotations

import numpy as np

from kerasgpu import kernels
from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.training.runners.base import to_host
from kerasgpu.training.runners.program import Feed, ProgramRunner, structure_key


class CapturedRunner(ProgramRunner):
    """The runner of an ArraySource that replays programs. See the module docstring."""

    def __init__(self, model, mode, source):
        super().__init__(model, mode, source)
        adapter = source.adapter
        self._feed = Feed([devices.put(a, self.where) for a in adapter.arrays], adapter.num_samples, whole=False)
        self._structure_key = structure_key(adapter._structure)
        self._stores: list | None = None  # of predict: arrays that collect the outputs
        self._store_structure = None
        self._stored = 0

    def begin_epoch(self):
        super().begin_epoch()
        feed = self._feed
        order = self.source.order
        if order is not None:
            feed.set_order(order)
        elif feed.programs is None:
            feed.set_order(np.arange(len(feed.order)))
        if self._stores is not None:
            self._stores = None
            feed.token = object()
        self._stored = 0

    def has_next(self):
        return self.source.remaining > 0 or self.source.has_next()

    def epoch_logs(self):
        if not self.where.startswith("cpu"):
            self.source.draw_ahead()  # while the last steps run
        return super().epoch_logs()

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, max_steps):
        source, size = self.source, self.source.adapter.batch_size
        structure, feed = source.adapter._structure, self._feed
        self._programs_for(feed, self._structure_key)
        samples = len(feed.order)
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
            ran = self._run_rows(feed, structure, rows, steps, start)
            source.advance(ran)
            done += ran
            if getattr(self.model, self._stop, False):
                break
        return done

    # -- predictions: collected in arrays of full length --------------------------------------------------------
    def _inputs(self, feed):
        return [*super()._inputs(feed), *(self._stores or ())]

    def _keep(self, result, feed):
        if self._stores is not None:
            for out, x in zip(self._stores, nest.flatten(result)):
                kernels.indexing.store_rows(x._data, feed.cursor, out)

    def _replayed(self, program, rows, steps):
        if self._stores is not None:
            self._stored += rows * steps

    def _finish(self, result, rows):
        if self.mode != "predict" or self._stores is None:
            super()._finish(result, rows)
        else:
            self._stored += rows
            return
        flat = nest.flatten(result)
        if self.mode == "predict" and len(self._outputs) == 1 and all(_has_rows(x, rows) for x in flat):
            # Every output has a row per sample: from here on they are collected.
            self._stores = [launch.empty((len(self._feed.order), *x.shape[1:]), x._data.dtype, x._data) for x in flat]
            self._store_structure = result
            for out, x in zip(self._stores, flat):
                kernels.movement.slice_assign(out, x._data, (0,) * len(x.shape))
            self._outputs = []
            self._stored = rows

    def _before_recording(self, feed) -> bool:
        """Make the arrays that collect predictions, once it is known what the outputs look like. True where none are needed."""
        if self.mode == "predict" and self._stores is None:
            if "stores" not in feed.programs.outputs:
                return False
            self._store_structure, specs = feed.programs.outputs["stores"]
            self._stores = [launch.empty((len(feed.order), *shape), dtype, feed.order) for shape, dtype in specs]
        return True

    # -- results --------------------------------------------------------------------------------------------------
    def last_outputs(self):
        if self._stores is None:
            return super().last_outputs()
        size = self.source.adapter.batch_size
        begin = (self._stored - 1) // size * size
        return nest.pack_sequence_as(self._store_structure, [_host_rows(a, begin, self._stored) for a in self._stores])

    def outputs(self):
        if self._stores is None:
            return super().outputs()
        outputs = self._feed.programs.outputs
        if "stores" not in outputs:
            structure = nest.map_structure(lambda x: 0, self._store_structure)
            outputs["stores"] = (structure, [(a.shape[1:], a.dtype) for a in self._stores])
        return nest.pack_sequence_as(self._store_structure, [to_host(a[: self._stored]) for a in self._stores])


def _has_rows(x, rows) -> bool:
    return isinstance(x, Tensor) and x.shape[:1] == (rows,)


def _host_rows(array, begin, end):
    """A host copy of some rows."""
    return array[begin:end].copy() if launch.is_host(array) else array[begin:end].get()
