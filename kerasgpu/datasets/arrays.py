"""Reading `.npz` archives and pickled batches without running anything that is in them."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np

from kerasgpu import config
from kerasgpu.utils.files import get_file

FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}


class _ArraysOnly(pickle.Unpickler):
    """Unpickles NumPy arrays, lists, numbers and text; any other class is refused."""

    def find_class(self, module, name):
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"the file asks for {module}.{name}; only arrays are read")
        return super().find_class(module, name)


def unpickle(data: bytes, **kwargs):
    """The arrays, lists and numbers in a pickle; anything else raises ValueError."""
    try:
        return _ArraysOnly(io.BytesIO(data), **kwargs).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError) as error:
        raise ValueError(f"not a readable data file: {error}") from None


def read_npz(path, names) -> list:
    """The named arrays of an `.npz` file, arrays of Python lists included."""
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                data = archive.read(f"{name}.npy")
                stream = io.BytesIO(data)
                version = np.lib.format.read_magic(stream)
                read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read_header(stream)
                if dtype.hasobject:
                    found.append(np.asarray(unpickle(data[stream.tell() :], encoding="latin1")).reshape(shape))
                    continue
                count = int(np.prod(shape, dtype=object))
                if count * dtype.itemsize > len(data):
                    raise ValueError(f"{name} declares {count} values of {dtype} and stores {len(data)} bytes")
                found.append(np.load(io.BytesIO(data), allow_pickle=False))
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise ValueError(f"{path} is not the expected data file: {error}") from None
    return found


def fetch(fname, sha256, check=None, origin=None):
    """The cached file if it is what it should be, else a fresh download.

    A file in the cache counts if it has the published digest or if `check(path)` accepts its content: the same arrays, packed by
    another tool, have another digest.
    """
    path = os.path.join(config.keras_home(), "datasets", fname)
    if check is not None and os.path.exists(path):
        try:
            check(path)
            return path
        except ValueError:
            pass
    return get_file(fname, origin=origin or FOLDER + os.path.basename(fname), file_hash=sha256)


def shuffled_split(x, y, test_split, seed):
    """((x_train, y_train), (x_test, y_test)) after a shuffle that depends on the seed alone."""
    if not 0 <= test_split < 1:
        raise ValueError(f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive of 1).")
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])
