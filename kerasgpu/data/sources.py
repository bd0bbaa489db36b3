"""Where elements come from: rows of arrays, one value, a Python generator."""

from __future__ import annotations

import itertools

import numpy as np

from kerasgpu.data import elements as el
from kerasgpu.data.stage import Stage
from kerasgpu.engine import nest


class Slices(Stage):
    """The rows of arrays in memory."""

    def __init__(self, tensors):
        structure = el.to_element(tensors)
        leaves = nest.flatten(structure)
        if not leaves or any(leaf is None or leaf.shape == () for leaf in leaves):
            raise ValueError(
                "Dataset.from_tensor_slices takes the rows of arrays, so each part must have at least one dimension. Received: "
                f"{nest.map_structure(lambda leaf: None if leaf is None else tuple(leaf.shape), structure)}"
            )
        lengths = {len(el.array_of(leaf)) for leaf in leaves}
        if len(lengths) > 1:
            shapes = nest.map_structure(lambda leaf: tuple(leaf.shape), structure)
            raise ValueError(f"Dataset.from_tensor_slices: all parts must have as many rows. Received shapes: {shapes}")
        self._length = lengths.pop()
        self._source = RowSource(structure, [el.array_of(leaf) for leaf in leaves])

    def _rows(self, seed):
        return iter(range(self._length))

    def _iterate(self, seed):
        return map(self._source.row, range(self._length))

    def _count(self):
        return self._length

    def _example(self, size):
        # Also of no rows the shape and dtype are known.
        return self._source.row(0) if self._length else self._source.blank_row()


class Range(Stage):
    """Integers, none of which lies in memory."""

    def __init__(self, arguments, dtype):
        numbers = range(*arguments)
        self._length = len(numbers)
        self._source = RangeSource(numbers, np.dtype(dtype))

    def _rows(self, seed):
        return iter(range(self._length))

    def _iterate(self, seed):
        return map(self._source.row, range(self._length))

    def _count(self):
        return self._length

    def _example(self, size):
        return el.to_leaf(np.zeros((), self._source.dtype))


class RangeSource:
    """The rows of the array that a range would be."""

    def __init__(self, numbers, dtype):
        self.numbers = numbers
        self.dtype = dtype

    def row(self, k):
        return el.wrap(np.array(self.numbers[k], self.dtype))

    def rows(self, indices):
        return el.wrap(np.array([self.numbers[k] for k in indices], self.dtype))


class RowSource:
    """Arrays with as many rows, and the structure that one row of each makes up."""

    def __init__(self, structure, arrays):
        self.structure = structure
        self.arrays = arrays
        self._single = not nest.is_nested(structure)
        self._plain_tuple = type(structure) is tuple and all(not nest.is_nested(part) for part in structure)

    def _packed(self, leaves):
        if self._single:
            return leaves[0]
        return tuple(leaves) if self._plain_tuple else nest.pack_sequence_as(self.structure, leaves)

    def row(self, k):
        return self._packed([el.row(a, k) for a in self.arrays])

    def rows(self, indices):
        return self._packed([el.rows(a, indices) for a in self.arrays])

    def blank_row(self):
        blank = [
            el.to_strings(np.full(a.shape[1:], "", object))
            if isinstance(a, el.Strings)
            else el.to_leaf(np.zeros(a.shape[1:], a.dtype))
            for a in self.arrays
        ]
        return self._packed(blank)


class One(Stage):
    """One element."""

    def __init__(self, tensors):
        self._element = el.to_element(tensors)

    def _iterate(self, seed):
        return iter([self._element])

    def _count(self):
        return 1

    def _example(self, size):
        return self._element


class Elements(Stage):
    """Elements that are at hand in a list."""

    def __init__(self, elements):
        self._elements = elements

    def _iterate(self, seed):
        return iter(self._elements)

    def _count(self):
        return len(self._elements)


class Generated(Stage):
    """What a Python generator yields."""

    def __init__(self, generator, output_types, output_shapes, args, output_signature):
        if not callable(generator):
            raise TypeError(
                "`generator` must be a Python callable: a function that returns an iterator, so that every pass can begin anew. "
                f"Received an object of type {type(generator).__name__}"
            )
        if output_signature is not None and (output_types is not None or output_shapes is not None):
            raise TypeError("Dataset.from_generator: pass `output_signature` or `output_types` and `output_shapes`, not both")
        self._generator = generator
        self._arguments = tuple(np.asarray(a) for a in args or ())
        self._signature = output_signature
        if output_types is not None:
            self._signature = _signature(output_types, output_shapes)

    def _iterate(self, seed):
        elements = iter(self._generator(*self._arguments))
        if self._signature is None:
            return map(el.to_element, elements)
        return (_conform(element, self._signature, number) for number, element in enumerate(elements))

    def _example(self, size):
        if self._signature is None:
            return next(itertools.chain(self._iterate(0), [None]))
        return nest.map_structure(lambda spec: _example_of(spec, size), self._signature)


def _signature(types, shapes):
    if isinstance(types, dict):
        return {k: _signature(v, shapes and shapes[k]) for k, v in types.items()}
    if isinstance(types, tuple):
        return tuple(_signature(t, None if shapes is None else shapes[k]) for k, t in enumerate(types))
    return el.TensorSpec(None if shapes is None else tuple(shapes), types)


def _example_of(spec, size):
    shape = [size if d is None else d for d in spec.shape or ()]
    return el.to_strings(np.full(shape, "", object)) if spec.dtype == "string" else el.to_leaf(np.zeros(shape), spec.dtype)


def _conform(element, signature, number):
    """The element in the dtypes of the signature; a sentence where structure or shape differ."""
    if isinstance(signature, dict):
        if not isinstance(element, dict) or set(element) != set(signature):
            raise TypeError(
                f"element {number} of the generator must be a dict with the keys {list(signature)}; received {element!r:.200}"
            )
        return {k: _conform(element[k], spec, number) for k, spec in signature.items()}
    if isinstance(signature, (tuple, list)):
        if not isinstance(element, (tuple, list)) or len(element) != len(signature):
            raise TypeError(
                f"element {number} of the generator must be a tuple of {len(signature)} parts; received {element!r:.200}"
            )
        return tuple(_conform(part, spec, number) for part, spec in zip(element, signature))
    leaf = el.to_leaf(element, signature.dtype)
    if not signature.fits(leaf):
        raise TypeError(
            f"element {number} of the generator has shape {tuple(leaf.shape)} and dtype {el.dtype_of(leaf)} where the signature says "
            f"shape {signature.shape} and dtype {signature.dtype}"
        )
    return leaf
