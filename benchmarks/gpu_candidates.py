"""What gpu_gemm.py and gpu_conv.py share: every candidate tile of a kernel call timed as a CUDA graph, beside other libraries."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import time

import numpy as np

from kerasgpu import config
from kerasgpu.config import tensor_cores
from kerasgpu.kernels import cuda
from kerasgpu.kernels.gpu.driver import interface as drivers
from kerasgpu.kernels.gpu.driver.library_calls import LibraryLaunch
from kerasgpu.kernels.gpu.plans import gemm_table, gemm_tiles
from kerasgpu.kernels.gpu.plans.plan import make_plan
from kerasgpu.kernels.spec import read as spec_of

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
# TFLOP/s without sparsity, from NVIDIA's data sheets.
PEAKS = {
    "H100": {"tf32": 494, "simt": 67, "half": 989},
    "H200": {"tf32": 494, "simt": 67, "half": 989},
    "A100": {"tf32": 156, "simt": 19.5, "half": 312},
    "4090": {"tf32": 82.6, "simt": 82.6, "half": 165},
}
KINDS = {"tf32": "float32", "simt": "float32", "half": "bfloat16"}
ITEM = {"tf32": 4, "simt": 4, "half": 2}


def optional(name: str):
    try:
        return importlib.import_module(name)
    except Exception:  # not installed, or broken here
        return None


def peak(device: str, kind: str) -> float | None:
    return next((1e12 * values[kind] for part, values in PEAKS.items() if part in device), None)


def device_name() -> str:
    return dict(drivers.current().info()).get("gpu:0", "unknown GPU")


@contextlib.contextmanager
def using(kind: str, choice=None):
    """TF32 on or off, and one choice for all products."""
    before, tf32 = gemm_table.forced, config.is_tf32_enabled()
    gemm_table.forced = None if choice is None else (choice.tile.name, choice.splits)
    (config.disable_tf32 if kind == "simt" else config.enable_tf32)()
    try:
        yield
    finally:
        gemm_table.forced = before
        (config.enable_tf32 if tf32 else config.disable_tf32)()


def random_array(shape, dtype, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape, "float32")
    if dtype != "float32":
        import ml_dtypes

        x = x.astype(getattr(ml_dtypes, dtype, dtype))
    return cuda.put(x, ("gpu", 0))


def plan_of(kind, choice, call):
    name, inputs, outputs, ints, floats = call
    with using(kind, choice):
        return make_plan(name, cuda.signature(inputs), cuda.signature(outputs), spec_of(name, ints, floats))


def seconds(plan, call, budget=4e-3) -> float:
    """Of one run of a plan, from graphs of many: warm caches, the launch itself not counted."""
    driver = drivers.current()
    _, inputs, outputs, _, _ = call
    scratch = driver.empty((max(plan.scratch, 1),), np.dtype("uint8"), 0)
    addresses = [[driver.address(a) for a in side] for side in (inputs, outputs)]
    once = [
        (f, one, one.fill(*addresses, driver.address(scratch)))
        for f, one in zip(cuda.functions(driver, plan, 0), plan.launches)
    ]  # fmt: skip
    one = driver.graph(once, 0)
    took = best_of(one.run, 2)
    repeats = max(1, min(64, int(budget / max(took, 1e-7))))
    many = driver.graph([(f, launch, bytearray(p)) for _ in range(repeats) for f, launch, p in once], 0)
    return best_of(many.run, 3) / repeats


def by_library(kind, call) -> dict:
    """{library: seconds} of the same call by cuBLASLt or cuDNN as kerasgpu calls them; empty where that cannot be."""
    name = "cudnn" if call[0].startswith("conv") else "cublasLt"
    if drivers.current().library_problem(name):
        return {}
    before = os.environ.get("KERASGPU_CONV")
    tensor_cores.set_products("cublaslt")
    os.environ["KERASGPU_CONV"] = "cudnn"
    try:
        plan = plan_of(kind, None, call)
    finally:
        tensor_cores.set_products(None)
        os.environ.pop("KERASGPU_CONV") if before is None else os.environ.update(KERASGPU_CONV=before)
    if not any(isinstance(one, LibraryLaunch) for one in plan.launches):
        return {}
    return {f"{name} (called by us)": seconds(plan, call)}


def best_of(run, rounds: int) -> float:
    """The fastest of some rounds, by the GPU's clock."""
    cupy = importlib.import_module("cupy")
    run()
    best = float("inf")
    for _ in range(rounds):
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        run()
        end.record()
        end.synchronize()
        best = min(best, 1e-3 * cupy.cuda.get_elapsed_time(begin, end))
    return best


def torch_seconds(torch, function) -> float:
    """A PyTorch call, captured as a CUDA graph of ten."""
    for _ in range(3):
        function()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(10):
            function()
    best = float("inf")
    for _ in range(4):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        best = min(best, 1e-3 * begin.elapsed_time(end))
    return best / 10


