"""LearningRateScheduler and ReduceLROnPlateau: callbacks that change the learning rate between epochs."""

from __future__ import annotations

import warnings

import numpy as np

from kerasgpu.callbacks.callback import Callback
from kerasgpu.callbacks.monitor_callback import MonitorCallback
from kerasgpu.progress.progbar import print_message


def _optimizers(model):
    """[(suffix of log names, words for messages, optimizer)]: one, or those inside a MultiOptimizer."""
    optimizer = model.optimizer
    if hasattr(optimizer, "optimizers"):
        return [(f"_{inner.name}", f" {inner.name}", inner) for inner in optimizer.optimizers]
    return [("", "", optimizer)]


def _log_learning_rates(model, logs):
    for suffix, _, optimizer in _optimizers(model):
        logs[f"learning_rate{suffix}"] = float(optimizer.learning_rate)


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    Args:
        schedule: function of (epoch, current rate), or of (epoch), that returns a float.
        verbose: 1 prints a line per epoch.

    Raises ValueError when the schedule returns something else. The rate appears in the logs as "learning_rate".

    >>> import numpy as np, kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[halve])
    >>> [round(rate, 4) for rate in history.history["learning_rate"]]
    [0.005, 0.0025]
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        for _, words, optimizer in _optimizers(self.model):
            if not hasattr(optimizer, "learning_rate"):
                raise ValueError('Optimizer must have a "learning_rate" attribute.')
            try:
                rate = self.schedule(epoch, float(optimizer.learning_rate))
            except TypeError:  # a schedule of the epoch alone
                rate = self.schedule(epoch)
            if not isinstance(rate, (float, np.floating)):
                raise ValueError(f"The output of the `schedule` function should be a float. Got: {rate}")
            optimizer.learning_rate = float(rate)
            if self.verbose > 0:
                print_message(f"\nEpoch {epoch + 1}: LearningRateScheduler setting{words} learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        _log_learning_rates(self.model, {} if logs is None else logs)


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` after `patience` epochs without improvement.

    Args:
        monitor, mode, min_delta: see MonitorCallback.
        factor: below 1.
        patience: epochs to wait.
        verbose: 1 prints a line per reduction.
        cooldown: epochs to wait after a reduction before counting again.
        min_lr: lower bound of the rate.
    """

    _kept = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        **kwargs,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}")
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        _log_learning_rates(self.model, logs)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not available. Available metrics "
                "are: "
                f"{','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch) -> bool:
        reduced = False
        for _, words, optimizer in _optimizers(self.model):
            rate = float(optimizer.learning_rate)
            if rate > np.float32(self.min_lr):
                rate = max(rate * self.factor, self.min_lr)
                optimizer.learning_rate = rate
                reduced = True
                if self.verbose > 0:
                    print_message(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing{words} learning rate to {rate}.")
        return reduced

    def in_cooldown(self):
        return self.cooldown_counter > 0
