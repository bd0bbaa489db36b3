"""A small training that is killed while it runs, again and again, and resumed: a program for test_kills.py.

    python -m tests.callbacks.kills FOLDER FIRST LAST

For each number from FIRST to LAST another kind of training runs in forked processes, killed after random times with SIGKILL, until one
ends; its final variables must equal those of a training that nobody killed, bit by bit. Prints the number of kills.
"""

import os
import random
import signal
import sys
import time

import numpy as np

import kerasgpu as keras
from kerasgpu import layers
from kerasgpu.callbacks import BackupAndRestore, EarlyStopping, ReduceLROnPlateau

X = np.random.default_rng(0).normal(size=(44, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
SAVE_FREQS = ("epoch", 1, 2, 5)


def data(kind):
    if kind == "arrays":
        return dict(x=X, y=Y, batch_size=8)
    return dict(x=keras.data.Dataset.from_tensor_slices((X, Y)).shuffle(44).batch(8))


def train(folder, number):
    """One training from the beginning, or from the backup in the folder; writes its final variables."""
    keras.utils.set_random_seed(number)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1)])
    model.compile("adam", "mse", steps_per_execution=1 + number % 2)
    watch = [EarlyStopping("loss", patience=3, restore_best_weights=True), ReduceLROnPlateau("loss", patience=1)]
    backup = BackupAndRestore(os.path.join(folder, "backup"), save_freq=SAVE_FREQS[number % 4], delete_checkpoint=False)
    model.fit(**data(["arrays", "data set"][number // 2 % 2]), epochs=6, verbose=0, callbacks=[backup, *watch])
    values = [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
    path = os.path.join(folder, "result.npz")
    np.savez(path + ".part.npz", *values)
    os.replace(path + ".part.npz", path)


def start(folder, number):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(folder, number)
            code = 0
        finally:
            os._exit(code)
    return child


def result(folder):
    with np.load(os.path.join(folder, "result.npz")) as values:
        return [values[name].tobytes() for name in values.files]


def killed_until_done(folder, number, longest, draw):
    """Kill trainings until one ends; returns the number of kills."""
    kills = 0
    while True:
        child = start(folder, number)
        time.sleep(draw.uniform(0.0, longest))
        done, status = os.waitpid(child, os.WNOHANG)
        if not done and kills < 60:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
            continue
        if not done:
            _, status = os.waitpid(child, 0)
        assert status == 0, f"training {number} failed after {kills} kills"
        return kills


def main(folder, first, last):
    draw = random.Random(first)
    warm = os.path.join(folder, "warm")
    os.makedirs(warm)
    train(warm, 0)  # loads what is loaded on first use, before the first fork
    kills = 0
    for number in range(first, last):
        straight, hit = (os.path.join(folder, f"{name}{number}") for name in ("straight", "killed"))
        os.makedirs(straight)
        os.makedirs(hit)
        began = time.perf_counter()
        assert os.waitpid(start(straight, number), 0)[1] == 0
        kills += killed_until_done(hit, number, 0.6 * (time.perf_counter() - began), draw)
        assert result(straight) == result(hit), f"training {number}: other bits after {kills} kills"
    print(kills)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
