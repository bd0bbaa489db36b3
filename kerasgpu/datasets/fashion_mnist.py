"""Fashion-MNIST: 70,000 pictures of clothes (Zalando Research, MIT licence)."""

from __future__ import annotations

import gzip

import numpy as np

from kerasgpu.datasets.arrays import FOLDER
from kerasgpu.utils.files import get_file

_FILES = ("train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz")


def load_data():
    """((x_train, y_train), (x_test, y_test)): images uint8 (60000 and 10000, 28, 28), labels uint8 0 to 9."""
    paths = [get_file(f, origin=FOLDER + f, cache_subdir="datasets/fashion-mnist") for f in _FILES]
    y_train, x_train, y_test, x_test = (_idx(p) for p in paths)
    return (x_train, y_train), (x_test, y_test)


def _idx(path):
    """An array in the IDX format: two zero bytes, type (8: uint8), rank, sizes, data."""
    with gzip.open(path, "rb") as f:
        data = f.read(1 << 28)
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of bytes")
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, "uint8", offset=4 + 4 * rank).reshape([int(n) for n in shape])
