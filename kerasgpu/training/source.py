"""Batches over epochs: how many steps an epoch has, and where the next one continues."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu import config
from kerasgpu.data.places import Places
from kerasgpu.training.adapters import ArrayAdapter


class BatchSource:
    """The batches of an adapter, cut into epochs.

    Without `steps_per_epoch` an epoch is one pass over the data. With it, an epoch is that many steps and the next one continues where it stopped; when the data ends within an
    epoch, that epoch ends, with a warning. With `from_the_top` (validation) each epoch reads the same first steps.
    """

    def __init__(self, adapter, steps_per_epoch=None, from_the_top=False):
        limit = config.max_steps_per_epoch()
        if limit and not (steps_per_epoch and steps_per_epoch <= limit):
            warnings.warn(f"Limiting steps_per_epoch to {limit}", stacklevel=6)
            steps_per_epoch = limit
        if steps_per_epoch is not None and (int(steps_per_epoch) != steps_per_epoch or steps_per_epoch < 1):
            raise ValueError(f"The number of steps must be a positive integer or None. Received: {steps_per_epoch}")
        self.adapter = adapter
        self.steps_per_epoch = None if steps_per_epoch is None else int(steps_per_epoch)
        self._from_the_top = from_the_top
        self._iterator = None
        self._ahead = None  # a batch that was fetched to learn whether there is one
        self._seen = 0  # steps of the current pass
        self._left = 0  # steps of this epoch
        self.ran_out = False  # a pass that cannot be repeated has ended
        self.places: Places | None = None  # kept while a backup may be wanted

    @property
    def num_batches(self):
        """Steps of an epoch, or None when it is not known yet."""
        return self.steps_per_epoch or self.adapter.num_batches

    def begin_epoch(self):
        if self.places is not None:
            self.places.epoch_begins()
        self.adapter.on_epoch_begin()
        if self.pass_is_used_up:
            if self.steps_per_epoch is None or self._iterator is None or self.adapter.restartable:
                self._restart()
        steps = self.num_batches
        self._left = -1 if steps is None else steps  # -1: until the data ends
        self._warned = False
        self._taken = 0  # steps of this epoch so far

    @property
    def pass_is_used_up(self):
        """Whether the next epoch of data that can be repeated begins a new pass."""
        return self.steps_per_epoch is None or self._from_the_top or self._pass_is_over(self.adapter.num_batches)

    def _pass_is_over(self, total):
        return self._iterator is None or (total is not None and self._seen >= total)

    def _restart(self):
        if self._iterator is not None and not self.adapter.restartable:
            return
        if self.places is not None:
            self.places.pass_begins()
        self._start_pass()
        self._seen = 0
        self._ahead = None

    def _start_pass(self):
        self._iterator = self.adapter.batches()

    def skip(self, steps):
        """Leave out the next steps of this epoch."""
        for _ in range(steps):
            if self.next() is None:
                break

    def continue_pass(self, seen):
        """Begin a pass and leave out as many of its batches as another run has seen."""
        self._start_pass()
        self._seen = 0
        self._ahead = None
        self._leave_out(seen)

    def _leave_out(self, batches):
        while self._seen < batches and next(self._iterator, None) is not None:
            self._seen += 1

    def end_epoch(self):
        if self.places is not None:
            self.places.epoch_ends()
        self.adapter.on_epoch_end()

    def has_next(self) -> bool:
        if self._ahead is None:
            self._ahead = self._fetch()
        return self._ahead is not None

    def next(self):
        """The next batch of this epoch, or None at its end."""
        batch, self._ahead = self._ahead, None
        if batch is None:
            batch = self._fetch()
        if batch is not None:
            self._seen += 1
            self._taken += 1
            self._left -= 1
        return batch

    def _fetch(self):
        if self._left == 0:
            return None
        total = self.adapter.num_batches
        if total is not None and self._seen >= total:
            return self._end_of_data()
        batch = next(self._iterator, None)
        return self._end_of_data() if batch is None else batch

    def _end_of_data(self):
        if self.steps_per_epoch is not None or (not self.adapter.restartable and self._taken == 0):
            if not self._warned:
                self._warned = True
                warnings.warn(
                    "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate "
                    "at least "
                    "`steps_per_epoch * epochs` batches. You may need to use the `.repeat()` function when building your "
                    "dataset.",
                    stacklevel=8,
                )
        self.ran_out = not self.adapter.restartable
        if self.adapter.restartable:
            self._iterator = None
        self._left = 0
        return None

    def close(self):
        self.adapter.close()
        self._iterator = None


class ArraySource(BatchSource):
    """The source of in-memory arrays: the order of the pass and the position in it are plain numbers."""

    adapter: ArrayAdapter
    _drawn: tuple | None = None  # of draw_ahead: NumPy's random state before and after, and the order

    def _start_pass(self):
        drawn, self._drawn = self._drawn, None
        if drawn is not None and _same_state(np.random.get_state(), drawn[0]):
            np.random.set_state(drawn[1])
            self.order = drawn[2]
        else:
            self.order = self.adapter.permutation()
        self._iterator = self

    def draw_ahead(self):
        """Draw the order of the next pass while the host has nothing else to do.

        NumPy's generator is left as it was; the order counts only if nobody has drawn from it when the pass begins.
        """
        if self.adapter.shuffle:
            before = np.random.get_state()
            order = self.adapter.permutation()
            self._drawn = before, np.random.get_state(), order
            np.random.set_state(before)

    def skip(self, steps):
        self.advance(min(steps, self.remaining))

    def _leave_out(self, batches):
        self._seen = batches

    @property
    def position(self):
        """Number of the next batch within the pass."""
        return self._seen

    @property
    def remaining(self):
        """Steps of this epoch that are still to come."""
        return max(0, min(self._left, self.adapter.num_batches - self._seen))

    def advance(self, steps):
        """Count `steps` batches as used, by someone who read them through `order` and `position`."""
        self._seen += steps
        self._taken += steps
        self._left -= steps

    def _fetch(self):
        if self._left == 0:
            return None
        if self._iterator is None or self._seen >= self.adapter.num_batches:
            return self._end_of_data()
        return self.adapter.batch(self._seen, self.order)


def _same_state(a, b) -> bool:
    return a[0] == b[0] and a[2:] == b[2:] and np.array_equal(a[1], b[1])


def make_source(adapter, steps_per_epoch=None, from_the_top=False):
    kind = ArraySource if isinstance(adapter, ArrayAdapter) else BatchSource
    return kind(adapter, steps_per_epoch, from_the_top)
