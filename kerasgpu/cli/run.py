"""`python -m kerasgpu run script.py`: a Keras script, unmodified, on kerasgpu."""

from __future__ import annotations

import os
import runpy
import sys

from kerasgpu.cli import aliases


def run_script(path: str, args: list[str]) -> int:
    """Run a script as `python path args` would, with keras resolved to kerasgpu. Returns 2 when there is no such file."""
    if not os.path.exists(path):
        print(f"python -m kerasgpu run: no such file: {path}", file=sys.stderr)
        return 2
    aliases.install()
    sys.argv = [path, *args]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    runpy.run_path(path, run_name="__main__")
    return 0


def run_module(name: str, args: list[str]) -> int:
    """Run a module as `python -m name args` would, with keras resolved to kerasgpu."""
    aliases.install()
    sys.argv = [name, *args]
    sys.path[0] = os.getcwd()
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0
