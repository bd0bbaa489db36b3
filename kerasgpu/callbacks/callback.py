"""Callback: code that runs at points of training, evaluation and prediction."""

from __future__ import annotations

from kerasgpu.callbacks.batch_counter import BatchCounter


class Callback:
    """Base class of callbacks. Override the methods for the points of interest.

    Attributes: `model`, the model in use; `params`, a dict with "verbose", "epochs" and "steps".

    `logs` is a dict from names ("loss", "val_accuracy") to numbers. Methods for single batches make every batch wait for
    Python, and for a GPU where their code mentions `logs`; a callback without them costs nothing between epochs.

    >>> import numpy as np, kerasgpu as keras
    >>> class Note(keras.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), verbose=0, callbacks=[Note()])
    0 ['loss']
    """

    def __init__(self):
        self.params = None
        self._model = None

    def set_params(self, params):
        self.params = params

    def set_model(self, model):
        self._model = model

    @property
    def model(self):
        return self._model

    # Older names of the train-batch methods.
    def on_batch_begin(self, batch, logs=None):
        """Called at the start of a training batch."""

    def on_batch_end(self, batch, logs=None):
        """Called at the end of a training batch."""

    def on_epoch_begin(self, epoch, logs=None):
        """Called at the start of an epoch of fit()."""

    def on_epoch_end(self, epoch, logs=None):
        """Called at the end of an epoch of fit(), after validation; logs of validation begin with "val_"."""

    def on_train_batch_begin(self, batch, logs=None):
        """Called at the start of a training batch; of several with steps_per_execution."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """Called at the end of a training batch, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Called at the start of a batch of evaluate(), also of validation in fit()."""

    def on_test_batch_end(self, batch, logs=None):
        """Called at the end of a batch of evaluate(), also of validation in fit()."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Called at the start of a batch of predict()."""

    def on_predict_batch_end(self, batch, logs=None):
        """Called at the end of a batch of predict(); logs["outputs"] holds its predictions."""

    def on_train_begin(self, logs=None):
        """Called at the start of fit()."""

    def on_train_end(self, logs=None):
        """Called at the end of fit(), with the logs of the last epoch. Not called after an exception or Ctrl-C."""

    def on_test_begin(self, logs=None):
        """Called at the start of evaluate() or validation."""

    def on_test_end(self, logs=None):
        """Called at the end of evaluate() or validation."""

    def on_predict_begin(self, logs=None):
        """Called at the start of predict()."""

    def on_predict_end(self, logs=None):
        """Called at the end of predict()."""

    # -- used by BackupAndRestore ---------------------------------------------------------------------------------
    # Names of attributes that a training needs to go on in another process: numbers, arrays, counters of batches.
    _kept: tuple = ()

    def _keep(self):
        values = {name: getattr(self, name) for name in self._kept}
        return {name: dict(vars(x)) if isinstance(x, BatchCounter) else x for name, x in values.items()}

    def _resume(self, kept):
        for name, value in kept.items():
            mine = self.__dict__.get(name)
            if isinstance(mine, BatchCounter):
                vars(mine).update(value)
            else:
                setattr(self, name, value)

    # -- used by the loops --------------------------------------------------------------------------------------
    # What this class's own hooks at the end of a batch do with logs: "given" wants a dict, "deferred" takes a function that reads
    # them (read_logs), "unused" does not look. Where no dict is wanted, a GPU is waited for only at batches whose logs are read.
    _logs_of_batches = "given"

    def _uses_batches(self):
        """Whether the batch methods of this class do anything with its present settings."""
        return True

    def _on_interrupt(self):
        """Called when an exception or Ctrl-C ends the loop: release what is open, undo what is temporary."""
