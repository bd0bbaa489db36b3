"""Each example runs, at a fraction of its size, and leaves a picture."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data import fill_cache, fill_pictures

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted(p for p in (ROOT / "examples").glob("*.py") if p.name not in ("at_hand.py", "mnist.py"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    return fill_cache(tmp_path_factory.mktemp("home")), fill_pictures(tmp_path_factory.mktemp("pictures"), ("cat", "dog"), 60)


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda p: p.stem)
def test_example(script, data, tmp_path):
    from PIL import Image

    home, pictures = data
    env = dict(
        os.environ,
        KERAS_HOME=str(home),
        KERASGPU_OFFLINE="1",
        KERASGPU_EXAMPLE_PICTURES=str(pictures),
        KERAS_MAX_EPOCHS="2",
        KERAS_MAX_STEPS_PER_EPOCH="3",
        PYTHONPATH=str(ROOT),
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{script.stem}.png" in done.stdout
    with Image.open(tmp_path / f"{script.stem}.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[0] > 200 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200


def test_pictures_when_there_is_nothing_else(tmp_path, monkeypatch):
    """Without a network the examples cut up scikit-learn's photographs."""
    pytest.importorskip("PIL")
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERASGPU_OFFLINE", "1")
    monkeypatch.delenv("KERASGPU_EXAMPLE_PICTURES", raising=False)
    import at_hand

    folder = at_hand.pets()
    assert sorted(p.name for p in folder.iterdir()) == ["flower", "temple"]
    assert len(list(folder.rglob("*.jpg"))) > 500
    name, (x, y), (x_test, _) = at_hand.digits()
    assert name == "digits" and x.shape[1:] == (28, 28) and len(x) == len(y) and len(x_test) == 360
