"""The part of the reader that opens HDF5 files: weights of Keras 3, and whole models in the legacy format.

Only what lies in the file itself is read, as numbers of a fixed list of dtypes. Sizes that a file declares are compared with
the bytes it stores, and with the model's variables, before memory is asked for.
"""

from __future__ import annotations

import contextlib
import math
import os
import warnings

import numpy as np

from kerasgpu.saving.hdf5_structure import Object, Structure
from kerasgpu.saving.json_text import parse_json
from kerasgpu.saving.limits import DTYPES, HARMLESS, MAX_JSON_BYTES, MAX_MEMBERS, SMALL, BadModelFile

_OLDEST_TRUSTED = (1, 14, 4)  # older libraries have published memory errors on malformed files


def _library():
    # The variable keeps filter plug-ins from being searched on disk; the library reads it when it is loaded.
    os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")
    import h5py

    if tuple(h5py.version.hdf5_version_tuple) < _OLDEST_TRUSTED:
        warnings.warn(
            f"h5py uses HDF5 {h5py.version.hdf5_version}, which has known memory errors on malformed files. Load files from "
            "strangers only after `pip install -U h5py`",
            stacklevel=3,
        )
    return h5py


@contextlib.contextmanager
def _damage_at(where):
    """Turn what h5py raises on damaged files into one sentence."""
    try:
        yield
    except BadModelFile:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise BadModelFile(f"{where} is damaged: {error}") from None


