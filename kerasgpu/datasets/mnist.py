"""MNIST: 70,000 handwritten digits (LeCun, Cortes & Burges; CC BY-SA 3.0)."""

from __future__ import annotations

from kerasgpu.datasets.arrays import fetch, read_npz

_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path="mnist.npz"):
    """((x_train, y_train), (x_test, y_test)): images uint8 (60000 and 10000, 28, 28), labels uint8.

    From the cache, KERAS_HOME/datasets/mnist.npz (~/.keras by default), else downloaded.
    """
    arrays = _read(fetch(path, _SHA256, check=_read))
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def _read(path):
    arrays = read_npz(path, ("x_train", "y_train", "x_test", "y_test"))
    shapes = [a.shape for a in arrays]
    if shapes != [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)] or any(a.dtype != "uint8" for a in arrays):
        raise ValueError(f"{path} does not hold MNIST: shapes {shapes}")
    return arrays