def time_candidates(kind, call, choices, deadline):
    """[(seconds, choice)], fastest first; the largest difference of a result from the first candidate's over its largest value."""
    driver = drivers.current()
    plans = [plan_of(kind, c, call) for c in choices]
    driver.prepare([one for p in plans for one in p.launches], 0)
    found, worst, reference = [], 0.0, None
    out = call[2][0]
    for plan, choice in zip(plans, choices):
        if found and time.perf_counter() > deadline:
            break
        found.append((seconds(plan, call), choice))
        result = out.astype("float32")
        if reference is None:
            reference = result
        worst = max(worst, difference(result, reference))
    return sorted(found, key=lambda f: f[0]), worst


def difference(x, reference) -> float:
    return float(abs(x - reference).max() / (abs(reference).max() + 1e-30))


def ranked(args, kind, m, n, k, batch, most_m=None, splits=True, whole=True, matrices=False):
    """(candidates, what a product gets now): at most --count, those that the model puts first, of Hopper's tiles and the others alike;
    each tile at least once while there is room. `whole`: 16 bytes of both operands are copied at once; `matrices`: and they are plain matrices."""
    with using(kind):
        default = gemm_table.choose(kind, m, n, k, batch, most_m, whole, matrices)
    if not splits:
        default = gemm_table.Choice(default.tile, 1, -(-max(k, 1) // default.tile.k) * default.tile.k)
    tiles = (gemm_table.wgmma_tiles(kind, matrices) if whole else ()) + gemm_table.TILES[kind]
    every = [c for c in gemm_table.candidates(kind, m, n, k, batch, most_m, tiles) if splits or c.splits == 1]
    every = [c for c in every if c.tile.name.startswith(tuple(args.tiles.split(",")))] or [default]
    every.sort(key=lambda c: gemm_table.cycles(kind, c, m, n, k, batch))
    families = [f for f in ([c for c in every if c.tile.wgmma == own] for own in (False, True)) if f]
    chosen = []
    for family in families:
        count = args.count // len(families)
        firsts = list({c.tile.name: c for c in reversed(family)}.values())[::-1]  # the first of each tile
        firsts.sort(key=family.index)
        rest = [c for c in family if c not in firsts]
        chosen += firsts[: (count + 1) // 2] + rest[: count // 2]
    if default not in chosen:
        chosen.append(default)
    return sorted(chosen, key=lambda c: gemm_table.cycles(kind, c, m, n, k, batch)), default


def report(title, kind, flops, found, worst, peers, device, default):
    """Prints a line and returns a row of the results. `default`: what the model chose."""
    best, choice = found[0]
    ours = next((s for s, c in found if c == default), best)
    top = peak(device, kind)
    share = f"{flops / best / top:5.1%} of peak" if top else ""
    ratios = "  ".join(f"{name} {1e6 * s:8.1f} us ({s / best:4.2f}x)" for name, s in peers.items())
    print(
        f"{title:34s} {kind:5s} {1e6 * best:9.1f} us {flops / best / 1e12:6.1f} TFLOP/s {share}  {choice.tile.name}"
        f"*{choice.splits}  diff {worst:.0e}  {ratios}",
        flush=True,
    )
    return {
        "name": title, "kind": kind, "flops": flops, "best_s": best, "tile": choice.tile.name, "splits": choice.splits,
        "default_s": ours, "difference": worst, "peers_s": peers,
        "candidates": [[c.tile.name, c.splits, s] for s, c in found],
    }  # fmt: skip


def arguments(description: str):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", nargs="*", help="only shapes whose name contains one of these")
    parser.add_argument("--kinds", default="tf32,half,simt")
    parser.add_argument("--count", type=int, default=16, help="candidates for each shape")
    parser.add_argument(
        "--tiles", default="", help="only tiles whose name begins with one of these, as w,t (Hopper's own) or w128x256"
    )
    parser.add_argument(
        "--cut", action="store_true", help="Hopper's tiles cut floats to TF32 instead of rounding them, to see the cost"
    )
    parser.add_argument("--seconds", type=float, default=160, help="stop starting new shapes after that")
    parser.add_argument("--out", default=None, help="JSON file; default in benchmarks/results")
    args = parser.parse_args()
    gemm_tiles.ROUND = not args.cut
    return args


def save(args, name, device, rows):
    path = args.out or os.path.join(
        RESULTS, f"{name}{'-cut' if args.cut else ''}-{'-'.join(device.split(',')[0].split()).lower()}.json"
    )
    with open(path, "w") as f:
        json.dump({"device": device, "rows": rows}, f, indent=1)
    print(f"wrote {path}")
    if args.cut:
        return
    print("# rows for MEASURED in kerasgpu/kernels/gpu/plans/gemm_table.py, where the model's choice was 5 % slower")
    for row in rows:
        if row.get("class") and row["default_s"] > 1.05 * row["best_s"]:
            print(f"    {tuple(row['class'])!r}: ({row['tile']!r}, {row['splits']}),  # {row['name']}")
