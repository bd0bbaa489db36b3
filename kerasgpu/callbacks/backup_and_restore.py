"""BackupAndRestore: go on after an interruption where training stopped."""

from __future__ import annotations

import io
import json
import os
import shutil
import warnings

from kerasgpu.callbacks import backup_file
from kerasgpu.callbacks.batch_counter import BatchCounter
from kerasgpu.callbacks.callback import Callback
from kerasgpu.data import random_state
from kerasgpu.data.places import Places
from kerasgpu.saving import loader
from kerasgpu.saving.hdf5 import WeightsReader
from kerasgpu.saving.writer import weights_bytes


class BackupAndRestore(Callback):
    """Backs up the state of training; a later fit() with the same folder goes on from there, with the same bits.

    Args:
        backup_dir: folder for the backups; used by nothing else.
        save_freq: "epoch" or a number of batches.
        double_checkpoint: accepted; the backup before the last one is always kept, for the case that the last is damaged.
        delete_checkpoint: remove the folder when fit() ends normally.

    A backup is one file that is complete on the disk before it takes its place. A fit() that is killed at any moment, started again
    with the same arguments and resumed ends with the weights of one that was not interrupted, bit by bit. Kept are the variables
    of the model, its optimizer and its random layers; the epoch, the batch and the metrics so far; the random state of Python,
    NumPy, `keras.random`, `keras.data` and (if it is loaded) PyTorch; the place in the training and validation data; and what
    EarlyStopping, ReduceLROnPlateau, ModelCheckpoint, SwapEMAWeights and TensorBoard in the list of callbacks know. BackupAndRestore
    does its part after all other callbacks, wherever it stands in the list. Not kept are `history`, which begins with the
    first epoch that runs, what callbacks and layers of your own hold outside of variables, and data: it must be the same again. Data
    that is not an array is read again from the beginning of the pass (a generator: from its beginning), and batches that were used are
    dropped. If EarlyStopping had ended the training that was backed up, a resumed fit() runs no epoch.

    Raises ValueError in fit() when backups are there but none can be read, or when the model is another one.

    >>> import numpy as np, kerasgpu as keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> backup = keras.callbacks.BackupAndRestore("backup")
    >>> _ = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[backup])
    """

    _after_others = True  # for CallbackList: what the others do at the same point is in the backup

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Invalid value for argument `save_freq`. Received: save_freq={save_freq}. Expected either 'epoch' or an "
                "integer value."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._counter = BatchCounter(save_freq)
        self._epoch = 0
        self._runner = None
        self._places: list = []
        self._callbacks: list = []

    _logs_of_batches = "unused"

    def _uses_batches(self):
        return self.save_freq != "epoch"

    def _meet(self, runner, sources, callbacks):
        """fit() shows where the batches come from, and who else listens."""
        self._runner = runner
        self._places = [Places(source) for source in sources]
        self._callbacks = [callback for callback in callbacks if getattr(callback, "_kept", ())]

    # -- going on -------------------------------------------------------------------------------------------------
    def on_train_begin(self, logs=None):
        model = self.model
        self._forget()
        if not model.built:
            raise ValueError(
                "To use the BackupAndRestore callback, you model must be built before you call `fit()`. "
                f"Model {model} is unbuilt. You can build it beforehand by calling it on a batch of data."
            )
        found = backup_file.read(self.backup_dir)
        if found is None:
            return self._restore_older_format()
        training, weights, wrong = found
        for text in wrong:
            warnings.warn(f"A backup is damaged ({text}); training goes on from the one before it", stacklevel=2)
        self._check(training)
        for k, (place, saved) in enumerate(zip(self._places, training["places"])):
            place.come_back(saved, epoch_has_begun=k == 0 and training["steps"] > 0)
        self._restore(training, weights)
        self._epoch = training["epoch"]
        # A training that was stopped has no epoch left.
        model.__dict__["_initial_epoch"] = 2**62 if training["stopped"] else training["epoch"]
        if training["steps"]:
            model.__dict__["_resume_epoch"] = lambda runner: self._resume_epoch(training, weights)

    def _resume_epoch(self, training, weights) -> int:
        """In an epoch that has just begun: be where the backup was. Returns the steps that are behind it."""
        self._runner.source.skip(training["steps"])
        self._restore(training, weights)
        if training["logs"] is not None:
            self._runner._logs = training["logs"]
        self._counter._last = training["steps"] - 1
        return training["steps"]

    def _restore(self, training, weights):
        model = self.model
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        with WeightsReader(io.BytesIO(weights), f"the backup in {self.backup_dir}") as reader:
            loader.restore(model, reader, strict=True)
        others = _other_variables(model, bool(training["steps"]))
        if len(others) != len(training["variables"]):
            raise ValueError(
                f"The backup in {self.backup_dir} is of another model or other metrics: it has {len(training['variables'])} random "
                f"states and metric variables, this model has {len(others)}. Remove the folder, or fit the same model"
            )
        for variable, value in zip(others, training["variables"]):
            variable.assign(value)
        for callback, kept in zip(self._callbacks, training["callbacks"]):
            callback._resume(kept["state"])
        random_state.restore(training["random"])

    def _check(self, training):
        mine, theirs = [type(c).__name__ for c in self._callbacks], [kept["class"] for kept in training["callbacks"]]
        if mine != theirs or len(self._places) != len(training["places"]):
            raise ValueError(
                f"The backup in {self.backup_dir} was made by another call of fit(): with "
                f"{'' if len(training['places']) > 1 else 'no '}validation data and the callbacks {theirs}; this one has "
                f"{'' if len(self._places) > 1 else 'no '}validation data and {mine}. Call fit() with the same arguments, or remove "
                "the folder to train from the beginning"
            )

    def _restore_older_format(self):
        """Weights and an epoch in two files, as Keras writes them."""
        weights, metadata = (os.path.join(self.backup_dir, name) for name in ("latest.weights.h5", "training_metadata.json"))
        if not os.path.exists(weights):
            return
        model = self.model
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        model.load_weights(weights)
        try:
            with open(metadata, encoding="utf-8") as f:
                self._epoch = int(json.load(f)["epoch"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{metadata} does not say which epoch the weights beside it are of ({error}). Remove {self.backup_dir}, or continue "
                f"with model.load_weights({weights!r}) and fit(initial_epoch=...)"
            ) from None
        model.__dict__["_initial_epoch"] = self._epoch

    # -- backing up -----------------------------------------------------------------------------------------------
    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_batch_end(self, batch, logs=None):
        if self._counter.is_due(batch):
            self._save(self._epoch, batch + 1)

    def _save(self, epoch, steps):
        model = self.model
        custom_logs = self._runner._logs is not None if steps and self._runner is not None else False
        places = [place.before_epoch() if steps and k == 0 else place.now() for k, place in enumerate(self._places)]
        training = {
            "epoch": epoch,
            "steps": steps,  # of this epoch
            "stopped": bool(model.stop_training),
            "places": places,
            "random": random_state.snapshot(),
            "callbacks": [{"class": type(c).__name__, "state": c._keep()} for c in self._callbacks],
            "variables": [v.numpy() for v in _other_variables(model, bool(steps))],
            "logs": _numbers(self._runner.logs()) if custom_logs else None,
        }
        os.makedirs(self.backup_dir, exist_ok=True)
        backup_file.write(self.backup_dir, training, weights_bytes(model))

    # -- ending ---------------------------------------------------------------------------------------------------
    def on_train_end(self, logs=None):
        self._forget()
        if self.delete_checkpoint and os.path.exists(self.backup_dir):
            backup_file.remove(self.backup_dir)
            shutil.rmtree(self.backup_dir)

    def _on_interrupt(self):
        self._forget()

    def _forget(self):
        self.model.__dict__["_initial_epoch"] = None
        self.model.__dict__.pop("_resume_epoch", None)


def _other_variables(model, with_metrics: bool) -> list:
    """Variables that weights files may not hold: random states, and within an epoch metrics."""
    found = [g.state for layer in model._flatten_layers() for g in layer._seed_generators]
    if with_metrics:
        found += [v for metric in model.metrics for v in metric.variables]
    return list({id(v): v for v in found}.values())


def _numbers(logs):
    return {name: value for name, value in logs.items() if isinstance(value, (int, float))}
