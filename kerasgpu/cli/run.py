"""`python -m kerasgpu run`: a Keras script, module or notebook, unmodified, on kerasgpu."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
import types

from kerasgpu.cli import aliases, notebook

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run_script(path: str, args: list[str]) -> int:
    """Run a script or notebook as `python path args` would, with keras resolved to kerasgpu. Returns 2 when there is no such file."""
    if not os.path.isfile(path):
        print(f"python -m kerasgpu run: no such file: {path}", file=sys.stderr)
        return 2
    aliases.install()
    sys.argv = [path, *args]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    main = types.ModuleType("__main__")
    main.__file__ = path
    vars(main)["__builtins__"] = __builtins__
    sys.modules["__main__"] = main  # where pickle looks for what the script defines
    run = notebook.run if path.endswith(".ipynb") else _run_file
    return _as_program(lambda: run(path, vars(main)))


def run_module(name: str, args: list[str]) -> int:
    """Run a module as `python -m name args` would, with keras resolved to kerasgpu."""
    aliases.install()
    sys.argv = [name, *args]
    sys.path[0] = os.getcwd()
    return _as_program(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def _run_file(path, namespace):
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec"), namespace)


def _as_program(run) -> int:
    """The exit status of a program; an error is shown as Python shows it, from the program's own first line on."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and _is_outside(trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        error.__traceback__ = trace
        if sys.excepthook is sys.__excepthook__:
            traceback.print_exception(error)  # it knows the lines of notebook cells, too
        else:
            sys.excepthook(type(error), error, trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _is_outside(filename) -> bool:
    """Whether a frame belongs to what starts the program, not to the program."""
    return filename.startswith(("<frozen runpy", os.path.join(_OURS, "cli"))) or os.path.basename(filename) == "runpy.py"
