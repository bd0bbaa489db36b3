"""Elements of a data set: nested tuples and dicts whose leaves are CPU tensors, or arrays of text."""

from __future__ import annotations

import numpy as np

from kerasgpu.engine import device as devices
from kerasgpu.engine import dtypes, nest
from kerasgpu.engine.tensor import Tensor, contiguous, to_array
from kerasgpu.engine.variable import Variable
from kerasgpu.kernels import launch

_ON_CPU = devices.device("cpu:0")


class Strings(np.ndarray):
    """Text in a NumPy array of str objects, with the `numpy()` of a tensor."""

    def numpy(self):
        return np.array(self, subok=False)

    def __array_finalize__(self, other):
        """Slices and copies are Strings too."""


class TensorSpec:
    """Shape and dtype of one part of the elements of a data set; None in the shape is a size that may change.

    Args:
        shape: tuple of ints and None.
        dtype: a Keras dtype name, or "string".
        name: optional.

    >>> import kerasgpu as keras
    >>> keras.data.TensorSpec((None, 3), "float32")
    TensorSpec(shape=(None, 3), dtype=float32, name=None)
    """

    def __init__(self, shape=None, dtype="float32", name=None):
        self.shape = None if shape is None else tuple(None if d is None else int(d) for d in shape)
        self.dtype = "string" if dtype in ("string", str, bytes) else dtypes.standardize_dtype(getattr(dtype, "name", dtype))
        self.name = name

    def __repr__(self):
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype}, name={self.name})"

    def __eq__(self, other):
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self):
        return hash((self.shape, self.dtype))

    def fits(self, leaf) -> bool:
        """Whether a leaf has this shape and dtype."""
        if dtype_of(leaf) != self.dtype:
            return False
        if self.shape is None:
            return True
        return len(leaf.shape) == len(self.shape) and all(d in (None, n) for d, n in zip(self.shape, leaf.shape))


def dtype_of(leaf) -> str:
    return leaf.dtype if isinstance(leaf, Tensor) else "string"


def spec_of(leaf):
    return None if leaf is None else TensorSpec(leaf.shape, dtype_of(leaf))


def to_leaf(x, dtype=None):
    """A CPU tensor, or Strings, of anything that holds numbers or text. Arrays keep their dtype and, where they can, their memory."""
    if x is None or isinstance(x, Strings):
        return x
    if isinstance(x, Variable):
        x = x.value
    if isinstance(x, Tensor):
        x = x if launch.is_host(x._data) else Tensor(devices.put(x._data, "cpu:0"), x.dtype)
        return x if dtype in (None, x.dtype) else Tensor(*to_array(x, dtype))
    if isinstance(x, (str, bytes)) or dtype == "string" or _is_text(x):
        return to_strings(x)
    with _ON_CPU:
        if isinstance(x, np.ndarray) and x.ndim == 0:
            x = np.array(x)
        array, name = to_array(x, dtype, copy=False)
    return Tensor(contiguous(array), name)


def _is_text(x) -> bool:
    """Whether an array, pandas column or nested list holds text, by its first entry."""
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    if kind == "O":
        x = np.asarray(x).reshape(-1)[:1].tolist()
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
    return isinstance(x, (str, bytes)) or kind in ("U", "S")


def to_strings(x) -> Strings:
    """Text, or nested lists of it, as an array of str objects; bytes are read as UTF-8."""
    array = np.asarray(x)
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and any(isinstance(v, bytes) for v in array.flat)):
        flat = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in array.reshape(-1).tolist()]
        array = np.array(flat, dtype=object).reshape(array.shape)
    return array.astype(object).view(Strings)


def to_element(x):
    """A structure with every leaf converted. Tuples and dicts are structure; a list is one array, as in tf.data."""
    if isinstance(x, dict):
        return nest.rebuild(x, {k: to_element(v) for k, v in x.items()})
    if isinstance(x, tuple):
        return nest.rebuild(x, [to_element(v) for v in x])
    try:
        return to_leaf(x)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"Elements of a Dataset are tensors, arrays, numbers or text, in tuples and dicts; received a {type(x).__name__}: {error}"
        ) from error


def array_of(leaf):
    return leaf._data if isinstance(leaf, Tensor) else leaf


def wrap(array):
    """The leaf that holds this array."""
    return array if isinstance(array, Strings) else Tensor(array)


