"""The only code that opens model files. Everything in a file is untrusted until it has passed through here.

Rules (docs/security.md explains each): parse to plain data, check, then use; nothing is extracted to disk; no member name is a
path; only hard links, fixed numeric dtypes and gzip in HDF5; declared sizes are compared with stored bytes before memory is
asked for; what a config builds may not need more memory than the file can fill.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile

import numpy as np

from kerasgpu.engine import state

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"
MAX_JSON_BYTES = 64 << 20
MAX_JSON_DEPTH = 200
MAX_MEMBERS = 10_000
MAX_ASSET_BYTES = 1 << 30
# Deflate cannot shrink data by more than about 1032; weights are stored uncompressed, so far less is plenty.
MAX_EXPANSION = 1100
SMALL = 1 << 20  # below this a size is harmless whatever it was stored as
DTYPES = frozenset(
    "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 bfloat16 float8_e4m3fn float8_e5m2".split()
)


class BadModelFile(ValueError):
    """A model file that is damaged, hostile, or of a kind that is not read."""


def parse_json(data: bytes, what: str):
    """Plain data from JSON text, of limited size and depth."""
    if len(data) > MAX_JSON_BYTES:
        raise BadModelFile(f"{what}: {len(data)} bytes of JSON, more than the {MAX_JSON_BYTES} that are read")
    depth = deepest = 0
    inside = escaped = False
    for c in data.decode("utf-8", errors="replace"):
        if inside:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                inside = False
        elif c == '"':
            inside = True
        elif c in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif c in "]}":
            depth -= 1
    if deepest > MAX_JSON_DEPTH:
        raise BadModelFile(f"{what}: JSON nested {deepest} levels deep; at most {MAX_JSON_DEPTH} are read")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadModelFile(f"{what} is not valid JSON: {error}") from None


class ModelFile:
    """A `.keras` file (path or file object) or a folder with the same members, opened for reading.

    Attributes: `config`, `metadata` (plain data), `weights` (a WeightsReader or None). Use as a context manager.
    """

    def __init__(self, source):
        self.name = str(source) if isinstance(source, (str, os.PathLike)) else "the model file"
        self._zip = None
        self.weights = None
        if isinstance(source, (str, os.PathLike)) and os.path.isdir(source):
            self._root = os.path.realpath(source)
            self._sizes = {n: os.path.getsize(os.path.join(self._root, n)) for n in os.listdir(self._root) if self._plain_file(n)}
        else:
            self._root = None
            self._open_zip(source)
        try:
            if CONFIG not in self._sizes:
                raise BadModelFile(f"{self.name} has no {CONFIG}: it is not a model saved by Keras 3 or kerasgpu")
            self.config = parse_json(self._read(CONFIG, MAX_JSON_BYTES), f"{CONFIG} of {self.name}")
            self.metadata = parse_json(self._read(METADATA, MAX_JSON_BYTES), METADATA) if METADATA in self._sizes else {}
            if WEIGHTS in self._sizes:
                self.weights = WeightsReader(io.BytesIO(self._read(WEIGHTS, None)), f"{WEIGHTS} of {self.name}")
        except BaseException:
            self.close()
            raise

    def _plain_file(self, name):
        path = os.path.join(self._root, name)
        return os.path.isfile(path) and not os.path.islink(path)

    def _open_zip(self, source):
        try:
            self._zip = zipfile.ZipFile(source, "r")
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise BadModelFile(f"{self.name} is not a readable .keras file (a zip archive): {error}") from None
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            raise BadModelFile(f"{self.name} has {len(members)} members; at most {MAX_MEMBERS} are read")
        self._sizes = {}
        for m in members:
            name = m.filename
            parts = name.split("/")
            if not name or name.startswith("/") or "\\" in name or ":" in name or ".." in parts or "\0" in name:
                raise BadModelFile(f"{self.name} has a member with the unsafe name {name!r}")
            if stat.S_ISLNK(m.external_attr >> 16):
                raise BadModelFile(f"{self.name} has the symbolic link {name!r} as a member")
            if name in self._sizes:
                raise BadModelFile(f"{self.name} has the member {name!r} twice")
            if m.flag_bits & 1:
                raise BadModelFile(f"{self.name}: member {name!r} is encrypted")
            self._sizes[name] = m.file_size

    def _read(self, name, limit) -> bytes:
        size = self._sizes[name]
        if limit is not None and size > limit:
            raise BadModelFile(f"{self.name}: {name} declares {size} bytes; at most {limit} are read")
        if self._zip is None:
            with open(os.path.join(self._root, name), "rb") as f:
                return f.read()
        info = self._zip.getinfo(name)
        if size > SMALL and size > info.compress_size * MAX_EXPANSION:
            raise BadModelFile(f"{self.name}: {name} would expand from {info.compress_size} to {size} bytes; that is no model")
        try:
            with self._zip.open(info) as f:
                data = f.read(size + 1)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise BadModelFile(f"{self.name} is damaged: {name} cannot be read ({error})") from None
        if len(data) != size:
            raise BadModelFile(f"{self.name} is damaged: {name} has {len(data)} bytes, its entry says {size}")
        return data

    def assets(self, path: str) -> dict:
        """{relative name: bytes} of the asset files of one object; names are labels, never paths on disk."""
        prefix = "/".join(p for p in (ASSETS, path) if p) + "/"
        found = {}
        total = 0
        for name, size in self._sizes.items():
            if name.startswith(prefix) and not name.endswith("/"):
                total += size
                if total > MAX_ASSET_BYTES:
                    raise BadModelFile(f"{self.name}: more than {MAX_ASSET_BYTES} bytes of assets for {path!r}")
                found[name[len(prefix) :]] = self._read(name, MAX_ASSET_BYTES)
        return found

    def close(self):
        if self.weights is not None:
            self.weights.close()
        if self._zip is not None:
            self._zip.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class WeightsReader:
    """An HDF5 file of variables: `entry(path)` gives the variables of one object."""

    def __init__(self, source, name):
        import h5py

        self.name = name
        os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")  # no filter plug-ins from disk
        try:
            self._file = h5py.File(source, "r")
        except OSError as error:
            if isinstance(source, (str, os.PathLike)) and not os.path.exists(source):
                raise FileNotFoundError(f"{name} does not exist") from None
            raise BadModelFile(f"{name} is not a readable HDF5 file: {error}") from None
        if isinstance(source, (str, os.PathLike)):
            self.stored_bytes = os.path.getsize(source)
        else:
            self.stored_bytes = source.getbuffer().nbytes

    def _child(self, group, name):
        """A member of a group, only if it lies in this file."""
        import h5py

        try:
            link = group.get(name, getlink=True)
        except (KeyError, RuntimeError, OSError) as error:
            raise BadModelFile(f"{self.name} is damaged at {name!r}: {error}") from None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise BadModelFile(f"{self.name}: {name!r} is a soft or external link; only data in the file itself is read")
        try:
            return group[name]
        except (KeyError, RuntimeError, OSError) as error:
            raise BadModelFile(f"{self.name} is damaged at {name!r}: {error}") from None

    def group(self, path: str):
        """The group at a path of names, or None."""
        import h5py

        found = self._file
        for part in path.split("/") if path else ():
            found = self._child(found, part)
            if not isinstance(found, h5py.Group):
                return None
        return found

    def has(self, path: str) -> bool:
        return self.group(path) is not None

    def entry(self, path: str) -> Entry:
        group = self.group(f"{path}/vars" if path else "vars")
        if group is None and self.group("_layer_checkpoint_dependencies") is not None:  # files of Keras 2.13
            group = self.group(f"{path.replace('layers', '_layer_checkpoint_dependencies', 1)}/vars")
        return Entry(self, group, path)

    def read(self, group, key):
        """One variable as a NumPy array, after every check."""
        import h5py

        data = self._child(group, key)
        where = f"{self.name}, {getattr(group, 'name', '')}/{key}"
        if not isinstance(data, h5py.Dataset):
            raise BadModelFile(f"{where} is not a variable")
        if data.is_virtual or data.external:
            raise BadModelFile(f"{where} takes its data from another file; only data in the file itself is read")
        filters = data.id.get_create_plist()
        for k in range(filters.get_nfilters()):
            code = filters.get_filter(k)[0]
            if code not in (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32):
                raise BadModelFile(f"{where} uses HDF5 filter {code}; only gzip, shuffle and checksums are read")
        dtype = data.dtype
        label = data.attrs.get("dtype")
        bfloat = label in ("bfloat16", b"bfloat16")
        if dtype.name not in DTYPES and not (bfloat and dtype.itemsize == 2):
            raise BadModelFile(f"{where} has dtype {dtype}; variables are numbers of fixed size")
        declared = int(np.prod(data.shape, dtype=object)) * dtype.itemsize if data.shape else dtype.itemsize
        stored = data.id.get_storage_size()
        compressed = filters.get_nfilters() > 0
        if declared > SMALL and declared > stored * (MAX_EXPANSION if compressed else 1):
            raise BadModelFile(f"{where} declares {declared} bytes and stores {stored}; nothing is allocated for it")
        try:
            value = data[()]
        except (OSError, ValueError, RuntimeError) as error:
            raise BadModelFile(f"{where} is damaged: {error}") from None
        value = np.asarray(value)
        if bfloat and value.dtype.name != "bfloat16":
            import ml_dtypes

            value = value.view(ml_dtypes.bfloat16) if value.dtype.itemsize == 2 else value.astype(ml_dtypes.bfloat16)
        return value

    def attributes(self, group) -> dict:
        return dict(group.attrs)

    def close(self):
        self._file.close()


class Entry:
    """The variables of one object in a weights file, as a read-only mapping for `load_own_variables`."""

    def __init__(self, reader, group, path):
        self._reader = reader
        self._group = group
        self.path = path

    def keys(self):
        return list(self._group.keys()) if self._group is not None else []

    def __len__(self):
        return len(self.keys())

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return self._group is not None and key in self._group

    def __getitem__(self, key):
        if self._group is None or not isinstance(key, str) or "/" in key:
            raise KeyError(key)
        if key not in self._group:
            raise KeyError(f"{self.path or 'the model'} has no variable {key!r} in {self._reader.name}")
        return self._reader.read(self._group, key)


class variable_budget:
    """Context manager: variables made inside may not need more than `limit` bytes together; checked before they are allocated."""

    def __init__(self, limit: int, name: str):
        self.limit, self.name = limit, name
        self.used = 0

    def take(self, shape, dtype_bytes):
        n = dtype_bytes
        for d in shape:
            n *= d
        self.used += n
        if self.used > self.limit:
            raise BadModelFile(
                f"{self.name}: its config asks for variables of {self.used} bytes or more, but the file stores too little to fill "
                f"them (limit {self.limit}); the config does not belong to these weights"
            )

    def __enter__(self):
        self._before, state.variable_budget = state.variable_budget, self
        return self

    def __exit__(self, *exc):
        state.variable_budget = self._before


def budget_for(file: ModelFile) -> variable_budget:
    """What a model of this file may allocate: a few times what is stored (state that is not saved), and a little for small ones."""
    stored = file.weights.stored_bytes if file.weights is not None else 0
    return variable_budget(8 * stored + (64 << 20), file.name)