class Hdf5File:
    """An HDF5 file opened for reading: a path, or an in-memory binary file."""

    def __init__(self, source, name):
        h5py = _library()
        self.name = name
        self.largest = None  # bytes of the largest variable of the model, once it is known
        self.left = None  # bytes that may still be read, if there is a limit
        on_disk = isinstance(source, (str, os.PathLike))
        if on_disk and not os.path.exists(source):
            raise FileNotFoundError(f"{name} does not exist")
        self._structure = Structure(source, name)
        try:
            self._file = h5py.File(source, "r")
        except (OSError, RuntimeError, ValueError, KeyError, MemoryError, OverflowError) as error:
            self._structure.close()
            raise BadModelFile(f"{name} is not a readable HDF5 file: {error}") from None
        self.stored_bytes = os.path.getsize(source) if on_disk else source.getbuffer().nbytes

    def child(self, group, name):
        """A member of a group if it lies in this file, None if there is none. Links to elsewhere are refused, not followed."""
        h5py = _library()
        if not isinstance(name, str) or name in ("", ".") or "/" in name or "\0" in name:
            raise BadModelFile(f"{self.name}: {name!r} is not the name of a member")
        key = name.encode("utf-8", errors="surrogateescape")
        with _damage_at(f"{self.name}, {name!r}"):
            # h5py's `name in group` would open the target of an external link; this does not.
            if not group.id.links.exists(key):
                return None
            kind = group.id.links.get_info(key).type
            if kind != h5py.h5l.TYPE_HARD:
                label = {h5py.h5l.TYPE_SOFT: "a SoftLink", h5py.h5l.TYPE_EXTERNAL: "an ExternalLink"}.get(kind, "a link")
                raise BadModelFile(f"{self.name}: {name!r} is {label}; only data in the file itself is read")
            address = self._walked(group).links.get(key)
            if address is None:
                raise BadModelFile(f"{self.name} is damaged: {name!r} is in the index of a group and not in its list")
            self._structure.object(address)  # before the library follows it
            return group[name]

    def _walked(self, x) -> Object:
        """What the walk of the file's structure found about an open object."""
        return self._structure.object(_library().h5o.get_info(x.id).addr)

    def group(self, path: str):
        """The group at a path of names, or None."""
        h5py = _library()
        found = self._file
        for part in path.split("/") if path else ():
            found = self.child(found, part)
            if not isinstance(found, h5py.Group):
                return None
        return found

    def keys(self, group) -> list:
        with _damage_at(f"{self.name}, the list of members of a group"):
            return list(group.keys())

    def read(self, group, key, largest=None):
        """One variable as a NumPy array, after every check. `largest`: bytes that it can have at most if it is compressed."""
        h5py = _library()
        data = self.child(group, key)
        where = f"{self.name}, {getattr(group, 'name', '')}/{key}"
        if not isinstance(data, h5py.Dataset):
            raise BadModelFile(f"{where} is not a variable")
        with _damage_at(where):
            bfloat = self._check(data, where, self.largest if largest is None else largest)
            self._structure.check_chunks(self._walked(data), where)
            value = np.asarray(data[()])
            if bfloat and value.dtype.name != "bfloat16":
                import ml_dtypes

                value = value.view(ml_dtypes.bfloat16) if value.dtype.kind == "V" else value.astype(ml_dtypes.bfloat16)
        return value

    def _check(self, data, where, largest):
        """Refuse everything but numbers that are really there; returns whether they are bfloat16."""
        h5py = _library()
        # Before anything else: on a virtual dataset even the filters would be those of another file.
        properties = data.id.get_create_plist()
        layout = properties.get_layout()
        if layout not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) or properties.get_external_count():
            raise BadModelFile(f"{where} takes its data from another file; only data in the file itself is read")
        allowed = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
        for k in range(properties.get_nfilters()):
            code = properties.get_filter(k)[0]
            if code not in allowed:
                raise BadModelFile(f"{where} uses HDF5 filter {code}; only gzip, shuffle and checksums are read")
        dtype = data.dtype
        bfloat = self.text(data, "dtype", 64) == b"bfloat16"
        if dtype.name not in DTYPES and not (bfloat and dtype.kind == "V" and dtype.names is None and dtype.itemsize == 2):
            raise BadModelFile(f"{where} has dtype {dtype}; variables are numbers of fixed size")
        if data.shape is None:
            raise BadModelFile(f"{where} is empty; variables have a shape")
        declared = _bytes(data.shape, dtype)
        # The storage size is a number in the file too; it cannot be more than the file.
        stored = min(data.id.get_storage_size(), self.stored_bytes)
        if declared > SMALL and declared > stored:
            if properties.get_nfilters() == 0 or (largest is not None and declared > largest):
                raise BadModelFile(f"{where} declares {declared} bytes and stores {stored}; nothing is allocated for it")
            if largest is None and declared > HARMLESS:
                raise BadModelFile(f"{where} would expand from {stored} to {declared} bytes; that is no model")
        if data.chunks is not None and _bytes(data.chunks, dtype) > max(16 * SMALL, declared):
            raise BadModelFile(f"{where} is stored in chunks of {_bytes(data.chunks, dtype)} bytes, more than all of it")
        if self.left is not None:
            self.left -= declared
            if self.left < 0:
                raise BadModelFile(f"{where}: the variables of this file declare far more bytes than it stores")
        return bfloat

    def text(self, group, name, limit=MAX_JSON_BYTES):
        """A text attribute as bytes, or None."""
        value = self._attribute(group, name, limit)
        if value is None:
            return None
        if isinstance(value, np.ndarray) and value.shape == ():
            value = value.item()
        value = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        if not isinstance(value, (bytes, np.bytes_)) or len(value) > limit:
            raise BadModelFile(f"{self.name}: attribute {name!r} is not a text")
        return bytes(value)

    def _attribute(self, group, name, limit, most=MAX_MEMBERS):
        with _damage_at(f"{self.name}, attribute {name!r}"):
            if name not in group.attrs:
                return None
            kind = group.attrs.get_id(name)
            # Declared sizes again: attributes lie in the file, so a fixed-size one cannot be larger than it.
            if kind.shape is None or _bytes(kind.shape, kind.dtype) > min(limit, self.stored_bytes):
                raise BadModelFile(f"{self.name}: attribute {name!r} declares more than the file stores")
            if kind.dtype.hasobject:
                count = math.prod(kind.shape)
                if _library().check_string_dtype(kind.dtype) is None or count > most:
                    raise BadModelFile(f"{self.name}: attribute {name!r} is not a text, and not a short list of texts")
                self._check_texts(group, name, count, limit)
            return group.attrs[name]

    def _check_texts(self, group, name, count, limit):
        key = name.encode("utf-8", errors="surrogateescape") if isinstance(name, str) else bytes(name)
        walked = self._walked(group).attributes.get(key)
        if walked is None or not walked.type.text or len(walked.references) != count:
            raise BadModelFile(f"{self.name}: attribute {name!r} is not a text, and not a short list of texts")
        total = self._structure.text_bytes(walked)
        if total > min(limit, self.stored_bytes):  # a text is stored for each reference, unless several share one
            raise BadModelFile(f"{self.name}: the {count} texts of attribute {name!r} need {total} bytes, more than are read")

    def attributes(self, group) -> dict:
        """All attributes of a group, {name: text or numbers}."""
        with _damage_at(f"{self.name}, the list of attributes of a group"):
            found = {name: self._attribute(group, name, MAX_JSON_BYTES, most=1) for name in group.attrs}
        return {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in found.items()}

    def place(self, x):
        """Where an object lies in the file: equal for two names of one object."""
        with _damage_at(f"{self.name}, {x.name!r}"):
            return _library().h5o.get_info(x.id).addr

    def names(self, group, name) -> list:
        """A list of texts in an attribute, or in name0, name1, ... when it was too long for one."""
        single = self._attribute(group, name, MAX_JSON_BYTES)
        parts = [single] if single is not None else []
        while single is None:
            part = self._attribute(group, f"{name}{len(parts)}", MAX_JSON_BYTES)
            if part is None:
                break
            parts.append(part)
        found = []
        for part in parts:
            for text in np.ravel(part).tolist():
                if isinstance(text, bytes):
                    text = text.decode("utf-8", "replace")
                if not isinstance(text, str):
                    raise BadModelFile(f"{self.name}: attribute {name!r} is not a list of names")
                found.append(text)
        return found

    def close(self):
        self._file.close()
        self._structure.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def _bytes(shape, dtype) -> int:
    n = dtype.itemsize
    for d in shape:
        n *= int(d)
    return n


