"""What editors and type checkers see of `import kerasgpu as keras`."""

import ast
from pathlib import Path

import kerasgpu

ROOT = Path(kerasgpu.__file__).parent


def test_names_for_type_checkers_are_those_that_are_there():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    shown = {alias.asname for node in block.body for alias in node.names}
    facades = {n for n in kerasgpu._MODULES if not (ROOT / n).is_dir() and not (ROOT / f"{n}.py").exists()}
    assert shown == {*kerasgpu._MODULES, *kerasgpu._NAMES} - facades
    for node in block.body:
        home = node.module.removeprefix("kerasgpu").removeprefix(".")
        for alias in node.names:
            assert kerasgpu._NAMES.get(alias.name, "") == home, alias.name


def test_the_package_says_that_it_has_types():
    assert (ROOT / "py.typed").exists()
