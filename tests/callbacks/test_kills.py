"""Power cuts: a process that ends between any two of its system calls, or is killed at any time, loses no training and no file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kerasgpu as keras
from kerasgpu.callbacks import backup_file
from kerasgpu.config import atomic_files as atomic
from tests.callbacks import kills
from tests.saving.models import X, Y, sequential, trained

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ROOT = Path(__file__).parents[2]
CALLS = ("open", "dup", "fsync", "replace", "unlink", "remove", "rmdir")


def dies_at(k, function):
    """Run function() in a child that ends before its k-th call that changes a disk. False if there were fewer."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(real):
            def call(*args, **kwargs):
                nonlocal count
                count += 1
                if count == k:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args, **kwargs)

            return call

        code = 1
        try:
            for name in CALLS:
                setattr(os, name, counted(getattr(os, name)))
            function()
            code = 0
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def test_backups_are_whole_after_every_call(tmp_path):
    weights = [bytes([k]) * 5000 for k in range(3)]
    for k in range(1, 100):
        folder = tmp_path / str(k)
        folder.mkdir()
        for epoch in range(2):
            backup_file.write(folder, {"epoch": epoch, "rest": [np.arange(3)]}, weights[epoch])
        died = dies_at(k, lambda folder=folder: backup_file.write(folder, {"epoch": 2, "rest": []}, weights[2]))
        training, found, wrong = backup_file.read(folder)
        assert training["epoch"] in (1, 2) and found == weights[training["epoch"]] and not wrong
        assert {p.name for p in folder.iterdir()} <= {backup_file.NAME, backup_file.PREVIOUS}
        if not died:
            break
    assert 5 < k < 99 and training["epoch"] == 2


SAVES = {
    "m.keras": lambda model, path: model.save(path),
    "m.h5": lambda model, path: model.save(path),
    "m.weights.h5": lambda model, path: model.save_weights(path),
    "checkpoint.keras": lambda model, path: model.fit(
        X, Y, epochs=1, verbose=0, shuffle=False, callbacks=[keras.callbacks.ModelCheckpoint(path)]
    ),
}


@pytest.mark.parametrize("name", SAVES)
def test_saved_files_are_old_or_new_after_every_call(name, tmp_path):
    pytest.importorskip("h5py")
    model = trained(sequential)
    path = tmp_path / name
    SAVES[name](model, path)
    old = path.read_bytes()
    model.fit(X, Y, verbose=0)
    for k in range(1, 60):
        died = dies_at(k, lambda: SAVES[name](model, path))
        now = path.read_bytes()
        assert died or now != old
        if now != old:  # then it is a whole file
            sequential().load_weights(path)
            path.write_bytes(old)
        if not died:
            break
    assert 3 < k < 59
    SAVES[name](model, path)
    assert [p.name for p in tmp_path.iterdir()] == [name]  # nothing is left of those who died


def test_what_others_are_writing_stays(tmp_path):
    target = tmp_path / "m"
    with atomic.replacing(target) as first:
        first.write(b"first")
        atomic.write_bytes(b"second", target)
        atomic.remove_stale(tmp_path)
    assert target.read_bytes() == b"first"


def test_mode_and_links(tmp_path):
    before = os.umask(0o027)
    try:
        atomic.write_bytes(b"1", tmp_path / "new")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
        os.chmod(tmp_path / "new", 0o604)
        atomic.write_bytes(b"2", tmp_path / "new")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)
    (tmp_path / "link").symlink_to("new")
    atomic.write_bytes(b"3", tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "new").read_bytes() == b"3"


def run_kills(folder, first, last):
    command = [sys.executable, "-m", "tests.callbacks.kills", str(folder), str(first), str(last)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return int(done.stdout)


def test_some_kills(tmp_path):
    assert run_kills(tmp_path, 0, 2) > 0


@pytest.mark.slow
def test_two_hundred_kills(tmp_path):
    total = first = 0
    while total < 200:
        total += run_kills(tmp_path / str(first), first, first + 4)
        first += 4


def test_every_kind_of_training_ends_without_kills(tmp_path):
    kills.train(tmp_path, 3)
    assert (tmp_path / "result.npz").exists()
