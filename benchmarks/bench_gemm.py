"""GEMM beside NumPy's, in one process: `python benchmarks/bench_gemm.py [--dtype float32] [--quick] [name ...]`.

Calls of the two alternate and the fastest of many counts, so that other load on the machine disturbs little. Prints
microseconds, GFLOP/s of ours and the ratio NumPy time / our time per shape, then the geometric mean of the ratios.
"""

import argparse
import time

import numpy as np

from kerasgpu import _core
from kerasgpu.kernels.gemm import gemm

# name: (m, n, k, transpose_a, transpose_b, batch)
SHAPES = {
    "mlp forward 1": (32, 128, 784, 0, 0, 0),
    "mlp forward 2": (32, 10, 128, 0, 0, 0),
    "mlp weight grad 1": (784, 128, 32, 1, 0, 0),
    "mlp weight grad 2": (128, 10, 32, 1, 0, 0),
    "mlp data grad": (32, 128, 10, 0, 1, 0),
    "mlp512 forward 1": (128, 512, 784, 0, 0, 0),
    "mlp512 forward 2": (128, 512, 512, 0, 0, 0),
    "mlp512 weight grad 1": (784, 512, 128, 1, 0, 0),
    "mlp512 weight grad 2": (512, 512, 128, 1, 0, 0),
    "mlp512 data grad": (128, 512, 512, 0, 1, 0),
    "attention q k": (128, 128, 32, 0, 1, 128),
    "attention p v": (128, 32, 128, 0, 0, 128),
    "attention p^t v": (128, 32, 128, 1, 0, 128),
    "one row": (1, 128, 784, 0, 0, 0),
    "one row, b^t": (1, 512, 784, 0, 1, 0),
    "one column": (512, 1, 512, 0, 0, 0),
    "tall": (4096, 64, 64, 0, 0, 0),
    "wide": (64, 4096, 64, 0, 0, 0),
    "deep": (64, 64, 4096, 0, 0, 0),
    "deep a^t": (64, 64, 4096, 1, 0, 0),
    "skinny b^t": (32, 512, 512, 0, 1, 0),
    **{f"square {s}": (s, s, s, 0, 0, 0) for s in (32, 64, 128, 256, 512, 1024, 2048, 4096)},
    **{f"square {s} a^t": (s, s, s, 1, 0, 0) for s in (64, 256, 1024)},
    **{f"square {s} b^t": (s, s, s, 0, 1, 0) for s in (64, 256, 1024)},
    "square 500 both^t": (500, 500, 500, 1, 1, 0),
}


def measure(functions, budget, clock, rest):
    """Fastest seconds of each function, called in turn for about `budget` seconds.

    With `rest` each turn begins with a pause of that many seconds: OpenBLAS's threads poll for a while after a call and would
    take the cores from the other.
    """
    best = [float("inf")] * len(functions)
    began = time.perf_counter()
    for f in functions:
        f()
    once = time.perf_counter() - began
    turn = 1e-3 if not rest else 5e-3
    repeat = max(1, min(1000, int(turn / max(once, 1e-6))))
    rounds = 0
    while rounds < 3 or time.perf_counter() - began < budget:
        for k, f in enumerate(functions):
            if rest:
                time.sleep(rest)
            for _ in range(4 if rest else 1):
                start = clock()
                for _ in range(repeat):
                    f()
                best[k] = min(best[k], (clock() - start) / repeat)
        rounds += 1
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only shapes whose name contains one of these")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--budget", type=float, default=0.3, help="seconds per shape")
    parser.add_argument("--quick", action="store_true", help="skip what takes longer than a few milliseconds")
    parser.add_argument("--one-thread", action="store_true", help="CPU time, one thread (needs OPENBLAS_NUM_THREADS=1)")
    args = parser.parse_args()
    if args.one_thread:
        _core.set_num_threads(1)
    random = np.random.default_rng(0)
    kernel = _core.kernel_id("gemm")
    ratios = []
    print(f"threads {_core.num_threads()}, level {_core.level()}, {args.dtype}")
    for name, (m, n, k, ta, tb, batch) in SHAPES.items():
        if (args.names and not any(part in name for part in args.names)) or (args.quick and m * n * k > 2**30):
            continue
        lead = (batch,) if batch else ()
        a = random.standard_normal((*lead, k, m) if ta else (*lead, m, k)).astype(args.dtype)
        b = random.standard_normal((*lead, n, k) if tb else (*lead, k, n)).astype(args.dtype)
        out = np.empty((*lead, m, n), args.dtype)
        left, right = a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b
        # The launch alone: what Python does around it is measured elsewhere, and NumPy's own checks are in C.
        spec = (batch or 1, m, n, k, ta, tb, m * k if batch else 0, k * n if batch else 0, 0, 0, 0, 1.0)
        gemm(a, b, transpose_a=bool(ta), transpose_b=bool(tb), out=out)
        ours, theirs = measure(
            [
                lambda a=a, b=b, out=out, spec=spec: _core.launch(kernel, (a, b), (out,), spec),
                lambda left=left, right=right, out=out: np.matmul(left, right, out=out),
            ],
            args.budget,
            time.thread_time if args.one_thread else time.perf_counter,
            0.0 if args.one_thread else 0.1,
        )
        ratios.append(theirs / ours)
        rate = 2e-9 * m * n * k * (batch or 1) / ours
        print(f"{name:22s} ours {ours * 1e6:9.2f} us {rate:6.1f} GFLOP/s  numpy {theirs * 1e6:9.2f} us  {ratios[-1]:5.2f}x")
    print(f"geometric mean {float(np.exp(np.mean(np.log(ratios)))):.3f}x over {len(ratios)} shapes")


if __name__ == "__main__":
    main()
