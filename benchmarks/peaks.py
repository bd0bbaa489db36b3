"""What the machine can do at most, measured: float32 operations per second and bytes per second."""

from __future__ import annotations

import time

import numpy as np

from kerasgpu.kernels import elementwise, gemm


def _best(function, repeats=15):
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def measure() -> dict:
    """GFLOP/s of the fastest matrix product found, GB/s of a large copy (read and write counted) and of one that fits in cache."""
    rng = np.random.default_rng(0)
    flops = 0.0
    for n in (384, 768, 1536):
        a, b = rng.random((n, n), "float32"), rng.random((n, n), "float32")
        flops = max(flops, 2 * n**3 / _best(lambda a=a, b=b: gemm.gemm(a, b)), 2 * n**3 / _best(lambda a=a, b=b: a @ b))
    big = rng.random(1 << 25, "float32")
    out = np.empty_like(big)
    memory = max(
        2 * big.nbytes / _best(lambda: np.copyto(out, big), 8), 2 * big.nbytes / _best(lambda: elementwise.copy(big), 8)
    )
    small = rng.random(1 << 13, "float32")
    small_out = np.empty_like(small)
    repeats = 2000

    def copies():
        for _ in range(repeats):
            np.copyto(small_out, small)

    cache = 2 * small.nbytes * repeats / _best(copies, 5)
    return {"gflops": flops / 1e9, "memory_gbs": memory / 1e9, "cache_gbs": cache / 1e9}
