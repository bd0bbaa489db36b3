"""ModelCheckpoint: save the model, or its weights, during training."""

from __future__ import annotations

import os
import warnings

import numpy as np

from kerasgpu.callbacks.batch_counter import BatchCounter
from kerasgpu.callbacks.monitor_callback import MonitorCallback
from kerasgpu.progress.logs import read_logs
from kerasgpu.progress.progbar import print_message


class ModelCheckpoint(MonitorCallback):
    """Saves after every epoch, or every `save_freq` batches.

    Args:
        filepath: path that may name logs, such as "{epoch:02d}-{val_loss:.2f}.keras"; ends in ".keras" or ".h5", or in
            ".weights.h5" with save_weights_only.
        monitor, mode: see MonitorCallback.
        verbose: 1 prints a line per save.
        save_best_only: save only when `monitor` has improved.
        save_weights_only: save weights (and optimizer state) instead of the whole model.
        save_freq: "epoch" or a number of batches.
        initial_value_threshold: value that must be beaten before anything is saved with save_best_only.
    """

    _kept = ("best", "_counter")

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose = verbose
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._counter = BatchCounter(save_freq)
        self._current_epoch = 0
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided must end in `.weights.h5` "
                "(Keras "
                f"weights format). Received: filepath={self.filepath}"
            )
        if not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                f"The filepath provided must end in `.keras` (Keras model format). Received: filepath={self.filepath}"
            )

    _logs_of_batches = "deferred"

    def _uses_batches(self):
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch, logs=None):
        self._current_epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._counter.is_due(batch):
            self._save_model(self._current_epoch, batch, read_logs(logs))

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs)

    def _save_model(self, epoch, batch, logs):
        filepath = self._get_file_path(epoch, batch, logs or {})
        if os.path.isdir(filepath):
            raise OSError(
                "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing directory: "
                + filepath
            )
        if not self._should_save(epoch, logs or {}, filepath):
            return
        folder = os.path.dirname(filepath)
        if folder:
            os.makedirs(folder, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(filepath, overwrite=True)
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: finished saving model to {filepath}")

    def _should_save(self, epoch, logs, filepath) -> bool:
        message = f"saving model to {filepath}"
        if self.save_best_only:
            current = logs.get(self.monitor)
            if current is None:
                warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=4)
                return True
            if np.ndim(current) > 0:
                warnings.warn(
                    f"Can save best model only when `monitor` is a scalar value. Received: {current}. Falling back to "
                    "`save_best_only=False`.",
                    stacklevel=4,
                )
                return True
            if self.monitor_op is None:
                self._set_monitor_op()
            best = "None" if self.best is None else f"{self.best:.5f}"
            if not self._is_improvement(current, self.best):
                if self.verbose > 0:
                    print_message(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
                return False
            message = f"{self.monitor} improved from {best} to {current:.5f}, {message}"
            self.best = current
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: {message}")
        return True

    def _get_file_path(self, epoch, batch, logs):
        names = dict(logs, epoch=epoch + 1)
        if batch is not None:
            names.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. Known names: '
                + ", ".join(sorted(names))
            ) from error
