"""CIFAR-10: 60,000 colour pictures of 10 classes."""

from __future__ import annotations

import os

from kerasgpu.datasets.cifar import assemble
from kerasgpu.utils.files import get_file

_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data():
    """((x_train, y_train), (x_test, y_test)): images uint8 (50000 and 10000, 32, 32, 3), labels uint8 (n, 1)."""
    origin = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    path = get_file("cifar-10-batches-py-target", origin=origin, extract=True, file_hash=_SHA256)
    folder = os.path.join(path, "cifar-10-batches-py")
    return assemble(folder, [f"data_batch_{k}" for k in range(1, 6)], "test_batch", "labels")
