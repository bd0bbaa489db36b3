"""Who reads and writes each buffer of a list of calls."""

from __future__ import annotations

from bisect import insort


class Uses:
    """Positions of the readers and writers of every buffer, by id(buffer)."""

    def __init__(self, calls):
        self.readers: dict[int, list[int]] = {}
        self.writers: dict[int, list[int]] = {}
        for k, call in enumerate(calls):
            for b in call.inputs:
                self.readers.setdefault(id(b), []).append(k)
            for b in call.outputs:
                self.writers.setdefault(id(b), []).append(k)

    def remove(self, k, call) -> None:
        """Forget the call at position k; the positions of the others stay."""
        for table, buffers in ((self.readers, call.inputs), (self.writers, call.outputs)):
            for b in buffers:
                table[id(b)].remove(k)

    def add(self, k, call) -> None:
        """Take in a call that stands at position k now."""
        for table, buffers in ((self.readers, call.inputs), (self.writers, call.outputs)):
            for b in buffers:
                insort(table.setdefault(id(b), []), k)

    def only_reader(self, buffer):
        """The position of the single reader of a buffer, else None."""
        found = self.readers.get(id(buffer), [])
        return found[0] if len(found) == 1 else None

    def only_writer(self, buffer):
        found = self.writers.get(id(buffer), [])
        return found[0] if len(found) == 1 else None

    def touched_between(self, buffer, first, last) -> bool:
        """Whether a call strictly between two positions reads or writes the buffer."""
        return any(first < k < last for k in (*self.readers.get(id(buffer), ()), *self.writers.get(id(buffer), ())))

    def written_between(self, buffer, first, last) -> bool:
        return any(first < k < last for k in self.writers.get(id(buffer), ()))
