"""What a data set is made of: stages, each with its elements computed from those of the stages before it.

A stage knows how to begin a pass (`_iterate`), how many elements it has (`_count`) and what one looks like (`_example`).
`Dataset` wraps the last stage of a chain and has the transformations.
"""

from __future__ import annotations

from typing import Any

AUTOTUNE = -1
INFINITE = -1
UNKNOWN = -2


class Stage:
    # The flat arrays of which elements are rows, where that is all that they are: batch() then gathers instead of stacking.
    _source: Any = None

    def _iterate(self, seed: int):
        """A new iterator over one pass, with this seed."""
        raise NotImplementedError

    def _rows(self, seed: int):
        """The numbers of the rows of `_source` in the order of one pass."""
        raise NotImplementedError

    def _count(self) -> int:
        """Number of elements, INFINITE or UNKNOWN."""
        return UNKNOWN

    def _example(self, size: int):
        """An element to read shapes from, made without side effects; batches in it have `size` rows."""
        return next(iter(self._iterate(0)), None)

    def _memory(self):
        return None

    def _remember(self, memory):
        pass

    def _check_spec(self) -> None:
        """Raises TypeError where elements have no shapes to tell."""


class Derived(Stage):
    """A stage made from one other, as long as it."""

    def __init__(self, parent: Stage):
        self._parent = parent

    def _count(self):
        return self._parent._count()

    def _example(self, size):
        return self._parent._example(size)


def check_positive(value, name, what, least=1) -> int:
    """value as an int of at least `least`, else ValueError."""
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ValueError(f"Dataset.{what}: `{name}` must be an integer of at least {least}. Received: {name}={value}")
    return int(value)