class WeightsReader(Hdf5File):
    """A `.weights.h5` file: `entry(path)` gives the variables of one object."""

    def entry(self, path: str, largest=None) -> Entry:
        group = self.group(f"{path}/vars" if path else "vars")
        if group is None and path and self.group("_layer_checkpoint_dependencies") is not None:  # files of Keras 2.13
            group = self.group(f"{path.replace('layers', '_layer_checkpoint_dependencies', 1)}/vars")
        return Entry(self, group, path, largest)


class Entry:
    """The variables of one object in a weights file, as a read-only mapping for `load_own_variables`."""

    def __init__(self, reader, group, path, largest=None):
        self._reader = reader
        self._group = group
        self._largest = largest
        self._keys = reader.keys(group) if group is not None else []
        self.path = path

    def keys(self):
        return list(self._keys)

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return key in self._keys

    def get(self, key, default=None):
        return self[key] if key in self else default

    def items(self):
        return [(key, self[key]) for key in self._keys]

    def __getitem__(self, key):
        if key not in self._keys:
            raise KeyError(f"{self.path or 'the model'} has no variable {key!r} in {self._reader.name}")
        return self._reader.read(self._group, key, self._largest)


class LegacyFile(Hdf5File):
    """A whole model, or only weights, as Keras 2 wrote them: texts in attributes, one group per layer."""

    def json(self, name):
        """The plain data of a JSON attribute of the file, or None."""
        text = self.text(self._file, name)
        return None if text is None else parse_json(text, f"{name} of {self.name}")

    def weights_group(self):
        """The group that holds one group per layer."""
        return self.group("model_weights") or self._file

    def values(self, group) -> list:
        """[(name, array)] of a group with a list of weight names."""
        found = []
        for name in self.names(group, "weight_names"):
            *folders, last = [p for p in name.split("/") if p]
            below = group
            for folder in folders:
                below = self.child(below, folder)
                if below is None:
                    raise BadModelFile(f"{self.name} has no weight {name!r}, which its list of weights names")
            found.append((name, self.read(below, last)))
        return found
