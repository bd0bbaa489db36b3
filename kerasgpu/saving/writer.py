"""Writes model files; atomic.py has why a kill or a full disk leaves the old ones as they were."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import tempfile
import zipfile

import numpy as np

from kerasgpu.config.atomic_files import replacing
from kerasgpu.configs.serialization import ObjectSharingScope, serialize_keras_object
from kerasgpu.saving.reader import ASSETS, CONFIG, METADATA, WEIGHTS
from kerasgpu.saving.walk import check_complete, walk

# The version of Keras whose format is written; Keras reads it from the metadata.
KERAS_FORMAT = "3.15.1"


class Entry:
    """The mapping that `save_own_variables` fills: one HDF5 group."""

    def __init__(self, file, path, name):
        self._file, self.path = file, f"{path}/vars" if path else "vars"
        self._group = None
        if name is not None:
            self._make().attrs["name"] = name

    def _make(self):
        if self._group is None:
            self._group = self._file.create_group(self.path)
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


def weights_bytes(model, skip=()) -> memoryview:
    """The `.weights.h5` file of a model (and its optimizer). It is made in memory: no half-written HDF5 file can result."""
    import h5py

    target = io.BytesIO()
    with h5py.File(target, "w") as file:

        def save(x, path):
            if hasattr(x, "save_own_variables"):
                x.save_own_variables(Entry(file, path, x.name if isinstance(getattr(x, "name", None), str) else None))

        visited = {id(o) for o in skip}
        walk(model, save, visited=visited)
        check_complete(model, visited)
    return target.getbuffer()


def model_json(model) -> tuple[str, str]:
    """(config.json, metadata.json) of a model."""
    with ObjectSharingScope():
        config = json.dumps(serialize_keras_object(model))
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return config, json.dumps({"keras_version": KERAS_FORMAT, "date_saved": now})


def assets_of(model) -> dict:
    """{member name: bytes}: what the layers' save_assets() methods wrote, each into a folder of its own."""
    found = {}

    def collect(x, path):
        if not hasattr(x, "save_assets"):
            return
        with tempfile.TemporaryDirectory() as folder:
            x.save_assets(folder)
            for label in sorted(os.listdir(folder)):
                full = os.path.join(folder, label)
                if not os.path.isfile(full):
                    raise ValueError(
                        f"{x}: save_assets() made the folder {label!r}; only files directly in the folder given to it are kept"
                    )
                with open(full, "rb") as handle:
                    found["/".join(p for p in (ASSETS, path, label) if p)] = handle.read()

    walk(model, collect)
    return found


def members(model) -> dict:
    """{member name: bytes} of a saved model."""
    config, metadata = model_json(model)
    return {METADATA: metadata.encode(), CONFIG: config.encode(), WEIGHTS: weights_bytes(model), **assets_of(model)}


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
    """Write the same members as plain files into a folder. All are complete on disk before the first one takes its place."""
    parts = members(model)
    with contextlib.ExitStack() as stack:
        for name, data in reversed(parts.items()):
            handle = stack.enter_context(replacing(os.path.join(path, *name.split("/"))))
            handle.write(data)
            handle.flush()
