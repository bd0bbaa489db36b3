"""`make bench DEVICE=gpu`: every case of the CPU's benchmark on the GPU. See gpu_case.py for how a time is taken.

A line a case: time with warm and with cold L2 cache, share of the measured peak, ratios to CuPy and PyTorch on the same GPU (above 1: we
are faster). The raw numbers go to benchmarks/results/kernels-DEVICE.json, with device, driver and command.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np

import kerasgpu
from benchmarks import gpu_candidates, gpu_case, gpu_peers
from kerasgpu import config
from kerasgpu.engine import device as devices
from kerasgpu.kernels import cuda, gemm, movement
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.spec import read as spec_of

RESULTS = Path(__file__).resolve().parent / "results"


class _Call:
    """A case that is only our side."""

    def __init__(self, ours):
        self.ours = ours


def peaks(copied: int = 1 << 29, n: int = 4096) -> dict:
    """Measured: GB/s of a large copy and of one within L2 (read and write counted), GFLOP/s of the fastest large product."""

    def best(ours):
        case = gpu_case.OnDevice(_Call(ours))  # holds the operands
        run, runs = case.warm(0.05)
        return min(gpu_case.seconds(run, runs) for _ in range(3))

    large, small = np.ones(copied // 4, "float32"), np.ones(max(64, min(copied, gpu_case.l2_bytes() // 8) // 4), "float32")
    a, b = (np.ones((n, n), "float32") for _ in range(2))
    product = best(lambda: gemm.gemm(a, b)) if n <= 512 else _product(n)
    return {
        "memory_gbs": 2e-9 * large.nbytes / best(lambda: movement.copy(large)),
        "cache_gbs": 2e-9 * small.nbytes / best(lambda: movement.copy(small)),
        "gflops": 2e-9 * n**3 / product,
        "tf32": config.is_tf32_enabled(),
    }


def _product(n):
    """Ours, without computing it on the CPU first, or that of a library, whichever is faster."""
    driver = drivers.current()
    a, b, out = (driver.put(np.ones((n, n), "float32"), 0) for _ in range(3))
    ints = (1, n, n, n, 0, 0, n * n, n * n, 0, 0, 0)
    plan = cuda.plan_for("gemm", cuda.signature((a, b)), cuda.signature((out,)), spec_of("gemm", ints, (1.0,)), repeated=True)
    found = [gpu_candidates.seconds(plan, ("gemm", (a, b), (out,), ints, (1.0,)))]
    _, torch = gpu_peers.installed()
    if torch is not None:
        torch.backends.cuda.matmul.allow_tf32 = config.is_tf32_enabled()
        x = torch.ones(n, n, device="cuda")
        found.append(gpu_candidates.torch_seconds(torch, lambda: x @ x))
    return min(found)


def run(case, peak, rounds: int, budget: float, libraries) -> dict:
    """A row of the results."""
    row = {"kernel": case.kernel, "shape": case.shape, "flops": case.flops, "bytes": case.bytes}
    try:
        ours = gpu_case.OnDevice(case)
    except (gpu_case.OnHost, NotImplementedError) as error:
        return {**row, "on_host": str(error)}
    cupy, torch = libraries
    subjects = {"warm": ours.warm(budget), "cold": ours.cold(gpu_case.l2_bytes())}
    theirs = gpu_peers.cupy_function(case, cupy) if cupy is not None else None
    times: dict = {}
    for _ in range(rounds):  # in turns, so that a slow spell hits all alike
        for name, subject in subjects.items():
            if subject is not None:
                times.setdefault(name, []).append(gpu_case.seconds(*subject))
        if theirs is not None:
            times.setdefault("cupy", []).append(gpu_peers.cupy_seconds(theirs, budget))
    if torch is not None and (took := gpu_peers.torch_seconds(case, torch, ours.inputs())) is not None:
        times["torch"] = [took]  # the fastest of some rounds already
    median = {name: statistics.median(found) for name, found in times.items()}
    row |= {"launches": ours.launches, "warm_s": median["warm"], "cold_s": median.get("cold"), "times": times}
    row |= {f"{name}_ratio": median[name] / median["warm"] for name in ("cupy", "torch") if name in median}
    compute = case.flops / (peak["gflops"] * 1e9) if case.kernel.startswith(("gemm", "conv")) else 0.0
    memory = case.bytes / (peak["memory_gbs" if row["cold_s"] else "cache_gbs"] * 1e9)
    row["limit"] = "flops" if compute >= memory else "bytes"
    row["of_peak"] = max(compute, memory) / (row["cold_s"] or row["warm_s"])
    return row


def line(row) -> str:
    begin = f"{row['kernel']:28} {row['shape']:26}"
    if "on_host" in row:
        return f"{begin} runs on the host: {row['on_host']}"
    took = row["cold_s"] or row["warm_s"]
    rate, unit = (row["flops"] / took / 1e9, "GFLOP/s") if row["limit"] == "flops" else (row["bytes"] / took / 1e9, "GB/s")
    cold = f"{row['cold_s'] * 1e6:9.2f} us cold" if row["cold_s"] else " " * 17
    ratios = "".join(
        f"{row[k + '_ratio']:7.2f} x {name}" for k, name in (("cupy", "CuPy"), ("torch", "PyTorch")) if k + "_ratio" in row
    )
    return f"{begin} {row['warm_s'] * 1e6:9.2f} us {cold} {rate:9.1f} {unit:7} {100 * row['of_peak']:4.0f} % of peak {ratios}"


def result_path(device: str, name: str) -> Path:
    return RESULTS / f"{name}-{'-'.join(device.split(',')[0].split()).lower()}.json"


def main(only, rounds, budget, out=None, cases=None, peak=None) -> list[dict]:
    """Time the cases whose kernel's name contains `only`; write the JSON file; returns its rows. `peak`: instead of measuring it."""
    count, why = devices.gpu_count()
    if not count:
        sys.exit(f"benchmarks: no GPU timings here: {why}")
    if cases is None:
        from benchmarks.cases import all_cases

        cases = all_cases()
    device, libraries = gpu_candidates.device_name(), gpu_peers.installed()
    peak = peak or peaks()
    versions = {library.__name__: library.__version__ for library in libraries if library is not None}
    print(f"{device}; beside {versions or 'no other library'}")
    print(
        f"measured peaks: {peak['gflops']:.0f} GFLOP/s, {peak['memory_gbs']:.0f} GB/s memory, {peak['cache_gbs']:.0f} GB/s L2\n"
    )
    rows = []
    for case in cases:
        if only and only not in case.kernel:
            continue
        rows.append(run(case, peak, rounds, budget, libraries))
        print(line(rows[-1]), flush=True)
    about = {
        "version": kerasgpu.__version__,
        "device": device,
        "driver": dict(drivers.current().info()),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "libraries": versions,
        "l2_bytes": gpu_case.l2_bytes(),
        "peak": peak,
    }
    path = Path(out) if out else result_path(device, "kernels")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "rows": rows}, indent=1))
    print(f"written: {path}")
    return rows
