"""Makes model files, changes them as an attacker would, and checks how loading them ends."""

import io
import json
import zipfile

import h5py
import numpy as np

import kerasgpu as keras


def model():
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="one"), keras.layers.Dense(2, name="two")])
    made.compile("adam", "mse")
    made.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    return made


def parts(made=None) -> dict:
    """{member name: bytes} of a saved model."""
    buffer = io.BytesIO()
    keras.saving.save_model(made or model(), buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {n: archive.read(n) for n in archive.namelist()}


def pack(members, path, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, data)
    return path


def with_config(path, change, members=None):
    """A model file whose config was changed: `change` edits it in place, or returns another one."""
    members = dict(members or parts())
    config = json.loads(members["config.json"])
    changed = change(config)
    members["config.json"] = json.dumps(config if changed is None else changed).encode()
    return pack(members, path)


def with_layer(path, layer):
    """A model file with this config in place of its second layer's."""
    return with_config(path, lambda c: c["config"]["layers"].__setitem__(1, layer))


def with_weights(path, change, members=None):
    """A model file whose HDF5 weights were changed in place."""
    members = dict(members or parts())
    buffer = io.BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        change(file)
    members["model.weights.h5"] = buffer.getvalue()
    return pack(members, path)
