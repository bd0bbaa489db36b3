"""Where a source of batches is, in words that another process understands: how BackupAndRestore finds the same batches again.

Data is not saved. What is saved is the random state from which a pass began and how many of its batches were used; a source of
the same data begins a pass from the same state and leaves those out. Data that hooks of an epoch may change has them called again.
"""

from __future__ import annotations

from kerasgpu.data import random_state


class Places:
    """Notes of one source (`source.places`), made from the moment that somebody may want to come back."""

    def __init__(self, source):
        self._source = source
        self._began = None  # adapter.state() before the present pass
        self._hooks: list = []  # [name, random state before it] of each hook that was called
        self._wanted = None  # adapter.state() for the epoch that begins next, after come_back()
        self._epoch_began = None
        source.places = self

    # -- told by the source ---------------------------------------------------------------------------------------
    def epoch_begins(self):
        adapter = self._source.adapter
        if self._wanted is not None:
            adapter.set_state(self._wanted)
            self._wanted = None
        self._epoch_began = self.now()
        self._hook("on_epoch_begin")

    def epoch_ends(self):
        self._hook("on_epoch_end")

    def pass_begins(self):
        self._began = self._source.adapter.state()

    def _hook(self, name):
        if self._source.adapter.changes:
            self._hooks.append([name, random_state.snapshot()])

    # -- for backups ----------------------------------------------------------------------------------------------
    def now(self) -> dict:
        """The place between two epochs."""
        source = self._source
        over = source.adapter.restartable and source.pass_is_used_up
        return {
            "pass": None if over else self._began,
            "seen": source._seen,
            "hooks": list(self._hooks),
            "next": source.adapter.state(),
        }

    def before_epoch(self) -> dict:
        """The place before the epoch that is under way."""
        return self._epoch_began or self.now()

    def come_back(self, place: dict, epoch_has_begun=False) -> None:
        """Go to a place between two epochs, with a source that has just been made.

        Random numbers may be drawn between here and the next epoch. If that epoch had begun, it begins again from the state that it had.
        """
        source, adapter = self._source, self._source.adapter
        for name, before in place["hooks"]:
            random_state.restore(before)
            getattr(adapter, name)()
        self._hooks = list(place["hooks"])
        self._began = place["pass"]
        if self._began is not None:
            adapter.set_state(self._began)
            source.continue_pass(place["seen"])
        if epoch_has_begun:
            self._wanted = place["next"]
        else:
            adapter.set_state(place["next"])
