"""Jupyter notebooks as programs: their code cells in order, in one namespace. Magics and shell lines are left out with a note."""

from __future__ import annotations

import json
import linecache
import re
import sys

# Cell magics whose cell is Python all the same.
_TRANSPARENT = ("%%time", "%%timeit", "%%capture", "%%prun")
_MAGIC = re.compile(r"^(\s*)(?:[%!].*|[\w., ]+=\s*[%!].*|\??[\w.]+\?{1,2}|\?\S+)$")


def run(path, namespace):
    """Run the code cells of a notebook file in a namespace."""
    with open(path, encoding="utf-8") as file:
        try:
            cells = json.load(file)["cells"]
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"{path} is not a Jupyter notebook of format 4: {error!r}") from None
    namespace.setdefault("display", print)
    for number, cell in enumerate((c for c in cells if c.get("cell_type") == "code"), 1):
        name = f"{path}, cell {number}"
        source = python_of("".join(cell["source"]), name)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for tracebacks
        exec(compile(source, name, "exec"), namespace)


def python_of(source: str, name: str) -> str:
    """The Python in a cell, line numbers kept; what is none is noted on stderr."""
    if _compiles(source):
        return source
    lines = source.split("\n")
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%") and not lines[first].startswith(_TRANSPARENT):
        _note(name, lines[first])
        return ""
    for k, line in enumerate(lines):
        magic = _MAGIC.match(line)
        if magic and not _inside_text(lines[:k]):
            _note(name, line)
            lines[k] = f"{magic[1]}pass"
    return "\n".join(lines)


def _inside_text(lines) -> bool:
    """Whether a text in triple quotes is open after these lines."""
    source = "\n".join(lines)
    return any(source.count(quotes) % 2 for quotes in ('"""', "'''"))


def _compiles(source):
    try:
        compile(source, "cell", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _note(name, line):
    print(f"{name}: left out: {line.strip()}", file=sys.stderr)
