"""Writes model files. A file appears under its name only when it is complete: a full disk leaves the old one as it was."""

from __future__ import annotations

import datetime
import io
import json
import os
import tempfile
import zipfile

import numpy as np

from kerasgpu.saving.reader import ASSETS, CONFIG, METADATA, WEIGHTS
from kerasgpu.saving.walk import walk

# The version of Keras whose format is written; Keras reads it from the metadata.
KERAS_FORMAT = "3.15.1"


class _Entry:
    """The mapping that `save_own_variables` fills: one HDF5 group."""

    def __init__(self, file, path, name):
        self._file, self._path = file, f"{path}/vars" if path else "vars"
        self._group = None
        if name is not None:
            self._make().attrs["name"] = name

    def _make(self):
        if self._group is None:
            self._group = self._file.create_group(self._path)
        return self._group

    def __setitem__(self, key, value):
        value = np.asarray(value)
        if value.dtype.name == "bfloat16":
            self._make().create_dataset(key, data=value.view("uint16").view("V2")).attrs["dtype"] = "bfloat16"
        else:
            self._make()[key] = value

    def __getitem__(self, key):
        return self._make()[key]

    def __delitem__(self, key):
        del self._make()[key]

    def __contains__(self, key):
        return self._group is not None and key in self._group

    def keys(self):
        return list(self._group.keys()) if self._group is not None else []

    def __len__(self):
        return len(self.keys())


def write_weights(model, target, skip=()) -> None:
    """Write the variables of a model (and its optimizer) to an HDF5 file: a path or a binary file object."""
    import h5py

    with h5py.File(target, "w") as file:

        def save(x, path):
            if hasattr(x, "save_own_variables"):
                x.save_own_variables(_Entry(file, path, x.name if isinstance(getattr(x, "name", None), str) else None))

        walk(model, save, visited={id(o) for o in skip})


def model_json(model) -> tuple[str, str]:
    """(config.json, metadata.json) of a model."""
    from kerasgpu.saving.serialization import ObjectSharingScope, serialize_keras_object

    with ObjectSharingScope():
        config = json.dumps(serialize_keras_object(model))
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return config, json.dumps({"keras_version": KERAS_FORMAT, "date_saved": now})


def assets_of(model) -> dict:
    """{member name: bytes}: what the layers' save_assets() methods wrote."""
    found = {}

    def collect(x, path):
        if not hasattr(x, "save_assets"):
            return
        with tempfile.TemporaryDirectory() as folder:
            x.save_assets(folder)
            for root, _, files in os.walk(folder):
                for f in files:
                    full = os.path.join(root, f)
                    label = os.path.relpath(full, folder).replace(os.sep, "/")
                    with open(full, "rb") as handle:
                        found["/".join(p for p in (ASSETS, path, label) if p)] = handle.read()

    walk(model, collect)
    return found


def members(model) -> dict:
    """{member name: bytes} of a saved model."""
    config, metadata = model_json(model)
    weights = io.BytesIO()
    write_weights(model, weights)
    return {METADATA: metadata.encode(), CONFIG: config.encode(), WEIGHTS: weights.getvalue(), **assets_of(model)}


def write_zip(model, target) -> None:
    """Write a `.keras` file to a path (atomically) or a binary file object."""
    parts = members(model)
    if isinstance(target, (str, os.PathLike)):
        with replacing(target) as handle:
            _zip_into(parts, handle)
    else:
        _zip_into(parts, target)


def _zip_into(parts, handle):
    with zipfile.ZipFile(handle, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def write_folder(model, path) -> None:
    """Write the same members as plain files into a folder."""
    parts = members(model)
    os.makedirs(path, exist_ok=True)
    for name, data in parts.items():
        full = os.path.join(path, *name.split("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with replacing(full) as handle:
            handle.write(data)


class replacing:
    """Context manager: a binary file that takes the place of `path` when the block ends without an error."""

    def __init__(self, path):
        self.path = os.fspath(path)

    def __enter__(self):
        folder = os.path.dirname(os.path.abspath(self.path))
        os.makedirs(folder, exist_ok=True)
        handle, self._temporary = tempfile.mkstemp(prefix=".saving-", dir=folder)
        self._file = os.fdopen(handle, "wb")
        return self._file

    def __exit__(self, kind, error, trace):
        try:
            self._file.flush()
            self._file.close()
            if kind is None:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(self._temporary, 0o666 & ~mask)
                os.replace(self._temporary, self.path)
                return
        except OSError:
            self._discard()
            raise
        self._discard()

    def _discard(self):
        if not self._file.closed:
            try:
                self._file.close()
            except OSError:
                pass
        if os.path.exists(self._temporary):
            os.unlink(self._temporary)
