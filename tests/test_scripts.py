"""Scripts written for Keras and tensorflow.keras run unmodified under `python -m kerasgpu run`."""

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
    (tmp_path / "tool.py").write_text("import sys, keras\nprint(keras.__name__, sys.argv[1:], __name__)\n")
    run = lambda *args: subprocess.run([sys.executable, "-m", "kerasgpu", *args], cwd=tmp_path, capture_output=True, text=True)
    assert run("run", "tool.py", "a", "--b").stdout == "kerasgpu ['a', '--b'] __main__\n"
    assert run("-m", "tool", "c").stdout == "kerasgpu ['c'] __main__\n"
    missing = run("run", "nowhere.py")
    assert missing.returncode == 2 and "no such file: nowhere.py" in missing.stderr
    assert "threads" in run("info").stdout
    assert run("--version").stdout.strip() and run().returncode == 2
