"""TensorBoard: logs, weight histograms and the model's graph in the files that TensorBoard shows."""

from __future__ import annotations

import os
import time

import numpy as np

from kerasgpu.callbacks import event_file
from kerasgpu.callbacks.callback import Callback
from kerasgpu.progress.logs import read_logs


class TensorBoard(Callback):
    """Writes event files to `log_dir`/train and `log_dir`/validation. View them with `tensorboard --logdir=...`.

    Args:
        log_dir: folder.
        histogram_freq: epochs between histograms of all weights; 0: none.
        write_graph: write the structure of Sequential and functional models.
        write_images: write weights as pictures too, along with histograms.
        write_steps_per_second: log the speed.
        update_freq: "epoch", "batch", or a number of batches between logs of training batches.
        profile_batch: not supported, must be 0; use KERASGPU_DEBUG=2 for the time of each operation.
        embeddings_freq, embeddings_metadata: not supported, must be 0 and None.

    Works without TensorFlow and TensorBoard being installed.
    """

    _kept = ("_global_train_batch",)

    def __init__(
        self,
        log_dir="logs",
        histogram_freq=0,
        write_graph=True,
        write_images=False,
        write_steps_per_second=False,
        update_freq="epoch",
        profile_batch=0,
        embeddings_freq=0,
        embeddings_metadata=None,
    ):
        super().__init__()
        if profile_batch:
            raise NotImplementedError(
                f"TensorBoard(profile_batch={profile_batch}) is not supported; set profile_batch=0, and KERASGPU_DEBUG=2 to "
                "see the time "
                "of each operation"
            )
        if embeddings_freq or embeddings_metadata:
            raise NotImplementedError(
                "TensorBoard(embeddings_freq=...) is not supported; save the weights with ModelCheckpoint and write the "
                "embedding matrix "
                "to a TSV file for projector.tensorflow.org"
            )
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(
                f"`update_freq` must be 'epoch', 'batch' or a number of batches. Received: update_freq={update_freq}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict = {}
        self._global_train_batch = 0
        self._batch_started = self._epoch_started = 0.0
        self._iterations_before = 0

    _logs_of_batches = "deferred"

    def _uses_batches(self):
        return self.update_freq != "epoch"

    def _writer(self, name):
        if name not in self._writers:
            self._writers[name] = event_file.EventFile(os.path.join(self.log_dir, name))
        return self._writers[name]

    def _close(self):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _on_interrupt(self):
        self._close()

    def set_model(self, model):
        self._model = model
        self._close()
        if self.write_graph and type(model).__name__ in ("Sequential", "Functional") and hasattr(model, "to_json"):
            try:
                text = model.to_json()
            except Exception:  # a model without a config has no graph to show
                return
            self._writer("train").add(event_file.keras_model("keras", text), 0)

    def on_train_begin(self, logs=None):
        self._global_train_batch = 0

    def on_train_end(self, logs=None):
        self._close()

    def on_train_batch_begin(self, batch, logs=None):
        self._global_train_batch += 1
        self._batch_started = time.time()

    def on_train_batch_end(self, batch, logs=None):
        if self.update_freq == "epoch" or self._global_train_batch % self.update_freq:
            return
        values = {f"batch_{name}": value for name, value in read_logs(logs).items()}
        if self.write_steps_per_second:
            values["batch_steps_per_second"] = 1.0 / max(time.time() - self._batch_started, 1e-9)
        self._write_scalars("train", values, self._global_train_batch)

    def on_test_end(self, logs=None):
        iterations = self._iterations()
        if iterations is not None:
            values = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._write_scalars("validation", values, iterations)

    def on_epoch_begin(self, epoch, logs=None):
        self._iterations_before = self._iterations() or 0
        self._epoch_started = time.time()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        train = {f"epoch_{name}": value for name, value in logs.items() if not name.startswith("val_")}
        validation = {f"epoch_{name[4:]}": value for name, value in logs.items() if name.startswith("val_")}
        if train:
            train.update((f"epoch_{name}", value) for name, value in self._learning_rates().items())
            if self.write_steps_per_second:
                seconds = max(time.time() - self._epoch_started, 1e-9)
                train["epoch_steps_per_second"] = ((self._iterations() or 0) - self._iterations_before) / seconds
        self._write_scalars("train", train, epoch)
        self._write_scalars("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)

    def _iterations(self):
        found = getattr(self.model.optimizer, "iterations", None)
        return None if found is None else int(found)

    def _learning_rates(self):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if hasattr(optimizer, "optimizers"):
            return {f"learning_rate_{inner.name}": float(inner.learning_rate) for inner in optimizer.optimizers}
        return {"learning_rate": float(optimizer.learning_rate)} if hasattr(optimizer, "learning_rate") else {}

    def _write_scalars(self, name, values, step):
        if not values:
            return
        writer = self._writer(name)
        for tag, value in values.items():
            if np.ndim(value) == 0:
                writer.add(event_file.scalar(tag, float(value)), step)
        writer.flush()

    def _write_weights(self, epoch):
        writer = self._writer("train")
        for weight in self.model.weights:
            values = np.asarray(weight, dtype=np.float64)
            writer.add(event_file.histogram(f"{weight.path}/histogram", values), epoch)
            if self.write_images:
                for k, pixels in enumerate(_pictures(values)):
                    writer.add(event_file.image(f"{weight.path}/image/{k}", pixels), epoch)
        writer.flush()


def _pictures(values):
    """Up to three grey pictures (height, width, 1) of a weight, scaled to 0..255."""
    values = np.squeeze(values)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim == 3:
        pictures = list(np.moveaxis(values, -1, 0)[:3])
    elif values.ndim == 2:
        pictures = [values.T if values.shape[0] > values.shape[1] else values]
    else:
        pictures = []
    for picture in pictures:
        low, high = picture.min(), picture.max()
        scaled = (picture - low) / (high - low) if high > low else np.zeros_like(picture)
        yield np.ascontiguousarray((scaled * 255).astype(np.uint8)[:, :, None])
