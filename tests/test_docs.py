"""The examples of the documentation run: docstrings with >>> and the Python blocks of README.md and docs/."""

import doctest
import gc
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import kerasgpu

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    return sorted(
        m.name for m in pkgutil.walk_packages(kerasgpu.__path__, "kerasgpu.") if not m.name.endswith(("__main__", "_core"))
    )


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name, tmp_path, monkeypatch):
    if name.endswith(".cuda"):
        pytest.importorskip("cupy")
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(gc, "collect", lambda *_: 0)  # over what thousands of tests left behind it would take seconds
        kerasgpu.backend.clear_session()  # automatic names start anew
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report: list = []
    for test in finder.find(module, name, globs={"keras": kerasgpu, "kerasgpu": kerasgpu, "np": np, **vars(module)}):
        if test.examples:
            runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def blocks():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for k, match in enumerate(re.finditer(r"```python\n(.*?)```", path.read_text() if path.exists() else "", re.S)):
            yield pytest.param(match[1], id=f"{path.name}-{k}")


@pytest.mark.parametrize("source", list(blocks()))
def test_markdown_examples(source, tmp_path, monkeypatch):
    """A block that begins with `# sketch` shows a shape of code and is not run."""
    if source.startswith("# sketch"):
        compile(source, "sketch", "exec")
        return
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "example", "exec"), {"__name__": "example"})
