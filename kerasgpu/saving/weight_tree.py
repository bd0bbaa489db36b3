"""A weights file as nested dicts, {"layers": {"dense": {"0": array, "1": array}}}, for those who want to edit it.

Objects are dicts, weights are arrays. In the file the weights of an object lie in its group "vars"; the dict of the object holds
them next to the objects below it. Objects without weights are left out.
"""

from __future__ import annotations

import io

import numpy as np

from kerasgpu.saving.limits import DTYPES, HARMLESS, MAX_JSON_DEPTH, BadModelFile
from kerasgpu.saving.walk import is_saveable, walk
from kerasgpu.saving.writer import Entry

OWN = "vars"  # the group of an object's own weights


def read_tree(weights) -> tuple[dict, dict]:
    """(weights as nested dicts, {"/layers/dense": attributes of the object}) from a WeightsReader."""
    # No model says how large its variables are, so the file does: all of them together are bounded by what it stores.
    weights.left = 8 * weights.stored_bytes + HARMLESS
    metadata: dict = {}
    return _Reading(weights, metadata).object(weights.group(""), "", 0), metadata


def _is_group(x) -> bool:
    import h5py

    return isinstance(x, h5py.Group)


class _Reading:
    def __init__(self, file, metadata):
        self._file, self._metadata = file, metadata
        self._seen: set = set()

    def object(self, group, path, depth) -> dict:
        """One object: its own weights, and the objects below it."""
        if depth > MAX_JSON_DEPTH:
            raise BadModelFile(f"{self._file.name}: objects nested more than {MAX_JSON_DEPTH} levels deep are not read")
        self._once(group, path)
        attributes = self._file.attributes(group)
        members = dict(self._members(group))
        own = members.pop(OWN, None)
        found: dict = {}  # weights
        below: dict = {}  # objects
        for name, x in members.items():
            self._put(x, group, name, found, below, path, depth)
        if own is not None and not _is_group(own):
            found[OWN] = self._weight(own, group, OWN, path)  # a weight that happens to have this name
        elif own is not None:
            self._once(own, f"{path}/{OWN}")
            attributes |= self._file.attributes(own)
            deeper: dict = {}
            for name, x in self._members(own):
                self._put(x, own, name, found, deeper, f"{path}/{OWN}" if _is_group(x) else path, depth)
            if deeper:  # an object whose name is "vars"
                below[OWN] = deeper
        both = found.keys() & below.keys()
        if both:
            raise BadModelFile(f"{self._file.name}: {path or '/'} has both a weight and an object with the name {min(both)!r}")
        found.update(below)
        if found and attributes:
            self._metadata[path] = attributes
        return found

    def _members(self, group):
        """(name, group or variable) of what lies in a group; anything else is passed over."""
        import h5py

        for name in self._file.keys(group):
            x = self._file.child(group, name)
            if isinstance(x, (h5py.Group, h5py.Dataset)):
                yield name, x

    def _put(self, x, group, name, found, below, path, depth):
        if not _is_group(x):
            found[name] = self._weight(x, group, name, path)
        else:
            inner = self.object(x, f"{path}/{name}", depth + 1)
            if inner:
                below[name] = inner

    def _weight(self, x, group, name, path):
        self._once(x, f"{path}/{name}")
        return self._file.read(group, name)

    def _once(self, x, path):
        """Objects of a model are no two places at once; a file in which they are could be walked forever."""
        place = self._file.place(x)
        if place in self._seen:
            raise BadModelFile(f"{self._file.name}: {path or '/'} is in the file under another name too")
        self._seen.add(place)


def tree_bytes(tree) -> memoryview:
    """The weights file of nested dicts, made in memory. Raises ValueError for what no weights file holds."""
    import h5py

    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        _write(file, tree, "")
    return target.getbuffer()


def _write(file, tree, path):
    own = Entry(file, path, None)
    for name, value in tree.items():
        where = f"{path}/{name}"
        if not isinstance(name, str) or name in ("", ".") or any(c in name for c in "/\0"):
            raise ValueError(f"{where!r}: names of objects and weights are texts without '/'. Received: {name!r}")
        if isinstance(value, dict):
            continue
        array = np.asarray(value)
        if array.dtype.name not in DTYPES:
            raise ValueError(f"{where!r} cannot be saved: weights are arrays of numbers. Received: {value!r}")
        own[name] = array
    for name, value in tree.items():
        if isinstance(value, dict):
            _write(file, value, f"{path}/{name}" if path else name)


def tree_of_model(model) -> dict:
    """The variables of a model (and its optimizer) in the same nesting, each as whatever its object wants to save."""
    if not is_saveable(model):
        raise ValueError(f"Expected a model or layer to compare with. Received: {model!r} of type {type(model).__name__}")
    tree: dict = {}

    def add(x, path):
        own: dict = {}
        if hasattr(x, "save_own_variables"):
            x.save_own_variables(own)
        if own:
            at = tree
            for part in path.split("/") if path else ():
                at = at.setdefault(part, {})
            at.update({name: own[name] for name in sorted(own)})

    walk(model, add)
    return tree
