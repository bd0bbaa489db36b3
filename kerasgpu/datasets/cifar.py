"""What CIFAR-10 and CIFAR-100 share: batches of 32x32 pictures (Krizhevsky 2009)."""

from __future__ import annotations

import os

import numpy as np

from kerasgpu import config
from kerasgpu.datasets.arrays import unpickle


def load_batch(path, label_key):
    """(images uint8 (n, 3, 32, 32), labels) of one file."""
    with open(path, "rb") as f:
        batch = unpickle(f.read(), encoding="bytes")
    data, labels = batch[b"data"], batch[label_key.encode()]
    return np.asarray(data, "uint8").reshape(-1, 3, 32, 32), np.asarray(labels, "uint8")


def assemble(folder, train_files, test_file, label_key):
    """((x_train, y_train), (x_test, y_test)) in the default data format, labels (n, 1)."""
    train = [load_batch(os.path.join(folder, f), label_key) for f in train_files]
    x_train, y_train = (np.concatenate(parts) for parts in zip(*train))
    x_test, y_test = load_batch(os.path.join(folder, test_file), label_key)
    if config.image_data_format() == "channels_last":
        x_train, x_test = (np.ascontiguousarray(x.transpose(0, 2, 3, 1)) for x in (x_train, x_test))
    return (x_train, y_train[:, None]), (x_test, y_test[:, None])
