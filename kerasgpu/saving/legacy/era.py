"""What the table of an era says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

ANY = "*"  # in a table: every class


@dataclasses.dataclass(frozen=True)
class Era:
    """The vocabulary of one era in terms of the next one.

    before: first version that no longer writes it.
    classes: {old class name: new class name}.
    renamed: {class: {old argument: new argument}}, by the new class name; ANY for all classes.
    dropped: {class: arguments that mean nothing any more}.
    rewritten: {class: function(class name, config) -> (class name, config)} where names are not enough.
    """

    before: tuple
    classes: dict[str, str] = dataclasses.field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    dropped: dict[str, tuple] = dataclasses.field(default_factory=dict)
    rewritten: dict[str, Callable] = dataclasses.field(default_factory=dict)

    def step(self, name: str, config: dict):
        """(class name, config) in the vocabulary of the next era."""
        if name in self.rewritten:
            name, config = self.rewritten[name](name, dict(config))
        name = self.classes.get(name, name)
        names = {**self.renamed.get(ANY, {}), **self.renamed.get(name, {})}
        gone = (*self.dropped.get(ANY, ()), *self.dropped.get(name, ()))
        made = {}
        for key, value in config.items():
            new = names.get(key, key)
            if new not in gone and (new == key or new not in config):
                made[new] = value
        return name, made


def parse_version(text) -> tuple:
    """The leading numbers of a version: "2.2.4-tf" is (2, 2, 4). Files without one are of Keras 1."""
    found = re.match(r"\d+(?:\.\d+)*", text) if isinstance(text, str) else None
    return tuple(int(n) for n in found.group().split(".")) if found else (1,)
