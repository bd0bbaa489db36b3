"""Names of Keras that kerasgpu does not have (yet): using one raises NotImplementedError with the nearest alternative.

A package calls `missing.names(__name__, {...})` and keeps the result as its module `__getattr__`. `from keras.layers import X` gives the same message,
through a finder that is asked when the name is not an attribute.
"""

from __future__ import annotations

import difflib
import importlib.abc
import sys


def suggestion(name, known) -> str:
    """The end of a message about an unknown name: ". Did you mean 'units'?", or nothing when no known name is like it."""
    name = str(name)
    # Where names differ by case alone (a class and its module), the one that begins like the given name stays.
    by_case = sorted(map(str, known), key=lambda k: k[:1].isupper() == name[:1].isupper())
    folded = {k.lower(): k for k in by_case}
    swapped = [k for k in folded if sorted(k) == sorted(name.lower())]
    close = swapped or difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.7)
    return f". Did you mean {folded[close[0]]!r}?" if close else ""


class MissingName(NotImplementedError, AttributeError):
    """A name of Keras that is not there. An AttributeError too, so that hasattr() and inspection tools keep working."""


class MissingImport(NotImplementedError, ImportError):
    """The same, for `from package import name`."""


_TABLES: dict[str, dict[str, str]] = {}


def message(package: str, name: str) -> str:
    public = package.replace("kerasgpu", "keras", 1)
    hint = _TABLES[package][name]
    return f"{public}.{name} is not available in kerasgpu" + (f": {hint}" if hint else "")


def names(package: str, table: dict[str, str]):
    """Register what `package` lacks, {name: what to use instead}; returns its module `__getattr__`."""
    _TABLES[package] = table
    # `from package import name` asks finders only where there is a path, which a plain module does not have.
    vars(sys.modules[package]).setdefault("__path__", [])

    def __getattr__(name):
        if name in table:
            raise MissingName(message(package, name))
        raise AttributeError(f"module {package!r} has no attribute {name!r}{_hint(package, name)}")

    return __getattr__


def _hint(package, name) -> str:
    return "" if name.startswith("_") else suggestion(name, (n for n in dir(sys.modules[package]) if not n.startswith("_")))


class _Finder(importlib.abc.MetaPathFinder):
    """Asked by `from package import name` after the attribute was not found."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.rpartition(".")
        if name in _TABLES.get(package, ()):
            raise MissingImport(message(package, name))
        return None


sys.meta_path.append(_Finder())
