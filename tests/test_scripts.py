"""Scripts written for Keras and tensorflow.keras run unmodified under `python -m kerasgpu run`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import fill_cache, fill_pictures

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return fill_cache(tmp_path_factory.mktemp("keras_home"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_script(script, home, tmp_path):
    env = dict(os.environ, KERAS_HOME=str(home), KERASGPU_OFFLINE="1")
    if "PetImages" in script.read_text():
        pictures = fill_pictures(tmp_path / "PetImages", ("Cat", "Dog"), 60)
        for name in ("Cat", "Dog"):
            (pictures / name / "broken.jpg").write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, "-m", "kerasgpu", "run", str(script)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("done")


def test_arguments_module_and_missing_script(tmp_path):
    (tmp_path / "tool.py").write_text("import sys, keras\nprint(keras.Model.__module__[:8], sys.argv[1:], __name__)\n")
    run = lambda *args: subprocess.run([sys.executable, "-m", "kerasgpu", *args], cwd=tmp_path, capture_output=True, text=True)
    assert run("run", "tool.py", "a", "--b").stdout == "kerasgpu ['a', '--b'] __main__\n"
    assert run("-m", "tool", "c").stdout == "kerasgpu ['c'] __main__\n"
    missing = run("run", "nowhere.py")
    assert missing.returncode == 2 and "no such file: nowhere.py" in missing.stderr
    assert "threads" in run("info").stdout
    assert run("--version").stdout.strip() and run().returncode == 2


def python(tmp_path, *args):
    return subprocess.run([sys.executable, *args], cwd=tmp_path, capture_output=True, text=True, timeout=120)


def test_an_error_is_shown_from_the_script_on(tmp_path):
    (tmp_path / "wrong.py").write_text("import keras\n\ndef build():\n    keras.layers.Dense(-1)\n\nbuild()\n")
    done = python(tmp_path, "-m", "kerasgpu", "run", "wrong.py")
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "wrong.py", line 6, in <module>' and "runpy" not in done.stderr and "units=-1" in lines[-1]
    (tmp_path / "tool.py").write_text("import sys\nsys.exit(3)\n")
    assert python(tmp_path, "-m", "kerasgpu", "run", "-m", "tool").returncode == 3
    (tmp_path / "tool.py").write_text("1 / 0\n")
    done = python(tmp_path, "-m", "kerasgpu", "run", "-m", "tool")
    assert done.returncode == 1 and "runpy" not in done.stderr and "line 1, in <module>" in done.stderr
    (tmp_path / "tool.py").write_text("x = = 1\n")
    done = python(tmp_path, "-m", "kerasgpu", "run", "tool.py")
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("SyntaxError")


def test_a_notebook_runs_cell_by_cell(tmp_path):
    code = lambda *lines: {"cell_type": "code", "source": [f"{line}\n" for line in lines]}
    cells = [
        {"cell_type": "markdown", "source": ["# no code"]},
        code("%matplotlib inline", "!pip install keras", "import keras", "files = !ls"),
        code("%%bash", "echo never"),
        code("%%time", 'text = """', "%kept", '"""', "keras.layers.Dense?", "x = 7 % 4"),
        code("display(text.strip(), x, keras.__version__)"),
    ]
    (tmp_path / "book.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    done = python(tmp_path, "-m", "kerasgpu", "run", "book.ipynb")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "%kept 3 3.15.1\n"
    assert "book.ipynb, cell 1: left out: !pip install keras" in done.stderr and "cell 2: left out: %%bash" in done.stderr
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": [code("a = 1"), code("", "a / 0")]}))
    done = python(tmp_path, "-m", "kerasgpu", "run", "book.ipynb")
    assert done.returncode == 1 and 'File "book.ipynb, cell 2", line 2' in done.stderr and "a / 0" in done.stderr
    (tmp_path / "book.ipynb").write_text("no notebook")
    assert "is not a Jupyter notebook" in python(tmp_path, "-m", "kerasgpu", "run", "book.ipynb").stderr


def test_install_and_the_jupyter_extension():
    code = (
        "import kerasgpu; kerasgpu.{}; import keras; from tensorflow.keras import layers; import tf_keras\n"
        "assert layers.Dense is keras.layers.Dense is kerasgpu.layers.Dense is tf_keras.layers.Dense\n"
        "import keras.layers as l; assert l is kerasgpu.layers; from keras import ops; assert ops is kerasgpu.ops\n"
        "assert keras.__version__ == '3.15.1' and kerasgpu.__version__ == kerasgpu.version() != keras.version()\n"
    )
    for how in ("install()", "load_ipython_extension(None)"):
        done = python(Path(__file__).parent.parent, "-c", code.format(how))
        assert done.returncode == 0, done.stderr


def test_help_says_what_there_is(tmp_path):
    help = lambda *args: python(tmp_path, "-m", "kerasgpu", *args)
    assert "run -m MODULE" in help("run", "--help").stdout and "--check" in help("info", "--help").stdout
    assert help("run").returncode == 2 and help("nothing").returncode == 2 and "run" in help("--help").stdout
