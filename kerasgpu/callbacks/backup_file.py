"""The file of BackupAndRestore: a training between two steps, in one file that is complete or not there.

latest.backup           a zip archive, whose checksums tell damage
    training.json       where the training is; {"__array__": k} stands for an array
    arrays.npz          those arrays, each once
    model.weights.h5    variables of the model and its optimizer, as save_weights() writes them
latest.backup.previous  the backup before it
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
import zlib

import numpy as np

from kerasgpu.config.atomic_files import remove_stale, replacing, sync_folder

NAME = "latest.backup"
PREVIOUS = "latest.backup.previous"
_TRAINING, _ARRAYS, _WEIGHTS = "training.json", "arrays.npz", "model.weights.h5"
_MARK = "__array__"
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError)


def write(folder, training: dict, weights) -> None:
    """Write the newest backup; the one before it stays as the previous one."""
    arrays: list = []
    known: dict = {}
    text = json.dumps(_encoded(training, arrays, known))
    packed = io.BytesIO()
    np.savez(packed, *arrays)
    path = os.path.join(folder, NAME)
    with replacing(path) as handle:
        with zipfile.ZipFile(handle, "w") as archive:
            archive.writestr(_TRAINING, text)
            archive.writestr(_ARRAYS, packed.getbuffer())
            archive.writestr(_WEIGHTS, weights)
        handle.flush()
        os.fsync(handle.fileno())
        # Between the two renames only the previous backup is there, and it is a whole one.
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, os.path.join(folder, PREVIOUS))


def read(folder):
    """(training, bytes of the weights file, what was wrong with newer backups) of the newest one that is whole; None if there is none.

    Raises ValueError if there are backups, and none is whole.
    """
    remove_stale(folder)
    wrong = []
    for name in (NAME, PREVIOUS):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                parts = [archive.read(member) for member in (_TRAINING, _ARRAYS, _WEIGHTS)]
            with np.load(io.BytesIO(parts[1]), allow_pickle=False) as arrays:
                training = _decoded(json.loads(parts[0]), [arrays[f"arr_{k}"] for k in range(len(arrays.files))])
            return training, parts[2], wrong
        except _DAMAGE as error:
            wrong.append(f"{path}: {error}")
    if wrong:
        raise ValueError(
            f"No backup in {folder} can be read ({'; '.join(wrong)}). Remove the folder to train from the beginning"
        )
    return None


def remove(folder) -> None:
    """Remove the backups, the older one first: as long as one is there, training goes on from it."""
    for name in (PREVIOUS, NAME):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder, name))
    sync_folder(folder)


def _encoded(x, arrays, known):
    if isinstance(x, dict):
        return {str(key): _encoded(value, arrays, known) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_encoded(value, arrays, known) for value in x]
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    array = np.asarray(x)
    name = array.dtype.name
    if name == "bfloat16":  # NumPy's own files do not know it
        array = array.view("uint16")
    key = (name, array.shape, array.tobytes())
    if key not in known:
        known[key] = len(arrays)
        arrays.append(array)
    return {_MARK: known[key], "dtype": name}


def _decoded(x, arrays):
    if isinstance(x, list):
        return [_decoded(value, arrays) for value in x]
    if not isinstance(x, dict):
        return x
    if _MARK not in x:
        return {key: _decoded(value, arrays) for key, value in x.items()}
    array = arrays[x[_MARK]]
    if x["dtype"] == "bfloat16":
        import ml_dtypes

        array = array.view(ml_dtypes.bfloat16)
    return array
