"""Threads, forked processes and the end of the interpreter. Each case runs in a process of its own, with a time limit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELUDE = """
import multiprocessing, os, sys, threading, time, warnings
warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
import numpy as np
import kerasgpu as keras
from kerasgpu import layers, _core

def make(width=64):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((32,)), layers.Dense(width, "relu"), layers.BatchNormalization(), layers.Dense(8)])
    model.compile("adam", "mse")
    return model

def in_child(function):
    # The exit status of a forked child that runs this; 99 where it hangs.
    child = os.fork()
    if child == 0:
        try:
            function()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    for _ in range(2000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 99

x = np.random.default_rng(0).normal(size=(256, 32)).astype("float32")
y = x[:, :8].copy()
"""


def run(script, timeout=120, **environment):
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script],
        cwd=ROOT,
        env={**os.environ, "KERASGPU_NUM_THREADS": "4", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BUSY = {
    "predict": "model.predict(x, verbose=0, batch_size=16)",
    "predict_on_batch": "model.predict_on_batch(x)",
    "record": "make().predict(x, verbose=0, batch_size=16)",
    "fit": "model.fit(x, y, verbose=0, batch_size=16)",
    "data": "list(shuffled)",
}


@forks
@pytest.mark.parametrize("busy", BUSY)
def test_fork_while_another_thread_works(busy):
    run(f"""
model = make()
shuffled = keras.data.Dataset.from_tensor_slices(x).shuffle(256, seed=1).cache().batch(16).prefetch(1)
model.fit(x, y, verbose=0)
want = model.predict(x, verbose=0, batch_size=16)
stop = False
def work():
    while not stop:
        {BUSY[busy]}
threads = [threading.Thread(target=work) for _ in range(1 if "fit" in {busy!r} else 2)]
for t in threads: t.start()
def child():
    got = model.predict(x, verbose=0, batch_size=16)
    assert {busy!r} == "fit" or np.array_equal(want, got)
    assert np.isfinite(got).all()
    model.predict_on_batch(x)
    model.fit(x, y, verbose=0, batch_size=16)
    list(shuffled)
    fresh = make()
    fresh.fit(x, y, verbose=0)
statuses = []
for _ in range(4):
    time.sleep(0.013)
    statuses.append(in_child(child))
    if statuses[-1]: break
stop = True
for t in threads: t.join()
assert not any(statuses), statuses
""")


@forks
def test_locks_that_another_thread_holds_at_a_fork_are_open_in_the_child():
    run("""
from kerasgpu.engine import recorder
model = make()
for _ in range(4): model.predict(x, verbose=0)
programs = [p for entry in model._programs.values() for p in getattr(entry, "by_size", {}).values()]
programs = [p for p in programs if hasattr(p, "lock")]
assert programs
held, go_on = threading.Event(), threading.Event()
def hold():
    with programs[0].lock, recorder.Recorder():
        held.set()
        go_on.wait()
t = threading.Thread(target=hold)
t.start()
held.wait()
def child():
    model.predict(x, verbose=0)
    make().fit(x, y, epochs=3, verbose=0)
status = in_child(child)
go_on.set()
t.join()
assert status == 0, status
model.predict(x, verbose=0)
""")


@forks
def test_processes_of_multiprocessing_after_use():
    run("""
model = make(512)
model.fit(x, y, verbose=0)
want = model.predict(x, verbose=0)
def work(k):
    before = len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 0
    same = np.array_equal(model.predict(x, verbose=0), want)
    big = keras.ops.matmul(np.ones((512, 512), "float32"), np.ones((512, 512), "float32"))
    after = len(os.listdir("/proc/self/task")) if before else 4
    return same and float(big[0, 0]) == 512.0 and after >= 4  # the kernels have their threads again
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    assert all(pool.map_async(work, range(4)).get(60))
""")


@pytest.mark.parametrize("where,status", [("fit", 0), ("kernel", 3), ("host call", 0), ("predict", 3)])
def test_daemon_thread_in_a_kernel_when_the_interpreter_ends(where, status):
    script = f"""
model = make(256)
big = np.ones((700, 700), "float32")
if {where!r} == "host call":
    @keras.jit
    def function(a):
        return keras.ops.linalg.inv(keras.ops.matmul(a, a) + 1000 * keras.ops.eye(700))
    for _ in range(3): function(keras.ops.convert_to_tensor(big))
def work():
    while True:
        if {where!r} == "fit": model.fit(x, y, verbose=0, epochs=1000)
        elif {where!r} == "predict": model.predict(x, verbose=0)
        elif {where!r} == "host call": function(keras.ops.convert_to_tensor(big))
        else: keras.ops.matmul(big, big)
for _ in range(2): threading.Thread(target=work, daemon=True).start()
time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 0.5)
sys.exit({status})
"""
    for wait in ("0.3", "0.337"):
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + script, wait], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status and not done.stderr, (done.returncode, done.stderr[-2000:])


def test_many_threads_predict_with_one_model():
    run("""
model = make()
model.fit(x, y, verbose=0)
parts = [x[: 7 * k + 5] for k in range(8)]
want = [make().predict(p, verbose=0, batch_size=16) for p in parts]
fresh = make()  # the first uses, recordings and replays meet
want_batch = make().predict_on_batch(x)
wrong = []
def work(k):
    for round in range(15):
        p = (k + round) % len(parts)
        if not np.array_equal(fresh.predict(parts[p], verbose=0, batch_size=16), want[p]): wrong.append((k, p))
        if not np.array_equal(fresh.predict_on_batch(x), want_batch): wrong.append((k, "batch"))
threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert not wrong, wrong[:10]
""")


def test_errors_in_kernels_and_signals_still_arrive():
    run("""
import signal
program_error = None
@keras.jit
def bad(a):
    return keras.ops.linalg.inv(a)
good = np.eye(64, dtype="float32") * 2
for _ in range(3): bad(keras.ops.convert_to_tensor(good))
try:
    bad(keras.ops.convert_to_tensor(np.zeros((64, 64), "float32")))
except Exception as error:
    program_error = error
assert program_error is not None
assert np.allclose(np.asarray(bad(keras.ops.convert_to_tensor(good))), np.eye(64) / 2)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    make().fit(x, y, epochs=100000, verbose=0)
    raise SystemExit("not interrupted")
except KeyboardInterrupt:
    pass
""")
