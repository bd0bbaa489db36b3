"""Saving every so many batches, for ModelCheckpoint and BackupAndRestore."""

from __future__ import annotations

from kerasgpu.config.numbers import is_whole_number


class BatchCounter:
    """Says after which batches to save. `save_freq` is "epoch" (never after a batch) or a number of batches.

    Batches are counted over epochs; with steps_per_execution several of them end at once.
    """

    def __init__(self, save_freq):
        if not isinstance(save_freq, str) and is_whole_number(save_freq):
            save_freq = int(save_freq)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or isinstance(save_freq, bool) or save_freq < 1):
            raise ValueError(f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer values")
        self.save_freq = save_freq
        self._since_saving = 0
        self._last = -1

    def is_due(self, batch) -> bool:
        if self.save_freq == "epoch":
            return False
        self._since_saving += batch + 1 if batch <= self._last else batch - self._last
        self._last = batch
        if self._since_saving < self.save_freq:
            return False
        self._since_saving = 0
        return True
