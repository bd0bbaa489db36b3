"""History: the logs of every epoch."""

from __future__ import annotations

from kerasgpu.callbacks.callback import Callback


class History(Callback):
    """What fit() returns. `history` maps names of logs to lists with a value per epoch; `epoch` lists the epochs."""

    def __init__(self):
        super().__init__()
        self.history = {}

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.__dict__["history"] = self
