"""Imports point down one list of floors (docs/architecture.md), also those inside functions, and never run in a circle."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kerasgpu"
FLOORS = (
    "missing config kernels engine tree configs ops random dtype_policies initializers activations regularizers constraints quantizers "
    "losses metrics optimizers data layers saving progress callbacks training models utils datasets wrappers visualization "
    "distribution names cli __main__"
).split()
# Libraries that not everybody has, or that take long to import: where they are used, inside a function.
LATE = set("IPython PIL certifi cupy h5py matplotlib ml_dtypes numpy pydot requests scipy sklearn".split())
# Where a module is found by the name that somebody asked for, and the command line, whose commands load what they need.
BY_NAME = ("kerasgpu", "kerasgpu.__main__", "kerasgpu.cli")

MODULES = {}
for path in sorted(PACKAGE.rglob("*.py")):
    parts = ("kerasgpu", *path.relative_to(PACKAGE).with_suffix("").parts)
    MODULES[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path


def statements(tree, inside=False):
    """(import statement, whether it stands in a function), without those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, inside
        yield from statements(node, inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def imported(node):
    """The modules that a statement names: ours where they are files, else what it says."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert not node.level, "imports say where from: no relative ones"
    whole = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else node.module for name in whole]


IMPORTS = {
    name: [(target, inside) for node, inside in statements(ast.parse(path.read_text())) for target in imported(node)]
    for name, path in MODULES.items()
}


def floor(name):
    return name.split(".")[1] if "." in name else None


def test_every_folder_has_a_floor():
    assert {floor(name) for name in MODULES} - {None} == set(FLOORS)


@pytest.mark.parametrize("folder", FLOORS)
def test_imports_point_down(folder):
    above = set(FLOORS[FLOORS.index(folder) + 1 :])
    bad = [
        f"{name} imports {target}"
        for name in MODULES
        if floor(name) == folder
        for target, _ in IMPORTS[name]
        if target in MODULES and floor(target) in above
    ]
    assert not bad, "an upper floor hands over what a lower one needs, see config/installed.py: " + "; ".join(bad)


def test_no_circles():
    """Peel off modules that import none of those left; what cannot be peeled off runs in circles."""
    left = {
        name: {t for t, _ in IMPORTS[name] if t in MODULES and t not in ("kerasgpu", name)}
        for name in MODULES
        if name != "kerasgpu"
    }
    while True:
        free = {name for name, targets in left.items() if not targets & left.keys()}
        if not free:
            break
        left = {name: targets for name, targets in left.items() if name not in free}
    # What only leads to a circle is no part of it.
    while used := {name for name in left if not any(name in targets for other, targets in left.items() if other != name)}:
        left = {name: targets for name, targets in left.items() if name not in used}
    assert not left, {name: sorted(targets & left.keys()) for name, targets in left.items()}


def test_imports_stand_at_the_top():
    bad = []
    for name in MODULES:
        for target, inside in IMPORTS[name]:
            root = target.split(".")[0]
            if not inside or root in sys.stdlib_module_names or root in LATE:
                continue
            if root == "kerasgpu" and (name in BY_NAME or name.startswith("kerasgpu.cli.")):
                continue
            bad.append(f"{name} imports {target} in a function")
    assert not bad, bad


def test_operations_import_their_siblings_by_module():
    bad = [
        name
        for name, path in MODULES.items()
        if name.startswith("kerasgpu.ops") or name.startswith(("kerasgpu.engine", "kerasgpu.kernels"))
        for node, _ in statements(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "kerasgpu" and any(a.name == "ops" for a in node.names)
    ]
    assert not bad, bad
