"""CSVLogger: the logs of each epoch as a row of a file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable

import numpy as np

from kerasgpu.callbacks.callback import Callback
from kerasgpu.config.atomic_files import write_bytes


class CSVLogger(Callback):
    """Writes "epoch" and all logs to a CSV file, a row per epoch, flushed at once.

    Args:
        filename: path of the file.
        separator: between columns.
        append: continue the file instead of starting it anew.

    A file that is started anew stays as it was until the first row is complete. A row that was cut off, by a kill or a full disk, is
    ended before a continued file goes on.
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.writer = None
        self.keys = None
        self.append_header = True
        self.csv_file = None
        self._first = None  # the first row, while an old file is still in its place

    def on_train_begin(self, logs=None):
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        self._close()
        # The header and the first row take the place of an old file together.
        self._first = io.StringIO(newline="") if not self.append and os.path.isfile(self.filename) else None
        self.csv_file = (
            open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8") if self._first is None else None
        )
        if self.append and _is_cut_off(self.filename):
            self.csv_file.write("\n")
        self.keys = None

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if self.keys and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        if self.writer is None:
            self._write_to(self.csv_file if self._first is None else self._first, self.append_header)
        self.writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}})
        if self._first is not None:
            self._replace_old_file()
        self.csv_file.flush()

    def _write_to(self, file, header):
        self.writer = csv.DictWriter(file, fieldnames=["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
        if header:
            self.writer.writeheader()

    def _replace_old_file(self):
        text, self._first = self._first.getvalue(), None
        write_bytes(text.encode(), self.filename)
        self.csv_file = open(self.filename, "a", newline="", encoding="utf-8")
        self._write_to(self.csv_file, header=False)

    def on_train_end(self, logs=None):
        self._close()

    def _on_interrupt(self):
        self._close()

    def _close(self):
        if self.csv_file is not None and not self.csv_file.closed:
            self.csv_file.close()
        self.writer = None


def _is_cut_off(path) -> bool:
    """Whether the last line of a file has no end."""
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _cell(value):
    if isinstance(value, Iterable) and not isinstance(value, str) and not (isinstance(value, np.ndarray) and value.ndim == 0):
        return f'"[{", ".join(map(str, value))}]"'
    return value
