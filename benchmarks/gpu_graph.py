"""What the edges of a captured step cost on a GPU: `python -m benchmarks.gpu_graph [workload ...]`.

The training step of each workload (those of `benchmarks.fit`), and chains and forks of single kernels, replayed under every setting of
KERASGPU_PDL and KERASGPU_BRANCHES, and the step with its products by cuBLASLt where that is installed. Settings alternate; the
fastest round of each counts. Prints microseconds a step and writes JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time

import numpy as np

import kerasgpu
from benchmarks import fit
from benchmarks.gpu_candidates import RESULTS, device_name, random_array
from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.graph import program as programs
from kerasgpu.kernels.spec import read as spec_of

WORKLOADS = ("mlp", "mlp512", "convnet", "resnet")
# name: (KERASGPU_PDL, KERASGPU_BRANCHES)
SETTINGS = {
    "chain": ("0", "0"),
    "chain, early launch": ("1", "0"),
    "branches": ("0", "auto"),
    "branches, early launch": ("1", "auto"),
    "all branches, early launch": ("1", "all"),
}


@contextlib.contextmanager
def environment(**values):
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def build(program, setting: str) -> None:
    """Builds a program's graphs anew under a setting."""
    pdl, branches = SETTINGS[setting]
    pdl = (
        os.environ.get("KERASGPU_PDL", "1") if pdl == "1" else pdl
    )  # 2 is for a process of its own: kernels are compiled for it
    early = getattr(drivers.current(), "_early", {})
    early.clear()
    with environment(KERASGPU_PDL=pdl, KERASGPU_BRANCHES=branches):
        program._segments = program._unrolled = None
        program.run(programs.UNROLL)
    early.clear()


def seconds(program, steps: int) -> float:
    cuda.synchronize()
    begin = time.perf_counter()
    program.run(steps)
    cuda.synchronize()
    return (time.perf_counter() - begin) / steps


def compare(make, steps: int, rounds: int) -> dict:
    """{setting: seconds a step}; make() gives a program. One program for each setting, timed in turn."""
    made = {}
    for setting in SETTINGS:
        made[setting] = make()
        build(made[setting], setting)
    best = dict.fromkeys(SETTINGS, float("inf"))
    for _ in range(rounds):
        for setting, program in made.items():
            best[setting] = min(best[setting], seconds(program, steps))
    return best


def training_step(workload: str):
    """The program of a training step: the longest that is recorded while the model trains for a moment."""
    last: dict = {}  # program -> {buffer: the array that was bound to it}

    class Watched(programs.Program):
        def add_buffer(self, array):
            k = super().add_buffer(array)
            last.setdefault(self, {})[k] = array
            return k

        def rebind(self, k, array):
            if type(array) is not np.ndarray:
                last[self][k] = array
            super().rebind(k, array)

    original, programs.Program = programs.Program, Watched
    try:
        optimizer, stack, x, y, arguments = fit.workload(kerasgpu, workload)
        model = kerasgpu.Sequential(stack) if isinstance(stack, list) else stack
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        n = 12 * arguments["batch_size"]
        model.fit(x[:n], y[:n], batch_size=arguments["batch_size"], epochs=2, verbose=0)
    finally:
        programs.Program = original
    program = max(last, key=len)
    for k in tuple(program._released):
        program.rebind(k, last[program][k])
    program.model = model  # its variables stay alive
    return program


def chain(n: int, elements: int):
    """n dependent copies."""
    program = programs.Program(0)
    a, b = (program.add_buffer(random_array((elements,), "float32", k)) for k in range(2))
    for _ in range(n // 2):
        program.add_call("copy", [a], [b])
        program.add_call("copy", [b], [a])
    return program


def fork(side: int, width: int):
    """Rounds of `width` independent products of one matrix, joined by a product of two of them."""
    program = programs.Program(0)
    x, *ys = (program.add_buffer(random_array((side, side), "float32", k)) for k in range(width + 1))
    ints = (1, side, side, side, 0, 0, 0, 0, 0, 0, 0)
    for _ in range(10):
        for y in ys:
            program.add_call("gemm", [x, x], [y], spec_of("gemm", ints, (1.0 / side,)))
        program.add_call("gemm", [ys[0], ys[-1]], [x], spec_of("gemm", ints, (1.0 / side,)))
    return program


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", default=None, help="JSON file; default in benchmarks/results")
    args = parser.parse_args(argv)
    device = device_name()
    print(device)
    cases = {
        "100 copies of 256 B": (lambda: chain(100, 64), 100),
        "100 copies of 1 MiB": (lambda: chain(100, 1 << 18), 100),
        "10 x 2 products of 256": (lambda: fork(256, 2), 30),
        "10 x 2 products of 512": (lambda: fork(512, 2), 30),
        "10 x 2 products of 1024": (lambda: fork(1024, 2), 30),
    }
    cases.update({name: (lambda name=name: training_step(name), 0) for name in args.workloads})
    rows = []
    for name, (make, kernels) in cases.items():
        found = compare(make, args.steps, args.rounds)
        if not drivers.current().library_problem("cublasLt") and not kernels:
            tensor_cores.set_products("cublaslt")
            try:
                found["cuBLASLt"] = min(compare(make, args.steps, args.rounds).values())
            finally:
                tensor_cores.set_products(None)
        plain = found["chain"]
        times = "  ".join(f"{s} {1e6 * t:.2f} us ({plain / t:.2f}x)" for s, t in found.items())
        each = f", {1e9 * plain / kernels:.0f} ns a kernel in a chain" if kernels else ""
        print(f"{name}{each}: {times}", flush=True)
        rows.append({"name": name, "kernels": kernels, "seconds": found})
    path = args.out or os.path.join(RESULTS, f"graph-{'-'.join(device.split(',')[0].split()).lower()}.json")
    with open(path, "w") as f:
        json.dump({"device": device, "rows": rows}, f, indent=1)
    print(f"wrote {path}")
    return rows


if __name__ == "__main__":
    np.random.seed(0)
    main()
