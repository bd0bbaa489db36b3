"""A save that fails leaves the old file, and no other; paths that cannot be used are said so."""

import builtins
import errno
import io
import os

import pytest

import kerasgpu as keras
from kerasgpu.config import atomic_files as atomic
from tests.saving.models import X, Y, sequential, trained

SAVES = {
    "m.keras": lambda model, path: model.save(path),
    "m.h5": lambda model, path: model.save(path),
    "m.weights.h5": lambda model, path: model.save_weights(path),
    "m.weights.json": lambda model, path: model.save_weights(path, max_shard_size=500 / 1024**3),
    "folder": lambda model, path: model.save(path),
}


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Failing(io.RawIOBase):
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, error, room):
        self.file, self.error, self.room = file, error, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise self.error
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def close(self):
        self.file.close()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("room", [0, 3000])
@pytest.mark.parametrize("name", SAVES)
def test_failed_save_leaves_the_old_file(name, room, error, tmp_path, monkeypatch):
    model = trained(sequential)
    SAVES[name](model, tmp_path / name)
    before = files_of(tmp_path)
    model.fit(X, Y, verbose=0)
    real = os.fdopen

    def full(descriptor, mode, *args):
        return Failing(real(descriptor, mode), error, room) if "w" in mode else real(descriptor, mode, *args)

    monkeypatch.setattr(atomic.os, "fdopen", full)
    with pytest.raises(type(error)):
        SAVES[name](model, tmp_path / name)
    monkeypatch.undo()
    assert files_of(tmp_path) == before
    SAVES[name](model, tmp_path / name)
    assert files_of(tmp_path) != before and list(files_of(tmp_path)) == list(before)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_device():
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb", buffering=0) as target:
        trained(sequential).save(target)


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError):
        trained(sequential).save(tmp_path / "file" / "m.keras")


def test_files_are_readable_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        trained(sequential).save(tmp_path / "m.keras")
    finally:
        os.umask(before)
    assert oct((tmp_path / "m.keras").stat().st_mode & 0o777) == "0o644"


@pytest.mark.parametrize("answers,replaced", [(["y"], True), (["n"], False), (["maybe", "Y"], True)])
def test_asks_before_overwriting(answers, replaced, tmp_path, monkeypatch):
    model = sequential()
    for path, save in ((tmp_path / "m.keras", model.save), (tmp_path / "m.weights.h5", model.save_weights)):
        path.write_text("old")
        left = list(answers)
        monkeypatch.setattr(builtins, "input", lambda text, left=left: left.pop(0))
        save(path, overwrite=False)
        assert (path.read_bytes() != b"old") == replaced
        assert not left


@pytest.mark.parametrize(
    "path,match",
    [
        ("m.txt", "Invalid filepath extension"),
        (None, "Invalid filepath extension"),
        (3, "Invalid filepath extension"),
        ("hf://a/b", "not a local path"),
        ("gs://a/m.keras", "not a local path"),
    ],
)
def test_paths_that_cannot_be_saved_to(path, match):
    with pytest.raises(ValueError, match=match):
        sequential().save(path)


def test_paths_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = sequential()
    for action in (
        lambda: model.save_weights("gs://a/m.weights.h5"),
        lambda: model.load_weights("hf://a/m.weights.h5"),
        lambda: keras.models.load_model("https://a/m.keras"),
    ):
        with pytest.raises(ValueError, match="not a local path"):
            action()
    assert not list(tmp_path.iterdir())


def test_export_says_what_to_do():
    with pytest.raises(NotImplementedError, match=r"writes no onnx artifacts\. Save with model\.save"):
        sequential().export("m.onnx", format="onnx")
    with pytest.raises(ValueError, match="Unrecognized format=foo"):
        sequential().export("m", format="foo")


def test_paths_that_cannot_be_loaded(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "m.txt").write_text("x")
    (tmp_path / "m.keras").write_text("not a zip archive")
    (tmp_path / "m.h5").write_text("not HDF5")
    for name, match in (
        ("nothing.keras", "File not found"),
        ("folder", "without a config.json"),
        ("m.txt", "File format not supported"),
        ("m.keras", "not a readable .keras file"),
        ("m.h5", "not a readable HDF5 file"),
    ):
        with pytest.raises(ValueError, match=match):
            keras.models.load_model(tmp_path / name)
    sequential().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"model\.load_weights"):
        keras.models.load_model(tmp_path / "w.weights.h5")
    with pytest.raises(FileNotFoundError, match="nothing"):
        keras.models.load_model(tmp_path / "nothing.h5")
    with pytest.raises(FileNotFoundError, match="nothing"):
        sequential().load_weights(tmp_path / "nothing.weights.h5")
    with pytest.raises(ValueError, match="not from a int"):
        keras.models.load_model(3)


def test_legacy_files_are_said_to_be_legacy(tmp_path, caplog):
    model = sequential()
    model.save(tmp_path / "m.h5")
    assert [r.getMessage()[:53] for r in caplog.records] == ["You are saving your model as an HDF5 file via `model."]
    caplog.clear()
    model.save(tmp_path / "m.keras", save_format="keras")
    assert "The `save_format` argument is deprecated" in caplog.text and (tmp_path / "m.keras").exists()
    with pytest.raises(ValueError, match="The `save_format` argument is deprecated"):
        model.save(tmp_path / "m", save_format="tf")


def test_a_model_saved_without_its_optimizer_has_none(tmp_path):
    trained(sequential).save(tmp_path / "m.h5", include_optimizer=False)
    with pytest.warns(UserWarning, match="was not compiled"):
        loaded = keras.models.load_model(tmp_path / "m.h5")
    with pytest.raises(AttributeError, match="no attribute 'optimizer'"):
        loaded.optimizer  # noqa: B018
    loaded.compile("sgd", "mse")
    loaded.fit(X, Y, verbose=0)
    assert loaded.optimizer.name.startswith("sgd")