def row(array, k):
    """Row k of an array, as a leaf."""
    if isinstance(array, Strings):
        found = array[k]
        return found if isinstance(found, Strings) else to_strings(found)
    return Tensor(array[k] if array.ndim > 1 else array[k : k + 1].reshape(()))


def rows(array, indices):
    """Some rows of an array, as a leaf of its own."""
    if isinstance(array, Strings):
        return array[indices]
    out = launch.empty((len(indices), *array.shape[1:]), array.dtype)
    np.take(array, indices, axis=0, out=out, mode="clip")
    return Tensor(out)


def stack(elements: list):
    """One element with the leaves of several, stacked along a new first axis. ValueError where shapes, dtypes or structures differ."""
    first = elements[0]
    columns = [nest.flatten(e) for e in elements]
    width = len(columns[0])
    if any(len(c) != width for c in columns):
        raise ValueError(
            f"batch: elements have different structures: {width} and {next(len(c) for c in columns if len(c) != width)} parts"
        )
    return nest.pack_sequence_as(first, [_stacked([c[k] for c in columns]) for k in range(width)])


def _stacked(leaves):
    first = leaves[0]
    if first is None:
        return None
    for k, leaf in enumerate(leaves):
        if leaf.shape != first.shape or dtype_of(leaf) != dtype_of(first):
            raise ValueError(
                f"batch: elements must have one shape and dtype to be stacked. The first has shape {tuple(first.shape)} and dtype "
                f"{dtype_of(first)}, element {k} of the batch has shape {tuple(leaf.shape)} and dtype {dtype_of(leaf)}. Bring them "
                "to one size in map() first, or use padded_batch()"
            )
    arrays = [array_of(leaf) for leaf in leaves]
    if isinstance(first, Strings):
        return np.stack(arrays).view(Strings)
    out = launch.empty((len(arrays), *first.shape), first.dtype)
    np.stack(arrays, out=out)
    return Tensor(out)


def pad_stack(elements: list, shapes=None, values=None):
    """As `stack`, with leaves padded at their ends: to `shapes` (None: the longest), with `values` (default 0 and "")."""
    first = elements[0]
    columns = [nest.flatten(e) for e in elements]
    flat_shapes = _per_leaf(first, shapes)
    flat_values = _per_leaf(first, values)
    made = []
    for k in range(len(columns[0])):
        leaves = [c[k] for c in columns]
        if len({len(leaf.shape) for leaf in leaves}) > 1:
            ranks = sorted({len(leaf.shape) for leaf in leaves})
            raise ValueError(f"padded_batch: elements must have one number of dimensions; part {k} has {ranks}")
        longest = tuple(max(sizes) for sizes in zip(*(leaf.shape for leaf in leaves)))
        wanted = flat_shapes[k]
        target = longest if wanted is None else tuple(n if d in (None, -1) else d for d, n in zip(wanted, longest))
        if len(target) != len(longest) or any(t < n for t, n in zip(target, longest)):
            raise ValueError(f"padded_batch: an element of shape {longest} does not fit into padded_shapes={wanted}")
        made.append(_padded([array_of(leaf) for leaf in leaves], target, flat_values[k]))
    return nest.pack_sequence_as(first, made)


def _per_leaf(structure, given):
    """One entry per leaf from a structure of entries (a shape is a tuple or list of ints and None), or None."""
    count = len(nest.flatten(structure))
    is_entry = given is None or np.isscalar(given) or isinstance(given, TensorSpec)
    is_shape = isinstance(given, (tuple, list)) and all(d is None or isinstance(d, int) for d in given)
    if is_entry or (is_shape and not (isinstance(structure, tuple) and len(structure) == len(given) and None not in given)):
        return [given] * count
    if isinstance(structure, dict):
        return [entry for k in nest._keys(structure) for entry in _per_leaf(structure[k], given[k])]
    if isinstance(structure, tuple):
        return [entry for part, g in zip(structure, given) for entry in _per_leaf(part, g)]
    return [tuple(given)]


def _padded(arrays, target, value):
    first = arrays[0]
    if isinstance(first, Strings):
        out = np.full((len(arrays), *target), "" if value is None else value, dtype=object).view(Strings)
    else:
        out = launch.empty((len(arrays), *target), first.dtype)
        out[...] = 0 if value is None else value
    for k, a in enumerate(arrays):
        out[(k,) + tuple(slice(0, n) for n in a.shape)] = a
    return wrap(out)
