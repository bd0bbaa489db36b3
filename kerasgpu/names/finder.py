"""Imports of `kerasgpu.<module>` that no file answers: modules made of the table of facades."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys

from kerasgpu import missing
from kerasgpu.names.table import ALIASES, FACADES


class FacadeLoader(importlib.abc.Loader):
    """Makes the module of an entry: a docstring, names that are looked up where they live, hints for those that are nowhere."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        public = module.__name__.removeprefix("kerasgpu.")
        if public in ALIASES:
            # The import system returns what sys.modules holds afterwards: the module itself, not a copy.
            sys.modules[module.__name__] = importlib.import_module(f"kerasgpu.{ALIASES[public]}")
            return
        facade = FACADES[public]
        module.__doc__ = f"keras.{public}: {facade.what}"
        if facade.names:
            module.__all__ = sorted(facade.names)
        absent = missing.names(module.__name__, facade.missing)

        def __getattr__(name):
            place = facade.names.get(name)
            if place is None:
                return absent(name)
            home, _, attribute = place.partition(":")
            found = importlib.import_module(f"kerasgpu.{home}" if home else "kerasgpu")
            value = getattr(found, attribute) if attribute else found
            setattr(module, name, value)
            return value

        module.__getattr__ = __getattr__
        module.__dir__ = lambda: sorted({*vars(module), *facade.names})


_loader = FacadeLoader()


def find(fullname: str):
    """The spec of a facade, or None."""
    public = fullname.removeprefix("kerasgpu.")
    if public in FACADES or public in ALIASES:
        return importlib.machinery.ModuleSpec(fullname, _loader, is_package=True)
    return None
