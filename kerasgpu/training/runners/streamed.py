"""Feeds a GPU with data that does not lie on it: arrays that are too large, generators, data sets, anything that gives batches.

Batches go through two slots. Each is page-locked memory on the host and as much on the GPU, room for some batches of one shape:

    host     | gather k | gather k+1      | gather k+2 ...        fills the slot that is free
    copies              | upload k        | upload k+1            second stream; waits until the steps of the slot's last use are over
    kernels                               | steps k      | steps k+1   wait for the upload of their slot, not for the host

A step is the same program as for data in memory (runners/program.py): it takes whole batches from the slots by a cursor. While it
runs, the host fetches and copies what comes next, so the host waits only when it is two slots ahead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasgpu import kernels
from kerasgpu.config.installed import gpu_driver as drivers
from kerasgpu.config.installed import gpu_transfer as transfer
from kerasgpu.engine import device as devices
from kerasgpu.engine import nest
from kerasgpu.engine.program import Program
from kerasgpu.engine.tensor import Tensor
from kerasgpu.kernels import launch
from kerasgpu.training.adapters.convert import to_device
from kerasgpu.training.runners.base import to_host
from kerasgpu.training.runners.capture import captured_step
from kerasgpu.training.runners.program import Feed, ProgramRunner, structure_key
from kerasgpu.training.source import ArraySource

SLOT_BYTES = 16 << 20  # of arrays: a slot holds at most as many batches as fit into this, and at least one
MOST_BATCHES = 64  # of a slot
MOST_BYTES = 256 << 20  # of a slot for several batches of a generator: fewer than steps_per_execution where they are large
MOST_WINDOWS = 4  # of a runner


class Slot:
    """One half of a window: page-locked arrays (count, *batch shape), and the events of its last copy and last step."""

    def __init__(self, driver, specs, count, first):
        self.first = first  # number of its first batch in the window
        starts, total = transfer.places([np.broadcast_to(np.empty((), d), (count, *s)) for s, d in specs])
        self.hosts = transfer.views(driver.pinned(total), [((count, *s), d) for s, d in specs], starts)
        self.copied: Any = None
        self.used: Any = None


class Window:
    """Two slots for batches of one signature, and the arrays on the GPU that programs read."""

    def __init__(self, driver, index, specs, structure, count):
        self.driver, self.index, self.count, self.structure = driver, index, count, structure
        arrays = [driver.empty((2 * count, *shape), np.dtype(dtype), index) for shape, dtype in specs]
        self.feed = Feed(arrays, 2 * count, whole=True)
        self.feed.set_order(np.arange(2 * count))
        self.slots = [Slot(driver, specs, count, k * count) for k in range(2)]
        self._turn = 0
        # The memory comes from the pool: kernels that used it before may still be running.
        driver.copy_queue(index).wait(driver.compute_queue(index).record())

    def next_slot(self) -> Slot:
        """The slot to fill now; waits until the copy of its last contents is over."""
        slot = self.slots[self._turn]
        self._turn ^= 1
        if slot.copied is not None:
            slot.copied.wait()
        return slot

    def upload(self, slot: Slot, count: int) -> None:
        """Start copying the first `count` batches of a slot, after the steps that read what was there before."""
        queue = self.driver.copy_queue(self.index)
        if slot.used is not None:
            queue.wait(slot.used)
        for array, host in zip(self.feed.arrays, slot.hosts):
            if host.nbytes:
                queue.upload(_part(array, slot.first, count), host[:count])
        slot.copied = queue.record()

    def close(self) -> None:
        for slot in self.slots:
            if slot.copied is not None:  # the pool gives the memory to what runs on the other stream
                self.driver.compute_queue(self.index).wait(slot.copied)
                slot.copied.wait()


def _part(array, first, count):
    return array if count == len(array) else array[first : first + count]


class Staged:
    """Batches in a slot that are on their way, and how many of them have been used."""

    def __init__(self, window, slot, count, batch=None):
        self.window, self.slot, self.left, self.next = window, slot, count, slot.first if slot else 0
        self.batch = batch  # one that goes another way (it lies on a GPU already)


class StreamedRunner(ProgramRunner):
    """See the module docstring. `source` gives batches on the host."""

    def __init__(self, model, mode, source):
        super().__init__(model, mode, source)
        self._step = model._step_function(mode)
        self._index = devices.parse(self.where)[1]
        self._driver = drivers.current()
        self._windows: dict = {}  # signature -> Window
        self._now: Staged | None = None
        self._ahead: Staged | None = None
        self._held = None  # a batch that was fetched and did not fit the slot
        self._waiting: list = []  # downloads of predictions, oldest first
        # Some may lie on the GPU already, beside others that are too large for it.
        self._rows = [to_host(a) for a in source.adapter.arrays] if isinstance(source, ArraySource) else []

    def begin_epoch(self):
        self._now = self._ahead = self._held = None
        self._waiting = []
        super().begin_epoch()

    def has_next(self):
        if self._now is None:
            self._now = self._stage()
        return self._now is not None

    # -- running ------------------------------------------------------------------------------------------------
    def run(self, max_steps):
        done = 0
        while done < max_steps and self.has_next():
            now = self._now
            done += self._run_staged(now, max_steps - done)
            if self._ahead is None:
                self._ahead = self._stage()  # while the steps run
            if not now.left:
                self._now, self._ahead = self._ahead, None
            if getattr(self.model, self._stop, False):
                break
        return done

    def _run_staged(self, staged, most) -> int:
        if staged.window is None:
            staged.left = 0
            self._finish(captured_step(self.model, self.mode)(staged.batch), 1)
            return 1
        window, slot = staged.window, staged.slot
        compute = self._driver.compute_queue(self._index)
        compute.wait(slot.copied)
        steps = min(staged.left, 1 if self.mode == "predict" else most)
        ran = self._run_rows(window.feed, window.structure, 1, steps, staged.next)
        staged.left -= ran
        staged.next += ran
        slot.used = compute.record()
        return ran

    # -- filling slots ------------------------------------------------------------------------------------------
    def _stage(self):
        """Fetch the next batches into a slot and start copying them; None at the end of the epoch."""
        with devices.device("cpu:0"):  # data is prepared on the host, as by the threads of a Dataset
            return self._stage_rows() if isinstance(self.source, ArraySource) else self._stage_batches()

    def _stage_rows(self):
        """Batches of arrays in memory are gathered straight into the slot."""
        source = self.source
        adapter, left = source.adapter, source.remaining
        if not left:
            source.has_next()  # notes that the data has ended
            return None
        size, start = adapter.batch_size, source.position * adapter.batch_size
        rows = min(size, adapter.num_samples - start)
        specs = [((rows, *a.shape[1:]), a.dtype) for a in self._rows]
        nbytes = sum(rows * (a.nbytes // len(a)) for a in self._rows)
        room = 1 if rows < size else max(1, min(SLOT_BYTES // max(nbytes, 1), MOST_BATCHES, adapter.num_samples // size))
        window = self._window(specs, adapter._structure, room)
        count = min(room, left, max(1, (adapter.num_samples - start) // size))
        slot = window.next_slot()
        order, cursor = source.order, np.array([start])
        for array, host in zip(self._rows, slot.hosts):
            flat = host[:count].reshape(count * rows, *array.shape[1:])
            if order is None:
                flat[...] = array[start : start + count * rows]
            else:
                kernels.indexing.gather_rows(array, order, cursor, flat)
        source.advance(count)
        window.upload(slot, count)
        return Staged(window, slot, count)

    def _stage_batches(self):
        """Up to steps_per_execution batches of the same signature."""
        window = slot = None
        count = 0
        while window is None or count < window.count:
            batch = self._fetch()
            if batch is None:
                break
            flat = [x for x in nest.flatten(batch) if x is not None]
            if not all(isinstance(x, Tensor) and launch.is_host(x._data) for x in flat):
                if count:
                    self._held = batch
                    break
                return Staged(None, None, 1, to_device(batch, self.where))
            arrays = [x._data for x in flat]
            room = max(1, min(self.model.steps_per_execution, MOST_BYTES // max(sum(a.nbytes for a in arrays), 1)))
            found = self._window([(a.shape, a.dtype) for a in arrays], batch, room)
            if window is None:
                window, slot = found, found.next_slot()
            elif found is not window:
                self._held = batch
                break
            for host, a in zip(slot.hosts, arrays):
                host[count] = a
            count += 1
        if window is None:
            return None
        window.upload(slot, count)
        return Staged(window, slot, count)

    def _fetch(self):
        batch, self._held = self._held, None
        if batch is None:
            batch = self.source.next()
            if batch is not None and self._check is not None:
                self._check(batch)
        return batch

    def _window(self, specs, structure, count) -> Window:
        key = (tuple(specs), structure_key(structure))
        found = self._windows.get(key)
        if found is None:
            if len(self._windows) >= MOST_WINDOWS:  # ever new shapes: let the oldest go
                oldest = self._windows.pop(next(iter(self._windows)))
                oldest.close()
                self._drop(oldest.feed)
            skeleton = nest.map_structure(lambda a: None if a is None else 0, structure)
            found = self._windows[key] = Window(self._driver, self._index, specs, skeleton, count)
            found.feed.together = min(count, self.model.steps_per_execution)
            self._programs_for(found.feed, key)
        else:
            self._windows[key] = self._windows.pop(key)  # the last one used is the last to go
        return found

    # -- predictions: each brought to the host while the next step runs -------------------------------------------
    def _wants_outputs(self):
        return True

    def _replayed(self, program: Program, rows, steps):
        if self.mode != "predict":
            return
        result, is_tensor = self._programs_of(program).outputs[rows]
        arrays = [program.output(k) for k in range(sum(is_tensor))]
        self._waiting.append((transfer.Download(self._driver, arrays, self._index), result, is_tensor))
        if len(self._waiting) > 2:
            self._arrived()

    def _programs_of(self, program):
        return next(f.programs for f in self._feeds if program in f.programs.by_size.values())

    def _arrived(self):
        download, result, is_tensor = self._waiting.pop(0)
        arrays = iter(download.arrays())
        leaves = [next(arrays) if t else x for x, t in zip(nest.flatten(result), is_tensor)]
        self._outputs.append(nest.pack_sequence_as(result, leaves))

    def _finish(self, result, rows):
        while self._waiting:
            self._arrived()
        super()._finish(nest.map_structure(_to_host, result) if self.mode == "predict" else result, rows)

    def last_outputs(self):
        while self._waiting:
            self._arrived()
        return super().last_outputs()

    def outputs(self):
        while self._waiting:
            self._arrived()
        return super().outputs()

    def close(self):
        super().close()
        for window in self._windows.values():
            window.close()
        self._windows.clear()


def _to_host(x):
    return x.numpy() if isinstance(x, Tensor) else x
