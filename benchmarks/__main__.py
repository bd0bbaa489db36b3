"""`make bench`: time every kernel, beside NumPy where it has the same operation.

A line a case: shape, median time, spread, GFLOP/s or GB/s, share of this machine's measured peak for it, ratio to NumPy in the same
run (above 1: we are faster). Times on a shared machine are noisy: rounds alternate, and a ratio is that of the fastest ones.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from pathlib import Path

import numpy as np

import kerasgpu
from benchmarks import peaks, timing
from benchmarks.cases import all_cases
from benchmarks.peer import Peer
from kerasgpu import _core

HERE = Path(__file__).resolve().parent


def bound(case, peak):
    """(seconds that the machine needs at least, which limit that is)."""
    bandwidth = peak["cache_gbs"] if case.bytes < 1 << 19 else peak["memory_gbs"]
    compute, memory = case.flops / (peak["gflops"] * 1e9), case.bytes / (bandwidth * 1e9)
    return (compute, "flops") if case.kernel.startswith(("gemm", "conv")) and compute >= memory else (memory, "bytes")


def run(case, peak, rounds, seconds, peer=None):
    functions = [case.ours] + ([case.numpy] if case.numpy else [])
    times = timing.interleaved(functions, rounds, seconds)
    row = {"kernel": case.kernel, "shape": case.shape, "flops": case.flops, "bytes": case.bytes, **timing.summary(times[0])}
    floor, limit = bound(case, peak)
    row["limit"] = limit
    row["of_peak"] = floor / row["median_s"]
    if case.numpy:
        row["numpy_ratio"] = timing.ratio(*times)
    if case.peer and peer:
        ours, theirs = peer.interleaved(case, rounds, seconds)
        row["peer_ratio"] = timing.ratio(ours, theirs)
    return row


def line(row):
    rate = row["flops"] / row["median_s"] / 1e9 if row["limit"] == "flops" else row["bytes"] / row["median_s"] / 1e9
    unit = "GFLOP/s" if row["limit"] == "flops" else "GB/s"
    ratio = f"{row['numpy_ratio']:6.2f} x NumPy" if "numpy_ratio" in row else ""
    if "peer_ratio" in row:
        ratio += f"{row['peer_ratio']:6.2f} x PyTorch"
    return (
        f"{row['kernel']:28} {row['shape']:26} {row['median_s'] * 1e6:10.1f} us  ±{100 * row['spread']:3.0f} %  "
        f"{rate:8.1f} {unit:7} {100 * row['of_peak']:5.0f} % of peak  {ratio}"
    )


def mean_of_ratios(rows, kernel, key, name):
    ratios = [r[key] for r in rows if r["kernel"] == kernel and key in r]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"{kernel}, geometric mean over {len(ratios)} shapes: {mean:.2f} x {name}, least {min(ratios):.2f} x")


def compare(rows, old):
    """What changed against an earlier JSON, as ratios of times (above 1: faster now)."""
    before = {(r["kernel"], r["shape"]): r for r in old["rows"]}
    print(f"\nagainst {old['version']} on {old['machine']}:")
    for row in rows:
        then = before.get((row["kernel"], row["shape"]))
        if then is None:
            print(f"  new      {row['kernel']} {row['shape']}")
            continue
        ratio = then["median_s"] / row["median_s"]
        noise = 1 + 2 * (row["spread"] + then["spread"])
        if ratio > max(1.1, noise) or ratio < min(1 / 1.1, 1 / noise):
            print(f"  {ratio:5.2f} x  {row['kernel']} {row['shape']}")


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "gpu"])
    parser.add_argument("--only", help="kernels whose name contains this text")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.02, help="length of one round of one case")
    parser.add_argument(
        "--json", type=Path, help="where results go; default in benchmarks/results: latest.json, or named after the GPU"
    )
    parser.add_argument("--picture", type=Path, default=HERE / "results" / "roofline.png")
    parser.add_argument(
        "--peer",
        default=os.environ.get("KERASGPU_BENCH_PEER"),
        help="a Python interpreter with PyTorch, for the cases that have it beside us (default: $KERASGPU_BENCH_PEER)",
    )
    parser.add_argument("--compare", type=Path, help="an earlier JSON file")
    args = parser.parse_args()
    if args.device == "gpu":
        from benchmarks import gpu

        gpu.main(args.only, args.rounds, args.seconds, args.json)
        return
    old = json.loads(args.compare.read_text()) if args.compare else None
    peak = peaks.measure()
    print(
        f"{_core.num_threads()} threads, measured peaks: {peak['gflops']:.0f} GFLOP/s float32, {peak['memory_gbs']:.1f} GB/s memory, "
        f"{peak['cache_gbs']:.0f} GB/s cache (one thread); NumPy {np.__version__}\n"
    )
    peer = Peer(args.peer, _core.num_threads()) if args.peer else None
    if peer:
        print(f"beside {peer.name} of {args.peer}\n")
    rows = []
    for case in all_cases():
        if args.only and args.only not in case.kernel:
            continue
        rows.append(run(case, peak, args.rounds, args.seconds, peer))
        print(line(rows[-1]), flush=True)
    mean_of_ratios(rows, "gemm", "numpy_ratio", "NumPy")
    for kernel in dict.fromkeys(row["kernel"] for row in rows):
        mean_of_ratios(rows, kernel, "peer_ratio", "PyTorch")
    args.json = args.json or HERE / "results" / "latest.json"
    args.json.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, level {_core.level()}, {_core.num_threads()} threads"
    args.json.write_text(
        json.dumps({"version": kerasgpu.__version__, "machine": machine, "peak": peak, "rows": rows}, indent=1)
    )
    print(f"written: {args.json}")
    try:
        from benchmarks.roofline import draw
    except ImportError:
        print("no picture: matplotlib is not installed (pip install 'kerasgpu[viz]')")
    else:
        draw(rows, peak, args.picture)
        print(f"written: {args.picture}")
    if old:
        compare(rows, old)


if __name__ == "__main__":
    main()
